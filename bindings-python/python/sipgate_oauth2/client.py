"""The client: who the application is, and at which server."""

from __future__ import annotations

from . import _native
from .authorization_request import AuthorizationRequest
from .token_set import TokenSet
from .token_source import TokenSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, NoReturn

    from typing_extensions import Self, Unpack

    from .cancel_token import CancelToken
    from .keep_alive_report import KeepAliveReport
    from .server_metadata import ServerMetadata
    from .stored_account import StoredAccount
    from .types import (
        AuthorizationParameters,
        CallOptions,
        ClientOptions,
        LogoutParameters,
        Scope,
    )


class ClientBase:
    """What the two classes `Client`, with and without `await`, share: all that does not wait."""

    __slots__ = ("_handle",)
    _handle: _native.ClientHandle

    def __init__(
        self,
        metadata: Mapping[str, object] | str,
        client_id: str,
        **options: Unpack[ClientOptions],
    ) -> None:
        """A client at any server, by its metadata (RFC 8414): a mapping, or the JSON text.
        `ServerMetadata.discover` fetches it.

        Required are `issuer`, `authorization_endpoint` and `token_endpoint`. Members without a
        meaning here are kept. Making a client does not use the network.
        """
        self._handle = _native.ClientHandle(metadata, client_id, **options)

    @classmethod
    def sipgate(
        cls, client_id: str, *, realm: str | None = None, **options: Unpack[ClientOptions]
    ) -> Self:
        """A client at sipgate.

        The realm is the suffix of the client id (`…:third-party`, `…:sipgate-apps`), unless `realm`
        names another.
        """
        return cls._of(_native.ClientHandle.sipgate(client_id, realm, **options))

    @classmethod
    def keycloak(
        cls, base: str, realm: str, client_id: str, **options: Unpack[ClientOptions]
    ) -> Self:
        """A client at a Keycloak server.

        `base` is its URL up to `/realms`, such as
        `https://login.example.com/auth`.
        """
        return cls._of(_native.ClientHandle.keycloak(base, realm, client_id, **options))

    @classmethod
    def from_env(cls, *, realm: str | None = None, **options: Unpack[ClientOptions]) -> Self:
        """A client at sipgate with the settings in the environment.

        The variables are `SIPGATE_CLIENT_ID`, `SIPGATE_CLIENT_SECRET` (or
        `SIPGATE_CLIENT_SECRET_FILE`, the path of a file that holds it) and `SIPGATE_REDIRECT_URI`.
        Optional are:

        - `SIPGATE_REALM`, or `SIPGATE_ISSUER` for another Keycloak than that of sipgate;
        - `SIPGATE_STORE`: the path of a SQLite database, or a URL as for `Store.open`;
        - `SIPGATE_ENCRYPTION_KEYS` (or `SIPGATE_ENCRYPTION_KEYS_FILE`): one or more keys, separated
          by commas.

        An argument takes precedence over its variable.
        """
        return cls._of(_native.ClientHandle.from_env(realm, **options))

    @classmethod
    def _of(cls, handle: _native.ClientHandle) -> Self:
        client = cls.__new__(cls)
        client._handle = handle
        return client

    def authorization_request(
        self, scope: Scope, **parameters: Unpack[AuthorizationParameters]
    ) -> AuthorizationRequest:
        """A new authorization request for this scope, with the URL to send the user to.

        Does not use the network.
        """
        return AuthorizationRequest._of(self._handle.authorization_request(scope, **parameters))

    def check_logout_response(self, callback: str | bytes, state: str) -> None:
        """Checks that the server sent the user back after the logout with this `state`.

        `callback` is as for `exchange_callback`. Does not use the network.
        """
        self._handle.check_logout_response(callback, state)

    @property
    def metadata(self) -> ServerMetadata:
        """What is known of the server, by RFC 8414's names: a new `dict` each time."""
        # Not imported before it is needed: a client at sipgate needs no metadata.
        from .server_metadata import ServerMetadata

        return ServerMetadata(self._handle.metadata)

    @property
    def issuer(self) -> str:
        """The name of the server, which callbacks and ID tokens must give."""
        return self._handle.issuer

    @property
    def token_endpoint(self) -> str:
        """The URL of the token endpoint."""
        return self._handle.token_endpoint

    @property
    def client_id(self) -> str:
        """The client id."""
        return self._handle.client_id

    @property
    def redirect_uri(self) -> str | None:
        """The redirect URI of new authorization requests, if one is set."""
        return self._handle.redirect_uri

    def __repr__(self) -> str:
        return f"Client(client_id={self.client_id!r}, issuer={self.issuer!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Client holds a secret and connections and cannot be pickled or copied; "
            "make another from the same settings"
        )


class Client(ClientBase):
    """A client of a login server. Any number of threads may use it, and forked children too.

    Every call that waits takes the keyword arguments `timeout`, in seconds, 30 by default, and
    `cancel`, a `CancelToken`. Both end the wait of the caller only: a request that was sent goes
    on.
    """

    __slots__ = ()

    def exchange_callback(
        self, request: AuthorizationRequest, callback: str | bytes, **call: Unpack[CallOptions]
    ) -> TokenSet:
        """Checks the callback against the authorization request and exchanges its code for tokens.

        `callback` is the query string of the request to the redirect URI. Its path and query, the
        whole URL and a form body are accepted too.
        """
        return TokenSet._of(self._handle.start_exchange_callback(request, callback, **call).wait())

    def exchange_code(
        self,
        code: str,
        *,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        scope: Scope | None = None,
        nonce: str | None = None,
        **call: Unpack[CallOptions],
    ) -> TokenSet:
        """Exchanges a code for tokens (RFC 6749, section 4.1.3).

        For applications that keep the state and the verifier, and check the callback, themselves.
        `scope` is the requested scope: the granted one if the response does not say. `nonce` is
        that of the authorization URL, which the ID token must repeat.
        """
        start = self._handle.start_exchange_code
        return TokenSet._of(start(code, code_verifier, redirect_uri, scope, nonce, **call).wait())

    def refresh(
        self,
        refresh_token: str | TokenSet,
        *,
        scope: Scope | None = None,
        **call: Unpack[CallOptions],
    ) -> TokenSet:
        """Exchanges a refresh token, or the last `TokenSet`, for new tokens, once.

        RFC 6749, section 6. Nothing is stored: keep what it returns. Do not let two callers refresh
        the same login at once: a server that rotates refresh tokens ends the login for that.
        """
        return TokenSet._of(self._handle.start_refresh(refresh_token, scope, **call).wait())

    def complete_login(
        self,
        request: AuthorizationRequest,
        callback: str | bytes,
        account: str | None = None,
        **call: Unpack[CallOptions],
    ) -> TokenSource:
        """Checks the callback, exchanges its code and stores the login of this account.

        The account is the user's id at the server: `sub` of the ID token, for which the scope must
        have `openid`. Or name it yourself, by what names the user in the application.

        The login is there for all processes that share the store, and replaces an earlier one. If
        the browser loads the callback twice, in any processes, one exchange is made, and both calls
        return the same login. `callback` is as for `exchange_callback`.
        """
        start = self._handle.start_complete_login
        return TokenSource(start(request, callback, account, **call).wait())

    def login_in_browser(
        self,
        scope: Scope,
        *,
        account: str | None = None,
        on_url: Callable[[str], object] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        **parameters: Unpack[AuthorizationParameters],
    ) -> TokenSource:
        """Logs the user of this machine in: opens the browser, waits for its return on a port of
        this machine, and stores the login as `complete_login` does.

        For command lines and programs on a desktop. The redirect URI is `http://127.0.0.1/…`,
        `http://localhost/…` or `http://[::1]/…`, as it is registered. Without a port it is any free
        one, which a server must allow (RFC 8252, section 7.3). `on_url` gets the URL before a
        browser opens: show it, for the case that none does. Without it, that is an error. The user
        has five minutes, unless there is a `timeout`.
        """
        start = self._handle.start_login_in_browser
        task = start(scope, account, on_url, parameters, timeout=timeout, cancel=cancel)
        return TokenSource(task.wait())

    def token_source(self, account: str) -> TokenSource:
        """The tokens of this account, whether or not there is a login yet.

        Does not use the store or the network.
        """
        return TokenSource(self._handle.token_source(account))

    def accounts(self, **call: Unpack[CallOptions]) -> Iterator[StoredAccount]:
        """The accounts of this client in the store, read a hundred entries at a time.

        They are in no particular order, and an account that is stored meanwhile may be missing.
        `timeout` is for each page. An entry that cannot be read is listed without its name, with
        the state `unreadable`: another client may own it. A custom store needs the function
        `keys`.
        """
        # Not imported before it is needed: it takes longer than all of this package.
        from .stored_account import StoredAccount

        after: str | None = None
        while True:
            page, after = self._handle.start_accounts(after, **call).wait()
            for members in page:
                yield StoredAccount(*members)
            if after is None:
                return

    def keep_alive(
        self, *, idle: float | None = None, **call: Unpack[CallOptions]
    ) -> KeepAliveReport:
        """Refreshes the logins that were last refreshed more than `idle` seconds ago, a week by
        default, so that the server does not end them.

        Run it every hour, from cron or a thread, on as many machines as you like: they share the
        work, and look at each login once a day, or seven times within a shorter `idle`. It stops
        after `timeout`, ten minutes by default, and the next call goes on. At most five logins a
        second are refreshed, on all machines together. After five failures in a row it stops too. A
        custom store needs the function `keys`.
        """
        # Not imported before it is needed: it takes longer than all of this package.
        from .keep_alive_report import KeepAliveReport

        return KeepAliveReport(*self._handle.start_keep_alive(idle, **call).wait())

    def accept_logout_token(self, logout_token: str, **call: Unpack[CallOptions]) -> list[str]:
        """Ends the logins that a logout token of the server is about (OpenID Connect Back-Channel
        Logout), for all processes that share the store.

        Pass the parameter `logout_token` of the request that the server sent. Returns their
        accounts, so that their sessions in the application can end too. Respond with 400 to a
        `SecurityCheckError`, and with 500 to an error that is `retryable`.
        """
        return self._handle.start_accept_logout_token(logout_token, **call).wait()

    def introspect(self, token: str, **call: Unpack[CallOptions]) -> dict[str, Any]:
        """Asks the server whether a token is `active`, and what it knows of it (RFC 7662).

        The response holds for this moment only.
        """
        return self._handle.start_introspect(token, **call).wait()

    def revoke(self, token: str, **call: Unpack[CallOptions]) -> None:
        """Revokes a token at the server (RFC 7009). With a refresh token, the login ends there.

        `TokenSource.logout` ends the login in the store too.
        """
        self._handle.start_revoke(token, **call).wait()

    def logout_url(
        self,
        source: TokenSource | None = None,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        **parameters: Unpack[LogoutParameters],
    ) -> str:
        """The URL to send the user's browser to, to end the session at the server (OpenID Connect
        RP-Initiated Logout).

        It has the ID token of the source. Without a source, give `id_token_hint`, or the server
        asks the user. Reads the store, and does not use the network. `TokenSource.logout` ends the
        login here: call it afterwards.
        """
        start = self._handle.start_logout_url
        return start(source, parameters, timeout=timeout, cancel=cancel).wait()
