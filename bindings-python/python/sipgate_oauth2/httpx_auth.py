"""`TokenSource.httpx_auth()`: an `auth=` for httpx, which is imported with this module and not
before.
"""

from __future__ import annotations

import asyncio
import functools
import typing
from collections import abc

import httpx

from . import _native
from ._awaiting import outcome
from ._origins import Origins
from ._retry import Awaited, Source, another_token, another_token_async
from .cancel_token import CancelToken

__all__ = ["HttpxAuth"]

_T = typing.TypeVar("_T")


class _Source(Source, typing.Protocol):
    """With what awaiting it takes."""

    def access_token(self, *, cancel: CancelToken | None = None) -> str: ...
    def status(self, *, cancel: CancelToken | None = None) -> object: ...
    def _on_running_loop(self) -> _native.TokenSourceHandle: ...


class HttpxAuth(httpx.Auth):
    """Adds the token of a source to requests to its origins, and sends a refused one once more."""

    def __init__(self, source: _Source, origins: abc.Collection[str] | None) -> None:
        self._source = source
        self._origins = Origins.of(source._issuer, origins)

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
        if _is_response_to(request, response):
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
        source = _awaited(self._source)
        token = await source.access_token()
        _authorize(request, token)
        response = yield request
        if _is_response_to(request, response):
            resendable = _can_be_sent_again(request)
            newer = await another_token_async(
                source, token, response.status_code, resendable=resendable
            )
            if newer is not None:
                _authorize(request, newer)
                yield request

    def _is_ours(self, request: httpx.Request) -> bool:
        url = request.url
        ours = self._origins.hold(url.scheme, url.host, url.port)
        if not ours and "Authorization" not in request.headers:
            self._origins.warn_of(url.scheme, url.host, url.port)
        return ours

    def __repr__(self) -> str:
        return f"HttpxAuth({self._source!r})"


def _awaited(source: _Source) -> Awaited:
    return _OnAsyncio(source) if _runs_asyncio() else _OnThreads(source)


class _OnAsyncio:
    """The source for asyncio: no thread of Python waits."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self.peek = source.peek
        self.invalidate = source.invalidate

    async def access_token(self) -> str:
        token = self._source.peek()
        if token is not None:
            return token
        return await outcome(self._source._on_running_loop()._start_access_token())

    async def status(self) -> object:
        return await outcome(self._source._on_running_loop()._start_status())


class _OnThreads:
    """The source for an event loop other than that of asyncio, such as trio: its calls wait on a
    thread of the loop.
    """

    def __init__(self, source: _Source) -> None:
        self._source = source
        self.peek = source.peek
        self.invalidate = source.invalidate

    async def access_token(self) -> str:
        token = self._source.peek()
        return token if token is not None else await _on_thread(self._source.access_token)

    async def status(self) -> object:
        return await _on_thread(self._source.status)


async def _on_thread(call: abc.Callable[..., _T]) -> _T:
    # A dependency of httpx.
    import anyio.to_thread

    cancel = CancelToken()
    try:
        waiting = functools.partial(call, cancel=cancel)
        return await anyio.to_thread.run_sync(waiting, abandon_on_cancel=True)
    finally:
        cancel.cancel()


def _runs_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _authorize(request: httpx.Request, token: str) -> None:
    request.headers["Authorization"] = f"Bearer {token}"


def _is_response_to(request: httpx.Request, response: httpx.Response) -> bool:
    """A response to another request, after a redirect, says nothing about the token."""
    return response.request is request


def _can_be_sent_again(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
