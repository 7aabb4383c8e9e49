"""The same client with `await`, for asyncio. No thread waits: a request runs on a thread of the library's,
which completes a future.

Cancelling the task, or a timeout around the call, ends the wait only: a request that has left goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import typing
from collections import abc

from . import _native
from ._native import AuthorizationRequest, TokenSet
from .errors import InvalidArgumentError

if typing.TYPE_CHECKING:
    # In `typing` from Python 3.11 on.
    from typing_extensions import Unpack as _Unpack

__all__ = ["AuthorizationRequest", "Client", "TokenSet"]

_Scope = str | abc.Sequence[str] | abc.Set[str]


class _ClientOptions(typing.TypedDict, total=False):
    client_secret: str | None
    client_authentication: str | None
    redirect_uri: str | None
    ca_certificates: str | bytes | None
    proxy: str | None
    connect_timeout: float | None
    request_timeout: float | None


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
            raise InvalidArgumentError(
                f"client: must be a sipgate_oauth2.Client, not {type(client).__name__}",
                "SIPGATE_INVALID_ARGUMENT",
                "fix_configuration",
            )
        self._client = client

    @classmethod
    def sipgate(cls, client_id: str, **options: _Unpack[_SipgateOptions]) -> Client:
        """A client at sipgate, in the realm that its id's suffix names unless `realm` does."""
        return cls(_native.Client.sipgate(client_id, **options))

    @classmethod
    def keycloak(
        cls, base: str, realm: str, client_id: str, **options: _Unpack[_ClientOptions]
    ) -> Client:
        """A client at a Keycloak. `base` is what stands before `/realms`."""
        return cls(_native.Client.keycloak(base, realm, client_id, **options))

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
        response_mode: str | None = None,
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
        self, pending: AuthorizationRequest, callback: str, *, timeout: float | None = None
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


async def _outcome(running: _native.Running) -> TokenSet:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[TokenSet] = loop.create_future()

    def settle(tokens: TokenSet | None, error: BaseException | None) -> None:
        if future.done():
            return
        if tokens is not None:
            future.set_result(tokens)
        elif error is not None:
            future.set_exception(error)

    def completed(tokens: TokenSet | None, error: BaseException | None) -> None:
        # On a thread of the library's. Once the loop is closed nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, tokens, error)

    timer = loop.call_later(running.timeout, running.time_out)
    running.then(completed)
    try:
        return await future
    finally:
        timer.cancel()
        running.cancel()
