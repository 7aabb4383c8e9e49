"""What is done when an API refuses a token: RFC 6750, section 3.1."""

from __future__ import annotations

import typing

from .errors import SipgateOAuth2Error

__all__ = ["REFUSED", "Awaited", "Source", "another_token", "another_token_async"]

REFUSED = (401, 403)


class Source(typing.Protocol):
    """What an adapter needs of a token source."""

    def access_token(self) -> str: ...
    def status(self) -> object: ...
    def peek(self) -> str | None: ...
    def invalidate(self, access_token: str, /) -> None: ...
    @property
    def _issuer(self) -> str: ...


class Awaited(typing.Protocol):
    """The same with `await`."""

    async def access_token(self) -> str: ...
    async def status(self) -> object: ...
    def peek(self) -> str | None: ...
    def invalidate(self, access_token: str, /) -> None: ...


def another_token(source: Source, token: str, status: int, *, resendable: bool) -> str | None:
    """The token to send the request with once more, if there is one.

    A 401 refreshes the token. A 403 does not, because a new token would allow no more than the old
    one; but another process may have stored one that does, by a login with more scopes.
    """
    if status == 401:
        source.invalidate(token)
    if status not in REFUSED or not resendable:
        return None
    newer = source.access_token() if status == 401 else _stored(source)
    return None if newer == token else newer


async def another_token_async(
    source: Awaited, token: str, status: int, *, resendable: bool
) -> str | None:
    """The same, awaited."""
    if status == 401:
        source.invalidate(token)
    if status not in REFUSED or not resendable:
        return None
    newer = await source.access_token() if status == 401 else await _stored_async(source)
    return None if newer == token else newer


def _stored(source: Source) -> str | None:
    try:
        source.status()
    except SipgateOAuth2Error:
        return None
    return source.peek()


async def _stored_async(source: Awaited) -> str | None:
    try:
        await source.status()
    except SipgateOAuth2Error:
        return None
    return source.peek()
