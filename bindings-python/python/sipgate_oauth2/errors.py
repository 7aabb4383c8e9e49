"""The errors: one class per family, one code per cause, a remedy per occurrence."""

from ._native import error_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Not imported at run time: that takes longer than all of this package.
    from .types import ErrorCode as _ErrorCode
    from .types import Remedy as _Remedy

ERROR_CODES: tuple[tuple[str, int, str], ...] = tuple(error_codes())
"""Every code with its number, the value of the C constant, and the name of its family's class."""

_NUMBERS = {code: number for code, number, _ in ERROR_CODES}


class _Hidden:
    """A secret that neither the attributes of an object nor its pickle show."""

    __slots__ = ("text",)

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "[redacted]"

    def __reduce__(self) -> "tuple[type[_Hidden], tuple[()]]":
        return _Hidden, ()


class SipgateOAuth2Error(Exception):
    """Any error of this library. Cancelled calls, and defects of the library, have this class
    itself.

    One that a program makes, as in its tests, has the usual code and remedy of its class. `args`
    has all arguments of `__init__` but the refresh token, so that an error can be pickled, or made
    again from its `args`.
    """

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_INTERNAL", "report_bug")

    code: "_ErrorCode"
    """What went wrong, as a word that is the same in every language: `SIPGATE_LOGIN_REQUIRED`."""

    remedy: "_Remedy"
    """What to do about this occurrence: `log_in_again`, `fix_configuration`, `try_later`,
    `discard_input`, `show_denied` or `report_bug`.
    """

    message: str
    """What happened and what to do, in one line. It holds no secret."""

    retry_after: float | None
    """How many seconds to wait, if the server said so."""

    status: int | None
    """The HTTP status of the response, if there was one."""

    oauth_error: str | None
    """The `error` member of an OAuth response or callback: match on this (RFC 6749, sections
    4.1.2.1 and 5.2).
    """

    oauth_error_description: str | None
    """The server's explanation: for logs and people, not for decisions."""

    oauth_error_uri: str | None
    """The URL of a page about the error."""

    def __init__(
        self,
        message: str,
        code: "_ErrorCode | None" = None,
        remedy: "_Remedy | None" = None,
        retry_after: float | None = None,
        status: int | None = None,
        oauth_error: str | None = None,
        oauth_error_description: str | None = None,
        oauth_error_uri: str | None = None,
        refresh_token: str | None = None,
    ) -> None:
        usual_code, usual_remedy = self._usual
        self.message = message
        self.code = code = usual_code if code is None else code
        self.remedy = remedy = usual_remedy if remedy is None else remedy
        self.retry_after = retry_after
        self.status = status
        self.oauth_error = oauth_error
        self.oauth_error_description = oauth_error_description
        self.oauth_error_uri = oauth_error_uri
        self._refresh_token = None if refresh_token is None else _Hidden(refresh_token)
        said = [retry_after, status, oauth_error, oauth_error_description, oauth_error_uri]
        while said and said[-1] is None:
            del said[-1]
        super().__init__(message, code, remedy, *said)

    def __str__(self) -> str:
        return self.message

    @property
    def refresh_token(self) -> str | None:
        """The refresh token to go on with, if `Client.refresh` has received one in a response of
        which nothing else can be used. Keep it in place of the old one, which the server may not
        accept any more. It is not pickled.
        """
        return None if self._refresh_token is None else self._refresh_token.text

    @property
    def number(self) -> int:
        """The code as the number that the C constant has."""
        return _NUMBERS[self.code]

    @property
    def retryable(self) -> bool:
        """Whether the same call may work later: the remedy is `try_later`."""
        return self.remedy == "try_later"


class ConfigurationError(SipgateOAuth2Error):
    """A setting of the application or of the server is wrong."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_INVALID_ARGUMENT", "fix_configuration")


class InvalidArgumentError(ConfigurationError, ValueError):
    """An argument or setting is wrong; the message begins with its name."""


class TemporaryError(SipgateOAuth2Error):
    """The same call may work later, without any change."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_SERVER_UNAVAILABLE", "try_later")


class CallTimeoutError(TemporaryError, TimeoutError):
    """Time ran out before the request was sent."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_TIMEOUT", "try_later")


class LoginRequiredError(SipgateOAuth2Error):
    """The user must log in (again)."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_LOGIN_REQUIRED", "log_in_again")


class AuthorizationDeniedError(SipgateOAuth2Error):
    """The user denied access. Show this; another redirect to the login page would loop."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_AUTHORIZATION_DENIED", "show_denied")


class SecurityCheckError(SipgateOAuth2Error):
    """The input may be an attack or a mix-up, and is refused."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_CALLBACK_REFUSED", "discard_input")


class StoreError(SipgateOAuth2Error):
    """The store failed."""

    _usual: "tuple[_ErrorCode, _Remedy]" = ("SIPGATE_STORE_UNAVAILABLE", "try_later")
