"""The native half, which only this package uses; checked against the binary by mypy's stubtest.

The public classes are in the Python files: each holds a handle from here. A `start_…` method
starts an operation, and the task that it returns is waited for, or awaited.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar, final

from typing_extensions import Self, Unpack, disjoint_base

from .authorization_request import AuthorizationRequest
from .cancel_token import CancelToken
from .token_set import TokenSet
from .token_status import TokenStatus
from .types import (
    AuthorizationParameters,
    CallOptions,
    ClientOptions,
    CustomStore,
    EncryptionKeys,
    LogoutOutcome,
    Scope,
    ServerMetadata,
    StorePath,
)

__all__ = [
    "VERSION",
    "AuthorizationRequestHandle",
    "CancelTokenHandle",
    "ClientHandle",
    "StoreHandle",
    "Task",
    "TokenSetHandle",
    "TokenSourceHandle",
    "after_fork",
    "before_fork",
    "check_store",
    "check_store_on",
    "end",
    "error_codes",
    "needs_event_loop",
]

_T_co = TypeVar("_T_co", covariant=True)

VERSION: Final[str]

def before_fork() -> None: ...
def after_fork() -> None: ...
def end() -> None: ...
def needs_event_loop() -> bool: ...
def error_codes() -> list[tuple[str, int, str]]: ...
@final
class Task(Generic[_T_co]):
    @property
    def timeout(self) -> float: ...
    def wait(self) -> _T_co: ...
    def then(self, completion: Callable[[_T_co | None, BaseException | None], None]) -> None: ...
    def cancel(self) -> None: ...
    def time_out(self) -> None: ...

@final
class ClientHandle:
    def __new__(
        cls,
        metadata: Mapping[str, object] | str,
        client_id: str,
        **options: Unpack[ClientOptions],
    ) -> Self: ...
    @staticmethod
    def sipgate(
        client_id: str, realm: str | None, **options: Unpack[ClientOptions]
    ) -> ClientHandle: ...
    @staticmethod
    def keycloak(
        base: str, realm: str, client_id: str, **options: Unpack[ClientOptions]
    ) -> ClientHandle: ...
    @staticmethod
    def from_env(realm: str | None, **options: Unpack[ClientOptions]) -> ClientHandle: ...
    def authorization_request(
        self, scope: Scope, **parameters: Unpack[AuthorizationParameters]
    ) -> AuthorizationRequestHandle: ...
    def token_source(self, account: str) -> TokenSourceHandle: ...
    def start_exchange_callback(
        self, request: AuthorizationRequest, callback: str | bytes, **call: Unpack[CallOptions]
    ) -> Task[TokenSetHandle]: ...
    def start_exchange_code(
        self,
        code: str,
        code_verifier: str | None,
        redirect_uri: str | None,
        scope: Scope | None,
        **call: Unpack[CallOptions],
    ) -> Task[TokenSetHandle]: ...
    def start_refresh(
        self, refresh_token: str | TokenSet, scope: Scope | None, **call: Unpack[CallOptions]
    ) -> Task[TokenSetHandle]: ...
    def start_complete_login(
        self,
        request: AuthorizationRequest,
        callback: str | bytes,
        account: str,
        **call: Unpack[CallOptions],
    ) -> Task[TokenSourceHandle]: ...
    def on_running_loop(self) -> Self: ...
    @property
    def metadata(self) -> ServerMetadata: ...
    @property
    def issuer(self) -> str: ...
    @property
    def token_endpoint(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def redirect_uri(self) -> str | None: ...

@final
class AuthorizationRequestHandle:
    @staticmethod
    def restore(exported: str) -> AuthorizationRequestHandle: ...
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
    def expires_at(self) -> int: ...

@final
class TokenSetHandle:
    @staticmethod
    def restore(tokens: str | Mapping[str, Any]) -> TokenSetHandle: ...
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
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class StoreHandle:
    @staticmethod
    def custom(
        store: CustomStore, encryption_keys: EncryptionKeys | None, recheck: float | None
    ) -> StoreHandle: ...
    @staticmethod
    def memory(recheck: float | None) -> StoreHandle: ...
    @staticmethod
    def sqlite(
        path: StorePath,
        encryption_keys: EncryptionKeys | None,
        recheck: float | None,
        allow_network_file_system: bool | None,
    ) -> StoreHandle: ...
    @property
    def is_custom(self) -> bool: ...

def check_store(store: CustomStore) -> list[str]: ...
def check_store_on(store: CustomStore, event_loop: AbstractEventLoop) -> list[str]: ...
@disjoint_base
class TokenSourceHandle:
    def __new__(cls, source: TokenSourceHandle) -> Self: ...
    def access_token(
        self,
        *,
        timeout: float | None = None,
        min_validity: float | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """An access token that an API accepts now, and for `min_validity` seconds more.

        It is the current token, from memory, for most of its lifetime. In the last part of its
        lifetime the current token is returned at once and refreshed in the background. A caller
        waits for a refresh only after the token has expired.
        """

    def authorization_header(
        self,
        *,
        timeout: float | None = None,
        min_validity: float | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """The value of an `Authorization` header with the `access_token`: `Bearer …`.

        RFC 6750, section 2.1.
        """

    def peek(self) -> str | None:
        """The current token, if it can be returned without asking the store or the server.

        Never blocks.
        """

    def invalidate(self, access_token: str, /) -> None: ...
    def ensure_saved(self) -> None: ...
    @property
    def account(self) -> str: ...
    @property
    def account_hash(self) -> str: ...
    @property
    def _issuer(self) -> str: ...
    def _start_access_token(
        self, *, min_validity: float | None = None, **call: Unpack[CallOptions]
    ) -> Task[str]: ...
    def _start_refresh(self, **call: Unpack[CallOptions]) -> Task[str]: ...
    def _start_save(self, tokens: TokenSet, **call: Unpack[CallOptions]) -> Task[None]: ...
    def _start_status(self, **call: Unpack[CallOptions]) -> Task[TokenStatus]: ...
    def _start_logout(self, **call: Unpack[CallOptions]) -> Task[LogoutOutcome]: ...
    def _on_running_loop(self) -> Self: ...

@final
class CancelTokenHandle:
    def __new__(cls) -> Self: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...
