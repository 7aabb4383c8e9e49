"""Types for type checkers: literals, options and events. Nothing here is needed at run time."""

import typing
from collections import abc

from ._native_types import (
    CustomStore,
    CustomStoreWithKeys,
    Durability,
    EncryptionKeys,
    Entry,
    LoginState,
    LogoutOutcome,
    Password,
    Scope,
    StorePath,
)

if typing.TYPE_CHECKING:
    from .cancel_token import CancelToken
    from .store import StoreBase

__all__ = [
    "AuthorizationParameters",
    "CallOptions",
    "ClientAuthentication",
    "ClientOptions",
    "CustomStore",
    "CustomStoreWithKeys",
    "DiscoveryOptions",
    "Durability",
    "EncryptionKeys",
    "Entry",
    "ErrorCode",
    "Event",
    "LoggedIn",
    "LoggedOut",
    "LoginEnds",
    "LoginRejected",
    "LoginState",
    "LogoutOutcome",
    "LogoutParameters",
    "Password",
    "RealmMismatch",
    "RefreshFailed",
    "Refreshed",
    "Remedy",
    "ResponseMemberIgnored",
    "ResponseMode",
    "Scope",
    "StorePath",
    "TokenRequest",
    "Unsaved",
]

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

    id_token_signed_response_alg: str | abc.Sequence[str] | abc.Set[str] | None
    """The algorithm, or the algorithms, that ID tokens may be signed with, such as `ES256`.

    By default those that the server's metadata offers, and `RS256` if it does not say. `HS256`,
    `HS384` and `HS512` use the client's secret, and count only if they are named here.
    """

    trusted_audiences: abc.Sequence[str] | abc.Set[str] | None
    """Audiences that an ID token may have beside this client. By default none."""

    leeway: float | None
    """Seconds that the clocks of the server and this machine may differ where an ID token is
    judged: 60 by default, at most 300.
    """

    store: "StoreBase | None"
    """Where logins are kept: needed for `complete_login` and `token_source`."""

    on_event: "abc.Callable[[Event], object] | None"
    """Called with each event, on any thread."""


class DiscoveryOptions(typing.TypedDict, total=False):
    """How `ServerMetadata.discover` reaches the server: as a client with these settings does."""

    ca_certificates: str | bytes | None
    """Certificates in PEM, instead of those that the system trusts."""

    proxy: str | None
    """The URL of a proxy, or `direct`. By default the environment names it."""

    connect_timeout: float | None
    """Seconds to connect, 5 by default."""

    request_timeout: float | None
    """Seconds for a whole request, 30 by default."""


class CallOptions(typing.TypedDict, total=False):
    """What every call that waits accepts; with `await`, `timeout` alone, as a task is cancelled.
    Both end the wait of the caller only: a request that was sent goes on.
    """

    timeout: float | None
    """Seconds to wait, 30 by default."""

    cancel: "CancelToken | None"
    """Ends the wait when it is cancelled."""


class AuthorizationParameters(typing.TypedDict, total=False):
    """What an authorization request may say besides its scope."""

    redirect_uri: str | None
    """The redirect URI, instead of the client's own."""

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
    """The languages of the login page, in order of preference: `de en`."""

    max_age: int | None
    """How many seconds ago the user may have logged in: 0 requires a login now (OpenID Connect
    Core, section 3.1.2.1). The ID token must then prove it.

    Anyone who can change the exported request can take this out. Where it protects something, keep
    the request on the server, or signed.
    """

    acr_values: str | None
    """How the user is to log in, best first, with blanks between the values (OpenID Connect Core,
    section 3.1.2.1). The server may do otherwise: see `claims`.
    """

    claims: abc.Mapping[str, object] | str | None
    """Single claims to request (OpenID Connect Core, section 5.5), as a mapping or as JSON text.

    `{"id_token": {"auth_time": {"essential": True}}}` requires `auth_time`, and
    `{"id_token": {"acr": {"essential": True, "values": ["gold"]}}}` one of these values. An ID
    token without them is refused.
    """

    id_token_hint: str | None
    """An ID token of the user who is to be logged in, for instance with `prompt="none"`."""

    extra: abc.Mapping[str, str] | abc.Sequence[tuple[str, str]] | None
    """More parameters, for the server."""


class LogoutParameters(typing.TypedDict, total=False):
    """What a logout at the server may say (OpenID Connect RP-Initiated Logout, section 2)."""

    id_token_hint: str | None
    """The last ID token of the user, where there is no source to take it from."""

    post_logout_redirect_uri: str | None
    """Where the server sends the user afterwards, byte for byte as registered."""

    state: str | None
    """What the server repeats when it sends the user back, for `check_logout_response`."""

    logout_hint: str | None
    """Which user is to be logged out, such as a name."""

    ui_locales: str | None
    """The languages of the server's page, in order of preference: `de en`."""


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


class Refreshed(typing.TypedDict):
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


class LoginEnds(typing.TypedDict):
    """The login ends within a day, and refreshes do not put that off: the user must log in again
    before. A process reports it once for each login, after a refresh.
    """

    type: typing.Literal["login_ends"]
    account: str
    remaining: float


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
    | Refreshed
    | RefreshFailed
    | LoginEnds
    | LoginRejected
    | LoggedOut
    | Unsaved
    | ResponseMemberIgnored
    | RealmMismatch
)
"""What `on_event` is told: a dict whose `type` says which. `account` is a hash; durations are in
seconds.
"""
