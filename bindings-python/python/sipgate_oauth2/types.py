"""Types for type checkers: literals, options and events. Nothing here is needed at run time."""

import os
import typing
from collections import abc

if typing.TYPE_CHECKING:
    from .cancel_token import CancelToken
    from .store import Store

__all__ = [
    "AuthorizationParameters",
    "CallOptions",
    "ClientAuthentication",
    "ClientOptions",
    "CustomStore",
    "EncryptionKeys",
    "Entry",
    "ErrorCode",
    "Event",
    "LoggedIn",
    "LoggedOut",
    "LoginRejected",
    "LoginState",
    "LogoutOutcome",
    "ResponseMemberIgnored",
    "RealmMismatch",
    "Remedy",
    "RefreshFailed",
    "Renewed",
    "ResponseMode",
    "Scope",
    "ServerMetadata",
    "StorePath",
    "TokenRequest",
    "Unsaved",
]

Scope: typing.TypeAlias = str | abc.Sequence[str] | abc.Set[str]
"""A scope: a text of names that are separated by spaces, or a collection of names."""

ClientAuthentication = typing.Literal["client_secret_post", "client_secret_basic", "none"]
"""How a client authenticates at the token endpoint (RFC 7591, section 2)."""

ResponseMode = typing.Literal["query", "form_post"]
"""How the callback arrives."""


class ClientOptions(typing.TypedDict, total=False):
    """The settings that every way of making a `Client` has."""

    client_secret: str | None
    """The client's secret. A public client has none."""

    client_authentication: ClientAuthentication | None
    """How the client authenticates at the token endpoint."""

    redirect_uri: str | None
    """The redirect URI of authorization requests, as it is registered."""

    ca_certificates: str | bytes | None
    """Certificates in PEM, instead of those that the system trusts."""

    proxy: str | None
    """The URL of a proxy, or `direct`. By default the environment names it."""

    connect_timeout: float | None
    """Seconds to connect, 5 by default."""

    request_timeout: float | None
    """Seconds for a whole request, 30 by default."""

    store: "Store | None"
    """Where logins are kept: needed for `complete_login` and `token_source`."""

    on_event: "abc.Callable[[Event], object] | None"
    """Called with each event, on any thread."""


class CallOptions(typing.TypedDict, total=False):
    """What every call that waits accepts. Both end the wait of the caller only: a request that was
    sent goes on.
    """

    timeout: float | None
    """Seconds to wait, 30 by default."""

    cancel: "CancelToken | None"
    """Ends the wait when it is cancelled."""


class AuthorizationParameters(typing.TypedDict, total=False):
    """What an authorization request may say besides its scope."""

    redirect_uri: str | None
    """The redirect URI, instead of the client's."""

    response_mode: ResponseMode | None
    """How the callback arrives."""

    state: str | None
    """The `state`, instead of a random one."""

    return_to: str | None
    """Anything that the application wants to find again with the callback. It is not sent to the
    server.
    """

    prompt: str | None
    """Whether the server asks the user again: `login`, `consent`, `none`, … (OpenID Connect Core,
    section 3.1.2.1).
    """

    login_hint: str | None
    """The user name that the login page proposes."""

    ui_locales: str | None
    """The languages of the login page, by preference: `de en`."""

    extra: abc.Mapping[str, str] | abc.Sequence[tuple[str, str]] | None
    """More parameters, for the server."""


class ServerMetadata(typing.TypedDict, total=False):
    """What a server says of itself (RFC 8414, section 2). Other members are ignored."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    introspection_endpoint: str
    code_challenge_methods_supported: list[str]

    userinfo_endpoint: str
    """OpenID Connect Discovery, section 3."""

    end_session_endpoint: str
    """OpenID Connect RP-Initiated Logout, section 2.1."""

    device_authorization_endpoint: str
    """RFC 8628, section 4."""

    authorization_response_iss_parameter_supported: bool
    """RFC 9207, section 3: if `True`, a callback without `iss` is refused."""


LoginState = typing.Literal["absent", "active", "rejected", "logged_out"]
"""`TokenStatus.state`."""

LogoutOutcome = typing.Literal["revoked", "local_only"]
"""Whether a server was told of a logout."""

Remedy = typing.Literal[
    "log_in_again",
    "fix_configuration",
    "try_later",
    "discard_input",
    "show_denied",
    "report_bug",
]
"""What to do about an error."""

ErrorCode = typing.Literal[
    "SIPGATE_INVALID_ARGUMENT",
    "SIPGATE_INVALID_CLIENT",
    "SIPGATE_WRONG_ENDPOINT",
    "SIPGATE_CERTIFICATE",
    "SIPGATE_UNSUPPORTED",
    "SIPGATE_OAUTH",
    "SIPGATE_TRANSPORT",
    "SIPGATE_TIMEOUT",
    "SIPGATE_OUTCOME_UNKNOWN",
    "SIPGATE_SERVER_UNAVAILABLE",
    "SIPGATE_BAD_RESPONSE",
    "SIPGATE_BUSY",
    "SIPGATE_LOGIN_REQUIRED",
    "SIPGATE_LOGIN_FAILED",
    "SIPGATE_LOGIN_EXPIRED",
    "SIPGATE_LOGIN_ALREADY_USED",
    "SIPGATE_AUTHORIZATION_DENIED",
    "SIPGATE_STATE_MISMATCH",
    "SIPGATE_ISSUER_MISMATCH",
    "SIPGATE_CALLBACK_REFUSED",
    "SIPGATE_NONCE_MISMATCH",
    "SIPGATE_ID_TOKEN",
    "SIPGATE_QUARANTINED",
    "SIPGATE_STORE_UNAVAILABLE",
    "SIPGATE_STORE_CORRUPT",
    "SIPGATE_STORE_FORMAT",
    "SIPGATE_STORE_PERMISSIONS",
    "SIPGATE_UNSAVED",
    "SIPGATE_CANCELLED",
    "SIPGATE_INTERNAL",
]
"""What went wrong, as a word that is the same in every language."""


StorePath: typing.TypeAlias = str | os.PathLike[str]
"""The path of a SQLite store."""

EncryptionKeys: typing.TypeAlias = abc.Sequence[str | bytes]
"""Keys of 32 bytes each, or these as base64 or hexadecimal text. The first one encrypts."""

Entry: typing.TypeAlias = abc.Sequence[typing.Any] | None
"""What a custom store loads: `(version, data, expires_at)`, or `None`."""


class CustomStore(typing.Protocol):
    """An object that keeps logins: see `Store`."""

    def load(self, key: str, /) -> Entry | abc.Awaitable[Entry]:
        """The entry of this key."""
        ...

    def save(
        self,
        key: str,
        expected_version: str | None,
        version: str,
        data: bytes,
        expires_at: int | None,
        /,
    ) -> bool | abc.Awaitable[bool]:
        """Replaces the entry if its version is the expected one."""
        ...


class TokenRequest(typing.TypedDict):
    """A request to the token endpoint ended."""

    type: typing.Literal["token_request"]
    grant: str
    duration: float
    sent: bool
    error: ErrorCode | None


class LoggedIn(typing.TypedDict):
    """A login was completed or saved."""

    type: typing.Literal["logged_in"]
    account: str
    generation: int


class Renewed(typing.TypedDict):
    """New tokens were stored."""

    type: typing.Literal["refreshed"]
    account: str
    generation: int
    duration: float


class RefreshFailed(typing.TypedDict):
    """The tokens could not be refreshed; the login goes on."""

    type: typing.Literal["refresh_failed"]
    account: str
    error: ErrorCode


class LoginRejected(typing.TypedDict):
    """The server does not accept the login any more: the user must log in."""

    type: typing.Literal["login_rejected"]
    account: str


class LoggedOut(typing.TypedDict):
    """A login was logged out."""

    type: typing.Literal["logged_out"]
    account: str
    outcome: LogoutOutcome


class Unsaved(typing.TypedDict):
    """New tokens are in memory only, as the store failed."""

    type: typing.Literal["unsaved"]
    account: str


class ResponseMemberIgnored(typing.TypedDict):
    """A member of a response was of no use and counted as absent."""

    type: typing.Literal["response_member_ignored"]
    member: str


class RealmMismatch(typing.TypedDict):
    """The client id names another sipgate realm than the one that is used."""

    type: typing.Literal["realm_mismatch"]
    named: str
    used: str


Event = (
    TokenRequest
    | LoggedIn
    | Renewed
    | RefreshFailed
    | LoginRejected
    | LoggedOut
    | Unsaved
    | ResponseMemberIgnored
    | RealmMismatch
)
"""What `on_event` is told: a dict whose `event` says which. `account` is a hash; durations are in
seconds.
"""
