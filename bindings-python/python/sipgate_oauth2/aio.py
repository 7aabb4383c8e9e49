"""The same client and token source with `await`, for asyncio.

No thread of Python waits: a call runs on a thread of the library, which completes a future. A token
in memory is returned at once. Cancelling the task, or a timeout around the call, ends the wait
only: a request that was sent goes on.
"""

from __future__ import annotations

import asyncio
import typing
from collections import abc

from . import _native, server_metadata, token_source
from . import client as sync
from ._awaiting import outcome
from .authorization_request import AuthorizationRequest
from .errors import InvalidArgumentError
from .keep_alive_report import KeepAliveReport
from .store import StoreBase
from .stored_account import StoredAccount
from .token_set import TokenSet
from .token_status import TokenStatus

if typing.TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .httpx_auth import HttpxAuth
    from .types import (
        AuthorizationParameters,
        CustomStore,
        DiscoveryOptions,
        LogoutOutcome,
        LogoutParameters,
        Scope,
    )

__all__ = [
    "AuthorizationRequest",
    "Client",
    "KeepAliveReport",
    "ServerMetadata",
    "Store",
    "StoredAccount",
    "TokenSet",
    "TokenSource",
    "TokenStatus",
    "check_store",
]

_T = typing.TypeVar("_T")


class Client(sync.ClientBase):
    """A client of a login server. Event loops and threads may share it."""

    __slots__ = ()

    @classmethod
    def from_client(cls, client: sync.Client, /) -> Self:
        """The same client and connections as `client`, with `await`."""
        return cls._of(_checked("client", sync.Client, client)._handle)

    async def exchange_callback(
        self, request: AuthorizationRequest, callback: str | bytes, *, timeout: float | None = None
    ) -> TokenSet:
        """Checks the callback against the request and exchanges its code for tokens."""
        start = self._handle.on_running_loop().start_exchange_callback
        return TokenSet._of(await outcome(start(request, callback, timeout=timeout)))

    async def exchange_code(
        self,
        code: str,
        *,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        scope: Scope | None = None,
        nonce: str | None = None,
        timeout: float | None = None,
    ) -> TokenSet:
        """Exchanges a code for tokens, for applications that check callbacks themselves."""
        start = self._handle.on_running_loop().start_exchange_code
        task = start(code, code_verifier, redirect_uri, scope, nonce, timeout=timeout)
        return TokenSet._of(await outcome(task))

    async def refresh(
        self,
        refresh_token: str | TokenSet,
        *,
        scope: Scope | None = None,
        timeout: float | None = None,
    ) -> TokenSet:
        """Exchanges a refresh token, or the last `TokenSet`, for new tokens, once."""
        start = self._handle.on_running_loop().start_refresh
        return TokenSet._of(await outcome(start(refresh_token, scope, timeout=timeout)))

    async def complete_login(
        self,
        request: AuthorizationRequest,
        callback: str | bytes,
        account: str | None = None,
        *,
        timeout: float | None = None,
    ) -> TokenSource:
        """Checks the callback, exchanges its code and stores the login of this account, once.

        Without an account, it is that of the user: `sub` of the ID token.
        """
        start = self._handle.on_running_loop().start_complete_login
        return TokenSource._of(await outcome(start(request, callback, account, timeout=timeout)))

    async def login_in_browser(
        self,
        scope: Scope,
        *,
        account: str | None = None,
        on_url: abc.Callable[[str], object] | None = None,
        timeout: float | None = None,
        **parameters: Unpack[AuthorizationParameters],
    ) -> TokenSource:
        """Logs the user of this machine in: opens the browser, waits for its return on a port of
        this machine, and stores the login. See `sipgate_oauth2.Client.login_in_browser`.
        """
        start = self._handle.on_running_loop().start_login_in_browser
        task = start(scope, account, on_url, parameters, timeout=timeout)
        return TokenSource._of(await outcome(task))

    async def accounts(self, *, timeout: float | None = None) -> abc.AsyncIterator[StoredAccount]:
        """The accounts of this client in the store, read a hundred entries at a time.

        `timeout` is for each page. A custom store needs the function `keys`.
        """
        after: str | None = None
        while True:
            start = self._handle.on_running_loop().start_accounts
            page, after = await outcome(start(after, timeout=timeout))
            for members in page:
                yield StoredAccount(*members)
            if after is None:
                return

    async def keep_alive(
        self, *, idle: float | None = None, timeout: float | None = None
    ) -> KeepAliveReport:
        """Refreshes the logins that were last refreshed more than `idle` seconds ago, a week by
        default, so that the server does not end them.
        """
        start = self._handle.on_running_loop().start_keep_alive
        return KeepAliveReport(*await outcome(start(idle, timeout=timeout)))

    async def accept_logout_token(
        self, logout_token: str, *, timeout: float | None = None
    ) -> list[str]:
        """Ends the logins that a logout token of the server is about, and returns their
        accounts.
        """
        start = self._handle.on_running_loop().start_accept_logout_token
        return await outcome(start(logout_token, timeout=timeout))

    async def introspect(
        self, token: str, *, timeout: float | None = None
    ) -> dict[str, typing.Any]:
        """Asks the server whether a token is `active`, and what it knows of it."""
        return await outcome(self._handle.start_introspect(token, timeout=timeout))

    async def revoke(self, token: str, *, timeout: float | None = None) -> None:
        """Revokes a token at the server. With a refresh token, the login ends there."""
        await outcome(self._handle.start_revoke(token, timeout=timeout))

    async def logout_url(
        self,
        source: TokenSource | None = None,
        *,
        timeout: float | None = None,
        **parameters: Unpack[LogoutParameters],
    ) -> str:
        """The URL to send the user's browser to, to end the session at the server."""
        start = self._handle.on_running_loop().start_logout_url
        return await outcome(start(source, parameters, timeout=timeout))

    def token_source(self, account: str) -> TokenSource:
        """The tokens of this account, whether or not there is a login yet. Does no I/O."""
        return TokenSource._of(self._handle.token_source(account))

    def __repr__(self) -> str:
        return f"aio.{super().__repr__()}"


class TokenSource:
    """The access token of one account.

    It shares what it knows, and every refresh, with all other sources of the store, also with those
    without `await`.
    """

    __slots__ = ("_handle",)

    def __init__(self, source: token_source.TokenSource) -> None:
        """The same source as `source`, with `await`."""
        self._handle = _native.TokenSourceHandle(
            _checked("source", token_source.TokenSource, source)
        )

    @classmethod
    def _of(cls, handle: _native.TokenSourceHandle) -> Self:
        source = cls.__new__(cls)
        source._handle = handle
        return source

    async def access_token(
        self, *, timeout: float | None = None, min_validity: float | None = None
    ) -> str:
        """An access token that an API accepts now, and for `min_validity` seconds more."""
        if timeout is None and min_validity is None:
            token = self._handle.peek()
            if token is not None:
                return token
        start = self._handle._on_running_loop()._start_access_token
        return await outcome(start(timeout=timeout, min_validity=min_validity))

    async def authorization_header(
        self, *, timeout: float | None = None, min_validity: float | None = None
    ) -> str:
        """The value of an `Authorization` header with such a token: `Bearer …`."""
        token = await self.access_token(timeout=timeout, min_validity=min_validity)
        return f"Bearer {token}"

    def peek(self) -> str | None:
        """The current token, if it can be returned without asking the store or the server."""
        return self._handle.peek()

    def invalidate(self, access_token: str, /) -> None:
        """Tells the source that an API responded 401 to this token: the next call refreshes."""
        self._handle.invalidate(access_token)

    async def refresh(self, *, timeout: float | None = None) -> str:
        """Refreshes the tokens now, also if they are fresh, and returns the access token."""
        return await outcome(self._handle._on_running_loop()._start_refresh(timeout=timeout))

    async def save(self, tokens: TokenSet, *, timeout: float | None = None) -> None:
        """Replaces the login of this account by tokens from elsewhere."""
        await outcome(self._handle._on_running_loop()._start_save(tokens, timeout=timeout))

    async def status(self, *, timeout: float | None = None) -> TokenStatus:
        """The state of the login, from the store and without the network."""
        start = self._handle._on_running_loop()._start_status
        return TokenStatus(*await outcome(start(timeout=timeout)))

    async def logout(self, *, timeout: float | None = None) -> LogoutOutcome:
        """Ends the login: here at once, and then at the server, with every login of this client in
        that browser's session.

        Returns `"local_only"` if no server was told.
        """
        return await outcome(self._handle._on_running_loop()._start_logout(timeout=timeout))

    async def forget(self, *, timeout: float | None = None) -> LogoutOutcome:
        """Ends the login as `logout` does, and then removes what the store knows of the user."""
        return await outcome(self._handle._on_running_loop()._start_forget(timeout=timeout))

    async def claims(self, *, timeout: float | None = None) -> dict[str, typing.Any]:
        """What the verified ID token says about the user, from the store and without the
        network.
        """
        return await outcome(self._handle._on_running_loop()._start_claims(timeout=timeout))

    async def userinfo(self, *, timeout: float | None = None) -> dict[str, typing.Any]:
        """Claims about the user of the ID token from the server's userinfo endpoint."""
        return await outcome(self._handle._on_running_loop()._start_userinfo(timeout=timeout))

    def ensure_saved(self) -> None:
        """Checks that no token would be lost if the process exited now: an error while new tokens
        are only in memory.
        """
        self._handle.ensure_saved()

    def httpx_auth(self, *, origins: abc.Collection[str] | None = None) -> HttpxAuth:
        """An `auth=` for httpx, which must be installed; see
        `sipgate_oauth2.TokenSource.requests_auth`.
        """
        return token_source.TokenSource(self._handle).httpx_auth(origins=origins)

    @property
    def account(self) -> str:
        """The account, as the application named it."""
        return self._handle.account

    @property
    def account_hash(self) -> str:
        """The name of the account in events and logs: 16 hexadecimal digits, the same in all
        processes.
        """
        return self._handle.account_hash

    def __repr__(self) -> str:
        return f"aio.TokenSource(account={self.account!r}, …)"

    def __reduce__(self) -> typing.NoReturn:
        raise TypeError(token_source.NOT_COPIED)


class Store(StoreBase):
    """Where logins are kept, for all processes that use it.

    A client of either kind takes a store of either kind: they differ in `check` alone.
    """

    __slots__ = ()

    async def check(self, *, timeout: float | None = None) -> list[str]:
        """Looks whether the store works and keeps logins as it must. Returns what is wrong, in
        words with the remedy: an empty list means that all is well.
        """
        return await outcome(self._handle.on_running_loop().start_check(timeout=timeout))

    def __repr__(self) -> str:
        return f"aio.{super().__repr__()}"


class ServerMetadata(server_metadata.ServerMetadata):
    """A server's metadata: a `dict` with the names of RFC 8414, which can be kept as JSON."""

    __slots__ = ()

    @classmethod
    async def discover(  # type: ignore[override]
        cls, issuer: str, *, timeout: float | None = None, **options: Unpack[DiscoveryOptions]
    ) -> Self:
        """Fetches the metadata of the server with this issuer: its own name, as it writes it."""
        return cls(await outcome(_native.start_discover(issuer, options, timeout=timeout)))


async def check_store(store: CustomStore, /) -> list[str]:
    """The promises that a custom store breaks, in words. An `async` store runs on this event loop.

    What a function of the store raises is raised, as the cause of a `StoreError`.
    """
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(_native.check_store_on, store, loop)


def _checked(field: str, kind: type[_T], value: _T) -> _T:
    """Only the native half judges what it is given, and it never sees this."""
    if not isinstance(value, kind):
        raise InvalidArgumentError(
            f"{field}: must be a sipgate_oauth2.{kind.__name__}, not {type(value).__name__}"
        )
    return value
