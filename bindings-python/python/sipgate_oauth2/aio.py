"""The same client and token source with `await`, for asyncio. No thread waits: a call runs on a thread of the
library's, which completes a future. A token in memory is returned at once.

Cancelling the task, or a timeout around the call, ends the wait only: a request that has left goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import typing
from collections import abc

from . import _native
from ._native import AuthorizationRequest, Store, TokenSet, TokenStatus
from .errors import InvalidArgumentError

if typing.TYPE_CHECKING:
    # In `typing` from Python 3.11 on.
    from typing_extensions import Unpack as _Unpack

    from ._native import _OwnStore
    from .httpx_auth import HttpxAuth as _HttpxAuth
    from .types import ClientAuthentication as _ClientAuthentication
    from .types import Event as _Event
    from .types import LogoutOutcome as _LogoutOutcome
    from .types import ResponseMode as _ResponseMode

__all__ = [
    "AuthorizationRequest",
    "Client",
    "Store",
    "TokenSet",
    "TokenSource",
    "TokenStatus",
    "check_store",
]

_T = typing.TypeVar("_T")

# How long an event loop that is about to end is kept, and how often it is seen whether it must be.
_STAY_SECONDS = 5.0
_STAY_POLL = 0.02

_Scope = str | abc.Sequence[str] | abc.Set[str]


class _ClientOptions(typing.TypedDict, total=False):
    client_secret: str | None
    client_authentication: _ClientAuthentication | None
    redirect_uri: str | None
    ca_certificates: str | bytes | None
    proxy: str | None
    connect_timeout: float | None
    request_timeout: float | None
    store: Store | None
    on_event: abc.Callable[[_Event], object] | None


class _SipgateOptions(_ClientOptions, total=False):
    realm: str | None


class _EndpointsOptions(_ClientOptions, total=False):
    iss_required: bool


class Client:
    """A client of a login server, with the options of `sipgate_oauth2.Client`. Event loops and threads may share it."""

    __slots__ = ("_client",)

    def __init__(self, client: _native.Client) -> None:
        """The same client and connections as `client`, with `await`."""
        if not isinstance(client, _native.Client):
            raise _wrong_type("client", "Client", client)
        self._client = client

    @classmethod
    def sipgate(cls, client_id: str, **options: _Unpack[_SipgateOptions]) -> Client:
        """A client at sipgate, in the realm that its id's suffix names unless `realm` does."""
        return cls(_native.Client.sipgate(client_id, **options))

    @classmethod
    def keycloak(
        cls, client_id: str, base: str, realm: str, **options: _Unpack[_ClientOptions]
    ) -> Client:
        """A client at a Keycloak. `base` is what stands before `/realms`."""
        return cls(_native.Client.keycloak(client_id, base, realm, **options))

    @classmethod
    def endpoints(
        cls,
        client_id: str,
        issuer: str,
        authorization_endpoint: str,
        token_endpoint: str,
        **options: _Unpack[_EndpointsOptions],
    ) -> Client:
        """A client at any server, by its issuer and endpoints as its documentation gives them."""
        return cls(
            _native.Client.endpoints(
                client_id, issuer, authorization_endpoint, token_endpoint, **options
            )
        )

    @classmethod
    def from_env(cls, **options: _Unpack[_SipgateOptions]) -> Client:
        """A sipgate client as the environment says."""
        return cls(_native.Client.from_env(**options))

    def authorization_request(
        self,
        scope: _Scope,
        *,
        redirect_uri: str | None = None,
        response_mode: _ResponseMode | None = None,
        state: str | None = None,
        return_to: str | None = None,
        prompt: str | None = None,
        login_hint: str | None = None,
        ui_locales: str | None = None,
        extra: abc.Mapping[str, str] | abc.Sequence[tuple[str, str]] | None = None,
    ) -> AuthorizationRequest:
        """A new pending login for this scope. Nothing to await: there is no network in it."""
        return self._client.authorization_request(
            scope,
            redirect_uri=redirect_uri,
            response_mode=response_mode,
            state=state,
            return_to=return_to,
            prompt=prompt,
            login_hint=login_hint,
            ui_locales=ui_locales,
            extra=extra,
        )

    async def exchange_callback(
        self, pending: AuthorizationRequest, callback: str | bytes, *, timeout: float | None = None
    ) -> TokenSet:
        """Checks the callback against the pending login and exchanges its code for tokens."""
        return await _outcome(
            _native.start_exchange_callback(self._client, pending, callback, timeout)
        )

    async def exchange_code(
        self,
        code: str,
        *,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        scope: _Scope | None = None,
        timeout: float | None = None,
    ) -> TokenSet:
        """Exchanges a code for tokens, for applications that check callbacks themselves."""
        return await _outcome(
            _native.start_exchange_code(
                self._client, code, code_verifier, redirect_uri, scope, timeout
            )
        )

    async def refresh(
        self,
        refresh_token: str | TokenSet,
        *,
        scope: _Scope | None = None,
        timeout: float | None = None,
    ) -> TokenSet:
        """Exchanges a refresh token, or the last `TokenSet`, for new tokens, once."""
        return await _outcome(_native.start_refresh(self._client, refresh_token, scope, timeout))

    async def complete_login(
        self,
        pending: AuthorizationRequest,
        callback: str | bytes,
        account: str,
        *,
        timeout: float | None = None,
    ) -> TokenSource:
        """Checks the callback, exchanges its code and stores the login of this account, once for all who ask."""
        return TokenSource(
            await _outcome(
                _native.start_complete_login(self._client, pending, callback, account, timeout)
            )
        )

    def token_source(self, account: str) -> TokenSource:
        """The tokens of this account, whether or not there is a login yet. Nothing to await: there is no I/O in it."""
        return TokenSource(self._client.token_source(account))

    @property
    def issuer(self) -> str:
        """The name that callbacks and ID tokens must give the server."""
        return self._client.issuer

    @property
    def token_endpoint(self) -> str:
        """The token endpoint's URL."""
        return self._client.token_endpoint

    @property
    def client_id(self) -> str:
        """The client id."""
        return self._client.client_id

    @property
    def redirect_uri(self) -> str | None:
        """The redirect URI of new pending logins, where one was set."""
        return self._client.redirect_uri

    def __repr__(self) -> str:
        return f"aio.{self._client!r}"

    def __reduce__(self) -> str:
        return self._client.__reduce__()


class TokenSource:
    """The access token of one account, whenever it is asked for. It shares what it knows, and every refresh, with all
    other sources of the store, those without `await` included."""

    __slots__ = ("_source",)

    def __init__(self, source: _native.TokenSource) -> None:
        """The same source as `source`, with `await`."""
        if not isinstance(source, _native.TokenSource):
            raise _wrong_type("source", "TokenSource", source)
        self._source = source

    async def access_token(
        self, *, timeout: float | None = None, min_validity: float | None = None
    ) -> str:
        """An access token that an API takes now, and for `min_validity` seconds more."""
        if timeout is None and min_validity is None:
            token = self._source.peek()
            if token is not None:
                return token
        return await _outcome(_native.start_access_token(self._source, timeout, min_validity))

    async def authorization_header(
        self, *, timeout: float | None = None, min_validity: float | None = None
    ) -> str:
        """The value of an `Authorization` header with such a token: `Bearer …`."""
        token = await self.access_token(timeout=timeout, min_validity=min_validity)
        return f"Bearer {token}"

    def peek(self) -> str | None:
        """The current token, if it can be handed out without asking the store or the server."""
        return self._source.peek()

    def invalidate(self, access_token: str, /) -> None:
        """An API answered 401 to this access token: the next call renews it, if it still is the current one."""
        self._source.invalidate(access_token)

    async def refresh(self, *, timeout: float | None = None) -> str:
        """Renews the tokens now, also when they are fresh; gives the access token."""
        return await _outcome(_native.start_source_refresh(self._source, timeout))

    async def save(self, tokens: TokenSet, *, timeout: float | None = None) -> None:
        """Puts tokens that were got elsewhere in the place of this account's login."""
        await _outcome(_native.start_source_save(self._source, tokens, timeout))

    async def status(self, *, timeout: float | None = None) -> TokenStatus:
        """How the login stands, by the store and without the network."""
        return await _outcome(_native.start_source_status(self._source, timeout))

    async def logout(self, *, timeout: float | None = None) -> _LogoutOutcome:
        """Ends the login: here at once, and then at the server, with every login of this client in that browser's
        session. Gives `"local_only"` where no server was told."""
        return await _outcome(_native.start_source_logout(self._source, timeout))

    def ensure_saved(self) -> None:
        """Checks that nothing is lost if the process ends now: an error while new tokens are only in memory."""
        self._source.ensure_saved()

    def httpx_auth(self, *, origins: abc.Collection[str] | None = None) -> _HttpxAuth:
        """An `auth=` for httpx, which must be installed; see `sipgate_oauth2.TokenSource.requests_auth`."""
        return self._source.httpx_auth(origins=origins)

    @property
    def account(self) -> str:
        """The account, as the application named it."""
        return self._source.account

    @property
    def account_hash(self) -> str:
        """What events and logs call the account: 16 hexadecimal digits, the same in all processes."""
        return self._source.account_hash

    def __repr__(self) -> str:
        return f"aio.{self._source!r}"

    def __reduce__(self) -> str:
        return self._source.__reduce__()


async def check_store(own: _OwnStore, /) -> list[str]:
    """The promises of a store that this one broke, in words; of an `async` store too, which runs on this event loop.
    What a function raises is raised, as the cause of a `StoreError`."""
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(_native.check_store_on, own, loop)


def _wrong_type(field: str, expected: str, value: object) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{field}: must be a sipgate_oauth2.{expected}, not {type(value).__name__}"
    )


async def _outcome(running: _native.Running[_T]) -> _T:
    outcome, error = await _settled(running)
    if error is not None:
        try:
            raise error
        finally:
            # Its traceback holds this frame and the client's: together they would stay until the next collection.
            del error
    return typing.cast("_T", outcome)


async def _settled(running: _native.Running[_T]) -> tuple[_T | None, BaseException | None]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[_T | None, BaseException | None]] = loop.create_future()

    def settle(outcome: _T | None, error: BaseException | None) -> None:
        if not future.done():
            future.set_result((outcome, error))

    def completed(outcome: _T | None, error: BaseException | None) -> None:
        # On a thread of the library's. Once the loop is closed nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, outcome, error)

    timer = loop.call_later(running.timeout, running.time_out)
    running.then(completed)
    try:
        return await future
    finally:
        timer.cancel()
        running.cancel()
        if _native.needs_event_loop():
            _stay(loop)


# Held here, as an event loop holds its tasks weakly.
_staying: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


def _stay(loop: asyncio.AbstractEventLoop) -> None:
    """Keeps `asyncio.run` from ending the loop before a refresh that nobody waits for has stored its tokens in a store
    with `async` functions."""
    if loop not in _staying:
        _staying[loop] = loop.create_task(_stay_to_the_end())


async def _stay_to_the_end() -> None:
    try:
        deadline = math.inf
        while _native.needs_event_loop() and time.monotonic() < deadline:
            try:
                await asyncio.sleep(_STAY_POLL)
            except asyncio.CancelledError:
                # The loop is about to end: it waits for its tasks.
                deadline = min(deadline, time.monotonic() + _STAY_SECONDS)
    finally:
        del _staying[asyncio.get_running_loop()]
