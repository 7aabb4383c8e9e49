"""Words and shapes for type checkers: `Remedy`, `Event` and their like. Nothing here is needed at run time."""

import typing

__all__ = [
    "ClientAuthentication",
    "ErrorCode",
    "Event",
    "LoggedIn",
    "LoggedOut",
    "LoginEnded",
    "LoginState",
    "LogoutOutcome",
    "OddAnswer",
    "RealmMismatch",
    "Remedy",
    "RenewalFailed",
    "Renewed",
    "ResponseMode",
    "TokenRequest",
    "Unsaved",
]

ClientAuthentication = typing.Literal["client_secret_post", "client_secret_basic", "none"]
"""How a client authenticates at the token endpoint (RFC 7591, section 2)."""

ResponseMode = typing.Literal["query", "form_post"]
"""How the callback is to arrive."""

LoginState = typing.Literal["absent", "active", "refused", "logged_out"]
"""`TokenStatus.state`."""

LogoutOutcome = typing.Literal["revoked", "local_only"]
"""Whether a server was told of a logout."""

Remedy = typing.Literal[
    "log_in_again",
    "fix_configuration",
    "try_later",
    "refused_for_safety",
    "tell_the_person",
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

    event: typing.Literal["token_request"]
    grant: str
    duration: float
    sent: bool
    error: ErrorCode | None


class LoggedIn(typing.TypedDict):
    """A login was completed or saved."""

    event: typing.Literal["logged_in"]
    account: str
    generation: int


class Renewed(typing.TypedDict):
    """New tokens were stored."""

    event: typing.Literal["renewed"]
    account: str
    generation: int
    duration: float


class RenewalFailed(typing.TypedDict):
    """The tokens could not be refreshed; the login goes on."""

    event: typing.Literal["renewal_failed"]
    account: str
    error: ErrorCode


class LoginEnded(typing.TypedDict):
    """The server does not accept the login any more: the user must log in."""

    event: typing.Literal["login_ended"]
    account: str


class LoggedOut(typing.TypedDict):
    """A login was logged out."""

    event: typing.Literal["logged_out"]
    account: str
    outcome: LogoutOutcome


class Unsaved(typing.TypedDict):
    """New tokens are in memory only, as the store failed."""

    event: typing.Literal["unsaved"]
    account: str


class OddAnswer(typing.TypedDict):
    """A member of a response was of no use and counted as absent."""

    event: typing.Literal["odd_answer"]
    member: str


class RealmMismatch(typing.TypedDict):
    """The client id names another sipgate realm than the one that is used."""

    event: typing.Literal["realm_mismatch"]
    named: str
    used: str


Event = (
    TokenRequest
    | LoggedIn
    | Renewed
    | RenewalFailed
    | LoginEnded
    | LoggedOut
    | Unsaved
    | OddAnswer
    | RealmMismatch
)
"""What `on_event` is told: a dict whose `event` says which. `account` is a hash; durations are in seconds."""
