"""Who may be sent a token."""

from __future__ import annotations

import warnings
from collections import abc
from urllib.parse import urlsplit

from .errors import InvalidArgumentError

_PORTS = {"https": 443, "http": 80}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_SIPGATE = "https://login.sipgate.com/"
_SIPGATE_API = "https://api.sipgate.com"

_Origin = tuple[str, str, int]


class Origins:
    """A set of origins: scheme, host and port (RFC 6454), all of which must be the same."""

    __slots__ = ("_origins",)

    def __init__(self, origins: abc.Collection[str]) -> None:
        if isinstance(origins, str | bytes) or not isinstance(origins, abc.Collection):
            raise _refused(f"must be a list of str, not {type(origins).__name__}")
        self._origins = frozenset(map(_read, origins))

    @classmethod
    def of(cls, issuer: str, origins: abc.Collection[str] | None) -> Origins:
        """Which origins may have a token of this issuer. Those of a server other than that of
        sipgate must be given.
        """
        if origins is not None:
            return cls(origins)
        if issuer.startswith(_SIPGATE):
            return cls([_SIPGATE_API])
        raise _refused(
            'is missing; name where the token may go: origins=["https://api.example.com"]'
        )

    def hold(self, scheme: str, host: str | None, port: int | None) -> bool:
        """Whether a request to there may have the token."""
        number = _PORTS.get(scheme) if port is None else port
        return host is not None and (scheme, host.strip("[]").lower(), number) in self._origins

    @staticmethod
    def warn_of(scheme: str, host: str | None, port: int | None) -> None:
        """Warns of a request to there, which has no token."""
        at = "" if port is None else f":{port}"
        warnings.warn(
            f"a request to {scheme}://{host}{at} gets no token, as that is not among the origins; "
            "if it is to have one, name it in origins=[…]",
            stacklevel=2,
        )


def _read(text: object) -> _Origin:
    if not isinstance(text, str):
        raise _refused(f"must be a list of str, not of {type(text).__name__}")
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        raise _refused("one of them is no URL") from None
    bare = text.removesuffix("/") == f"{scheme}://{parts.netloc}" and "@" not in parts.netloc
    if scheme not in _PORTS or not host or not bare:
        raise _refused(
            "an origin has a scheme, a host, perhaps a port, and no more: https://api.sipgate.com"
        )
    if scheme == "http" and host not in _LOOPBACK:
        raise _refused("a token that is sent over http can be read by others; use https")
    return scheme, host, _PORTS[scheme] if port is None else port


def _refused(problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"origins: {problem}")
