"""What the native half offers; checked against the binary by mypy's stubtest."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from os import PathLike
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    NoReturn,
    Protocol,
    TypeAlias,
    TypeVar,
    final,
)

from .errors import SipgateOAuth2Error
from .httpx_auth import HttpxAuth
from .requests_auth import RequestsAuth
from .types import ClientAuthentication, Event, LoginState, LogoutOutcome, ResponseMode

_Scope: TypeAlias = str | Sequence[str] | AbstractSet[str]
_Extra: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
_OnEvent: TypeAlias = Callable[[Event], object]
_Path: TypeAlias = str | PathLike[str]
_Keys: TypeAlias = Sequence[str | bytes]
_Entry: TypeAlias = Sequence[Any] | None
_T_co = TypeVar("_T_co", covariant=True)

class _OwnStore(Protocol):
    def load(self, key: str, /) -> _Entry | Awaitable[_Entry]: ...
    def save(
        self,
        key: str,
        expected_version: str | None,
        version: str,
        data: bytes,
        ends: int | None,
        /,
    ) -> bool | Awaitable[bool]: ...

__all__ = [
    "VERSION",
    "AuthorizationRequest",
    "CancelToken",
    "Client",
    "Running",
    "Store",
    "TokenSet",
    "TokenSource",
    "TokenStatus",
    "after_fork",
    "before_fork",
    "check_store",
    "check_store_on",
    "end",
    "error_codes",
    "needs_event_loop",
    "start_access_token",
    "start_complete_login",
    "start_exchange_callback",
    "start_exchange_code",
    "start_refresh",
    "start_source_logout",
    "start_source_refresh",
    "start_source_save",
    "start_source_status",
]

VERSION: Final[str]

def before_fork() -> None: ...
def after_fork() -> None: ...
def end() -> None: ...
def needs_event_loop() -> bool: ...
def error_codes() -> list[tuple[str, int, str]]: ...
@final
class Client:
    """A client of a login server, to be used from any number of threads, and in forked
    children too.

    Made by `Client.sipgate`, `Client.keycloak`, `Client.endpoints` or `Client.from_env`;
    making one touches no network.
    """
    @staticmethod
    def sipgate(
        client_id: str,
        *,
        client_secret: str | None = None,
        client_authentication: ClientAuthentication | None = None,
        redirect_uri: str | None = None,
        realm: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client:
        """A client at sipgate, in the realm that its id's suffix names (`…:third-party`,
        `…:sipgate-apps`) unless `realm` does.
        """
    @staticmethod
    def keycloak(
        client_id: str,
        base: str,
        realm: str,
        *,
        client_secret: str | None = None,
        client_authentication: ClientAuthentication | None = None,
        redirect_uri: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client:
        """A client at a Keycloak. `base` is what stands before `/realms`, such as
        `https://login.example.com/auth`.
        """
    @staticmethod
    def endpoints(
        client_id: str,
        issuer: str,
        authorization_endpoint: str,
        token_endpoint: str,
        *,
        iss_required: bool = False,
        client_secret: str | None = None,
        client_authentication: ClientAuthentication | None = None,
        redirect_uri: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client:
        """A client at any server, by its issuer and endpoints as its documentation gives them.
        `iss_required=True` is for a server that announces
        `authorization_response_iss_parameter_supported`: a callback without `iss` is then
        refused (RFC 9207, section 2.4).
        """
    @staticmethod
    def from_env(
        *,
        client_secret: str | None = None,
        client_authentication: ClientAuthentication | None = None,
        redirect_uri: str | None = None,
        realm: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client:
        """A sipgate client as the environment says: `SIPGATE_CLIENT_ID`,
        `SIPGATE_CLIENT_SECRET` (or `SIPGATE_CLIENT_SECRET_FILE`, the path of a file that
        holds it), `SIPGATE_REDIRECT_URI` and, optionally, `SIPGATE_REALM`, or
        `SIPGATE_ISSUER` for a Keycloak that is not sipgate's; `SIPGATE_STORE`, the path of
        a SQLite store, `sqlite:///full/path`, or `memory`; and `SIPGATE_ENCRYPTION_KEYS`
        (or `SIPGATE_ENCRYPTION_KEYS_FILE`), one key or more with commas between them. An
        argument stands above its variable.
        """
    def authorization_request(
        self,
        scope: _Scope,
        *,
        redirect_uri: str | None = None,
        response_mode: ResponseMode | None = None,
        state: str | None = None,
        return_to: str | None = None,
        prompt: str | None = None,
        login_hint: str | None = None,
        ui_locales: str | None = None,
        extra: _Extra | None = None,
    ) -> AuthorizationRequest:
        """A new pending login for this scope, and the URL to send the person to. No network."""
    def exchange_callback(
        self,
        pending: AuthorizationRequest,
        callback: str | bytes,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSet:
        """Checks the callback against the pending login and exchanges its code for tokens.

        `callback` is best the query string of the request to the redirect URI; its path and
        query, the whole URL and a form body will do. `timeout` is in seconds, 30 unless
        given; `cancel` is a `CancelToken`. Both end the wait only: a request that has left
        goes on.
        """
    def exchange_code(
        self,
        code: str,
        *,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        scope: _Scope | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSet:
        """Exchanges a code for tokens (RFC 6749, section 4.1.3), for applications that keep
        state and verifier and check callbacks themselves. `scope` is what was asked for:
        what was granted where the answer does not say.
        """
    def refresh(
        self,
        refresh_token: str | TokenSet,
        *,
        scope: _Scope | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSet:
        """Exchanges a refresh token, or the last `TokenSet`, for new tokens (RFC 6749, section
        6), once. Nothing is stored: keep what it returns, and let no two callers refresh
        the same login at once, as a server that rotates refresh tokens ends the login for
        that.
        """
    def complete_login(
        self,
        pending: AuthorizationRequest,
        callback: str | bytes,
        account: str,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSource:
        """Checks the callback, exchanges its code and stores the login of this account, for
        all processes that share the store. A callback that is loaded twice, in whatever
        process, makes one exchange, and both calls get the same login. A login that was
        there is replaced.

        `account` is what names the user in the application. `callback`, `timeout` and
        `cancel` are as for `exchange_callback`.
        """
    def token_source(self, account: str) -> TokenSource:
        """The tokens of this account, whether or not there is a login yet. No I/O."""
    @property
    def issuer(self) -> str:
        """The name that callbacks and ID tokens must give the server."""
    @property
    def token_endpoint(self) -> str:
        """The token endpoint's URL."""
    @property
    def client_id(self) -> str:
        """The client id."""
    @property
    def redirect_uri(self) -> str | None:
        """The redirect URI of new pending logins, where one was set."""
    def __reduce__(self) -> NoReturn: ...

@final
class AuthorizationRequest:
    """A pending login: the URL to send the person to, and what must be there again when the
    callback comes.

    It lives for 30 minutes and can be used once. Keep it in the person's own session, on
    the server or in an `HttpOnly` cookie, as `export`ed text: looked up by `state` alone it
    would not be tied to the browser, and anybody's callback would do.
    """
    @staticmethod
    def restore(exported: str, /) -> AuthorizationRequest:
        """A pending login from the text that `export` gave, in this or any other language of
        the library.
        """
    def export(self) -> str:
        """One text that holds all of it, of characters that a cookie can hold; the same in all
        languages. It contains the code verifier.
        """
    @property
    def url(self) -> str:
        """The URL to send the person's browser to."""
    @property
    def state(self) -> str:
        """The `state` in the URL, which must come back with the callback (RFC 6749, section
        10.12).
        """
    @property
    def nonce(self) -> str:
        """The `nonce` in the URL, which an ID token repeats (OpenID Connect Core, section
        3.1.2.1).
        """
    @property
    def redirect_uri(self) -> str:
        """The redirect URI, character for character as given."""
    @property
    def scope(self) -> str:
        """The scope that is asked for, as one text."""
    @property
    def return_to(self) -> str | None:
        """What the application wanted to find again."""
    @property
    def created_at(self) -> int:
        """When the pending login was made, in seconds since 1970."""
    @property
    def ends_at(self) -> int:
        """From when on the callback is too late, in seconds since 1970."""
    def __reduce__(self) -> NoReturn: ...

@final
class TokenSet:
    """The tokens of one login, and what the server said about them. It never changes: a
    refresh gives a new one.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]

    @staticmethod
    def restore(tokens: str | Mapping[str, Any], /) -> TokenSet:
        """Tokens from a JSON object with the RFC's names, as text or as a mapping: one that
        `export` gave, or that Authlib, requests-oauthlib, simple-oauth2 or openid-client
        saved. With `expires_in` alone the age is unknown, and the access token counts as
        expired.
        """
    def export(self) -> str:
        """A JSON object with all of it, as text; the same in all languages. It contains the
        tokens.
        """
    def authorization_header(self) -> str:
        """The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1)."""
    @property
    def access_token(self) -> str:
        """The access token."""
    @property
    def token_type(self) -> str:
        """The token's type as the server wrote it, `Bearer` where it did not."""
    @property
    def refresh_token(self) -> str | None:
        """The refresh token; after a refresh whose answer had none, the one that was used."""
    @property
    def id_token(self) -> str | None:
        """The ID token as the server sent it. This version does not judge its contents."""
    @property
    def id_token_kept(self) -> bool:
        """Whether the ID token is from an earlier answer, as the last refresh brought none."""
    @property
    def scope(self) -> str | None:
        """The scope that was granted, space-separated; what was asked for where the server did
        not say.
        """
    @property
    def expires_at(self) -> int | None:
        """When the access token runs out, in seconds since 1970. `None`: the server did not
        say, and there is no refresh token.
        """
    @property
    def refresh_expires_at(self) -> int | None:
        """When the refresh token runs out, in seconds since 1970; a hint. `None`: not said, or
        said as 0, which means unknown.
        """
    @property
    def extra(self) -> dict[str, Any]:
        """Members of the answer that have no meaning here, such as `session_state`: a new
        `dict` each time.
        """
    def __eq__(self, value: object, /) -> bool: ...
    def __reduce__(self) -> NoReturn: ...

@final
class Store:
    """Where logins are kept, for all processes that use it. Clients and token sources of one
    store share what is held in memory, and refresh together: make one per process.

    `Store(own)` keeps them wherever `own` does, an object with two functions, plain or
    `async` (for `sipgate_oauth2.aio`): `load(key)` gives `(version, data, ends)`, or `None`
    where nothing is; `save(key, expected_version, version, data, ends)` puts these three
    there in one step if the version there is `expected_version`, or if nothing is there and
    it is `None`, and gives `True`; otherwise it changes nothing and gives `False`. `data`
    is bytes that hold secrets; an entry may be dropped once `ends` (seconds since 1970, or
    `None`) has passed. The functions are called on the library's threads, or on the event
    loop. What was read counts for `recheck` seconds, 5 unless given.
    """
    def __new__(
        cls,
        own: _OwnStore,
        /,
        *,
        encryption_keys: _Keys | None = None,
        recheck: float | None = None,
    ) -> Store: ...
    @staticmethod
    def memory(*, recheck: float | None = None) -> Store:
        """Logins that end with the process. For tests and programs for one run. What was read
        counts for `recheck` seconds, 1 unless given.
        """
    @staticmethod
    def sqlite(
        path: _Path, *, encryption_keys: _Keys | None = None, recheck: float | None = None
    ) -> Store:
        """Logins in a SQLite database, for any number of processes of one machine. The file is
        made when it is not there, readable by its owner alone.

        With `encryption_keys` the entries are encrypted (AES-256-GCM). A key is 32 random
        bytes, or these as base64 or hexadecimal text. The first one is written with; the
        others, and entries that are not encrypted, are still read. `recheck` is the time in
        seconds in which a login or logout of another process shows, 1 unless given.
        """
    @staticmethod
    def sqlite_on_network_file_system(
        path: _Path, *, encryption_keys: _Keys | None = None, recheck: float | None = None
    ) -> Store:
        """`sqlite` on a network file system, which it refuses: their locks are known to fail,
        and then two machines spend one refresh token.
        """
    def __reduce__(self) -> NoReturn: ...

def check_store(own: _OwnStore, /) -> list[str]:
    """Tests whether a store of the application's own keeps the promises that the library
    builds on, and gives those that it broke, in words: an empty list is good. What a
    function raises is raised, as the cause of a `StoreError`. What is stored for it ends
    within seconds, so that the store need not be empty.
    """

def check_store_on(own: _OwnStore, event_loop: asyncio.AbstractEventLoop, /) -> list[str]: ...
@final
class TokenSource:
    """The access token of one account, whenever it is asked for: from memory, from the store,
    or renewed, once for all threads and processes that ask.

    Made by `Client.complete_login` or `Client.token_source`; cheap to make anew for each
    request, and to be used from any number of threads, and in forked children too.
    `timeout` is in seconds, 30 unless given; `cancel` is a `CancelToken`. Both end the
    caller's wait only.
    """
    def access_token(
        self,
        *,
        timeout: float | None = None,
        min_validity: float | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """An access token that an API takes now, and for `min_validity` seconds more. Past
        most of its life the current one is given at once and refreshed in the background;
        only where it has ended does a caller wait for the new one.
        """
    def authorization_header(
        self,
        *,
        timeout: float | None = None,
        min_validity: float | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """The value of an `Authorization` header with such a token: `Bearer …` (RFC 6750,
        section 2.1).
        """
    def peek(self) -> str | None:
        """The current token, if it can be handed out without asking the store or the server.
        Never blocks.
        """
    def invalidate(self, access_token: str, /) -> None:
        """An API answered 401 to this access token: the next call renews it, if it still is
        the current one. Twenty late 401s cause one refresh. A token that is itself the
        outcome of this, and less than 10 s old, is not renewed again. Nothing is sent by
        this.
        """
    def refresh(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> str:
        """Renews the tokens now, also when they are fresh, or when the server has refused the
        login before; gives the access token.
        """
    def save(
        self,
        tokens: TokenSet,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """Puts tokens that were got elsewhere in the place of this account's login: from the
        single steps, or from another library.
        """
    def status(
        self, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> TokenStatus:
        """How the login stands, by the store and without the network."""
    def logout(
        self, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> LogoutOutcome:
        """Ends the login: here at once, and then at the server, where it ends every login of
        this client in that browser's session. Gives `"revoked"` where the server was told,
        and `"local_only"` where it was not: the client has no revocation endpoint, or there
        was no refresh token to revoke, as after an earlier logout. An error means that the
        server could not be told: nothing is handed out any more, and another call finishes
        it.
        """
    def ensure_saved(self) -> None:
        """Checks that nothing is lost if the process ends now: an error while new tokens are
        only in memory, as the store failed.
        """
    @property
    def account(self) -> str:
        """The account, as the application named it."""
    @property
    def account_hash(self) -> str:
        """What events and logs call the account: 16 hexadecimal digits, the same in all
        processes.
        """
    def requests_auth(self, *, origins: Collection[str] | None = None) -> RequestsAuth:
        """An `auth=` for requests, which must be installed. Requests to `origins` get the
        token, and no other request does: a warning says so. For a client at sipgate they
        are `["https://api.sipgate.com"]` unless given, for any other they must be given. A
        request that is answered with 401 is sent once more with a new token, if its body
        can be sent twice; one that is answered with 403 with the token that another process
        has stored since, if there is one.
        """
    def httpx_auth(self, *, origins: Collection[str] | None = None) -> HttpxAuth:
        """The same for httpx, for its `Client` and its `AsyncClient`."""
    def __reduce__(self) -> NoReturn: ...

@final
class TokenStatus:
    """How a login stands. Holds no secret."""
    @property
    def state(self) -> LoginState:
        """`absent`, `active`, `refused` (the server has ended it: somebody must log in) or
        `logged_out`.
        """
    @property
    def generation(self) -> int:
        """Counts the token sets of this account, across logins."""
    @property
    def expires_at(self) -> int | None:
        """When the access token runs out, in seconds since 1970."""
    @property
    def refresh_expires_at(self) -> int | None:
        """When the refresh token runs out, in seconds since 1970; a hint."""
    @property
    def scope(self) -> str | None:
        """The scope that was granted."""
    @property
    def last_error(self) -> SipgateOAuth2Error | None:
        """Why the last refresh failed, or why the login is over: an exception that was not
        raised.
        """
    @property
    def unsaved(self) -> bool:
        """Whether new tokens are held in memory, as the store could not be made to keep them
        yet.
        """

@final
class CancelToken:
    """Cancels the calls it was given to, from any thread, once and for all."""
    def __new__(cls) -> CancelToken: ...
    def cancel(self) -> None:
        """Ends the wait of every call that has this token, now and later."""
    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""

@final
class Running(Generic[_T_co]):
    """A call under way on a thread of the library's."""
    @property
    def timeout(self) -> float:
        """How long its caller is going to wait, in seconds."""
    def then(self, completion: Callable[[_T_co | None, BaseException | None], None]) -> None:
        """Has `completion` called with the outcome and the exception, one of which is `None`:
        once, on any thread, and not at all when the interpreter shuts down first. Only the
        first completion counts.
        """
    def cancel(self) -> None:
        """Ends the wait as cancelled. Without effect once the outcome is there."""
    def time_out(self) -> None:
        """Ends the wait as timed out. Without effect once the outcome is there."""

def start_exchange_callback(
    client: Client,
    pending: AuthorizationRequest,
    callback: str | bytes,
    timeout: float | None,
) -> Running[TokenSet]: ...
def start_exchange_code(
    client: Client,
    code: str,
    code_verifier: str | None,
    redirect_uri: str | None,
    scope: _Scope | None,
    timeout: float | None,
) -> Running[TokenSet]: ...
def start_refresh(
    client: Client,
    refresh_token: str | TokenSet,
    scope: _Scope | None,
    timeout: float | None,
) -> Running[TokenSet]: ...
def start_complete_login(
    client: Client,
    pending: AuthorizationRequest,
    callback: str | bytes,
    account: str,
    timeout: float | None,
) -> Running[TokenSource]: ...
def start_access_token(
    source: TokenSource, timeout: float | None, min_validity: float | None
) -> Running[str]: ...
def start_source_refresh(source: TokenSource, timeout: float | None) -> Running[str]: ...
def start_source_save(
    source: TokenSource, tokens: TokenSet, timeout: float | None
) -> Running[None]: ...
def start_source_status(source: TokenSource, timeout: float | None) -> Running[TokenStatus]: ...
def start_source_logout(source: TokenSource, timeout: float | None) -> Running[LogoutOutcome]: ...
