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
    Literal,
    NoReturn,
    Protocol,
    TypeAlias,
    TypeVar,
    final,
)

from .errors import SipgateOAuth2Error
from .httpx_auth import HttpxAuth
from .requests_auth import RequestsAuth

_Scope: TypeAlias = str | Sequence[str] | AbstractSet[str]
_Extra: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
_OnEvent: TypeAlias = Callable[[dict[str, Any]], object]
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
def error_codes() -> list[tuple[str, int, str]]: ...
@final
class Client:
    @staticmethod
    def sipgate(
        client_id: str,
        *,
        client_secret: str | None = None,
        client_authentication: str | None = None,
        redirect_uri: str | None = None,
        realm: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client: ...
    @staticmethod
    def keycloak(
        client_id: str,
        base: str,
        realm: str,
        *,
        client_secret: str | None = None,
        client_authentication: str | None = None,
        redirect_uri: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client: ...
    @staticmethod
    def endpoints(
        client_id: str,
        issuer: str,
        authorization_endpoint: str,
        token_endpoint: str,
        *,
        iss_required: bool = False,
        client_secret: str | None = None,
        client_authentication: str | None = None,
        redirect_uri: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client: ...
    @staticmethod
    def from_env(
        *,
        client_secret: str | None = None,
        client_authentication: str | None = None,
        redirect_uri: str | None = None,
        realm: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        store: Store | None = None,
        on_event: _OnEvent | None = None,
    ) -> Client: ...
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
        extra: _Extra | None = None,
    ) -> AuthorizationRequest: ...
    def exchange_callback(
        self,
        pending: AuthorizationRequest,
        callback: str | bytes,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSet: ...
    def exchange_code(
        self,
        code: str,
        *,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        scope: _Scope | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSet: ...
    def refresh(
        self,
        refresh_token: str | TokenSet,
        *,
        scope: _Scope | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSet: ...
    def complete_login(
        self,
        pending: AuthorizationRequest,
        callback: str | bytes,
        account: str,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> TokenSource: ...
    def token_source(self, account: str) -> TokenSource: ...
    @property
    def issuer(self) -> str: ...
    @property
    def token_endpoint(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def redirect_uri(self) -> str | None: ...
    def __reduce__(self) -> NoReturn: ...

@final
class AuthorizationRequest:
    @staticmethod
    def restore(exported: str, /) -> AuthorizationRequest: ...
    def export(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def nonce(self) -> str: ...
    @property
    def redirect_uri(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def return_to(self) -> str | None: ...
    @property
    def created_at(self) -> int: ...
    @property
    def ends_at(self) -> int: ...
    def __reduce__(self) -> NoReturn: ...

@final
class TokenSet:
    __hash__: ClassVar[None]  # type: ignore[assignment]

    @staticmethod
    def restore(tokens: str | Mapping[str, Any], /) -> TokenSet: ...
    def export(self) -> str: ...
    def authorization_header(self) -> str: ...
    @property
    def access_token(self) -> str: ...
    @property
    def token_type(self) -> str: ...
    @property
    def refresh_token(self) -> str | None: ...
    @property
    def id_token(self) -> str | None: ...
    @property
    def id_token_kept(self) -> bool: ...
    @property
    def scope(self) -> str | None: ...
    @property
    def expires_at(self) -> int | None: ...
    @property
    def refresh_expires_at(self) -> int | None: ...
    @property
    def extra(self) -> dict[str, Any]: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __reduce__(self) -> NoReturn: ...

@final
class Store:
    def __new__(
        cls,
        own: _OwnStore,
        /,
        *,
        encryption_keys: _Keys | None = None,
        recheck: float | None = None,
    ) -> Store: ...
    @staticmethod
    def memory(*, recheck: float | None = None) -> Store: ...
    @staticmethod
    def sqlite(
        path: _Path, *, encryption_keys: _Keys | None = None, recheck: float | None = None
    ) -> Store: ...
    @staticmethod
    def sqlite_on_network_file_system(
        path: _Path, *, encryption_keys: _Keys | None = None, recheck: float | None = None
    ) -> Store: ...
    def __reduce__(self) -> NoReturn: ...

def check_store(own: _OwnStore, /) -> list[str]: ...
def check_store_on(own: _OwnStore, event_loop: asyncio.AbstractEventLoop, /) -> list[str]: ...
@final
class TokenSource:
    def access_token(
        self,
        *,
        timeout: float | None = None,
        min_validity: float | None = None,
        cancel: CancelToken | None = None,
    ) -> str: ...
    def authorization_header(
        self,
        *,
        timeout: float | None = None,
        min_validity: float | None = None,
        cancel: CancelToken | None = None,
    ) -> str: ...
    def peek(self) -> str | None: ...
    def invalidate(self, access_token: str, /) -> None: ...
    def refresh(
        self, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> str: ...
    def save(
        self,
        tokens: TokenSet,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> None: ...
    def status(
        self, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> TokenStatus: ...
    def logout(
        self, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> Literal["revoked", "local_only"]: ...
    def ensure_saved(self) -> None: ...
    @property
    def account(self) -> str: ...
    def requests_auth(self, *, origins: Collection[str] | None = None) -> RequestsAuth: ...
    def httpx_auth(self, *, origins: Collection[str] | None = None) -> HttpxAuth: ...
    def __reduce__(self) -> NoReturn: ...

@final
class TokenStatus:
    @property
    def state(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def expires_at(self) -> int | None: ...
    @property
    def refresh_expires_at(self) -> int | None: ...
    @property
    def scope(self) -> str | None: ...
    @property
    def last_error(self) -> SipgateOAuth2Error | None: ...
    @property
    def unsaved(self) -> bool: ...

@final
class CancelToken:
    def __new__(cls) -> CancelToken: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...

@final
class Running(Generic[_T_co]):
    @property
    def timeout(self) -> float: ...
    def then(self, completion: Callable[[_T_co | None, BaseException | None], None]) -> None: ...
    def cancel(self) -> None: ...
    def time_out(self) -> None: ...

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
def start_source_logout(
    source: TokenSource, timeout: float | None
) -> Running[Literal["revoked", "local_only"]]: ...
