"""`TokenSource.httpx_auth()`: an `auth=` for httpx, which is imported with this module and not before."""

from __future__ import annotations

from collections import abc

import httpx

from . import aio
from ._native import TokenSource
from .origins import Origins
from .refusals import another_token, another_token_async

__all__ = ["HttpxAuth"]


class HttpxAuth(httpx.Auth):
    """Puts the token of a source on requests to its origins, and sends one that is refused once more."""

    def __init__(self, source: TokenSource, origins: abc.Collection[str] | None = None) -> None:
        self._source = source
        self._awaited = aio.TokenSource(source)
        self._origins = Origins(origins)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> abc.Generator[httpx.Request, httpx.Response, None]:
        """For `httpx.Client`."""
        if not self._is_ours(request):
            yield request
            return
        token = self._source.access_token()
        _authorize(request, token)
        response = yield request
        if _is_answer_to(request, response):
            resendable = _can_be_sent_again(request)
            newer = another_token(self._source, token, response.status_code, resendable=resendable)
            if newer is not None:
                _authorize(request, newer)
                yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> abc.AsyncGenerator[httpx.Request, httpx.Response]:
        """For `httpx.AsyncClient`."""
        if not self._is_ours(request):
            yield request
            return
        token = await self._awaited.access_token()
        _authorize(request, token)
        response = yield request
        if _is_answer_to(request, response):
            resendable = _can_be_sent_again(request)
            newer = await another_token_async(
                self._awaited, token, response.status_code, resendable=resendable
            )
            if newer is not None:
                _authorize(request, newer)
                yield request

    def _is_ours(self, request: httpx.Request) -> bool:
        return self._origins.hold(request.url.scheme, request.url.host, request.url.port)

    def __repr__(self) -> str:
        return f"HttpxAuth({self._source!r})"


def _authorize(request: httpx.Request, token: str) -> None:
    request.headers["Authorization"] = f"Bearer {token}"


def _is_answer_to(request: httpx.Request, response: httpx.Response) -> bool:
    """An answer to another request came after a redirect, and says nothing of the token."""
    return response.request is request


def _can_be_sent_again(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
