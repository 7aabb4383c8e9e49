"""What is done when an API refuses a token: RFC 6750, section 3.1."""

from __future__ import annotations

import typing

from .errors import SipgateOAuth2Error
from .token_source import TokenSource
from .token_status import TokenStatus

__all__ = ["REFUSED", "Awaited", "another_token", "another_token_async"]

REFUSED = (401, 403)


def another_token(source: TokenSource, token: str, status: int, *, resendable: bool) -> str | None:
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


class Awaited(typing.Protocol):
    """What a source with `await` must have."""

    async def access_token(self) -> str: ...
    async def status(self) -> TokenStatus: ...
    def peek(self) -> str | None: ...
    def invalidate(self, access_token: str, /) -> None: ...


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


def _stored(source: TokenSource) -> str | None:
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
