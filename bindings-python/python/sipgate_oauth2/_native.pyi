"""What the native half offers; checked against the binary by mypy's stubtest."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final, NoReturn, TypeAlias, final

_Scope: TypeAlias = str | Sequence[str] | AbstractSet[str]
_Extra: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

__all__ = [
    "VERSION",
    "AuthorizationRequest",
    "CancelToken",
    "Client",
    "Running",
    "TokenSet",
    "error_codes",
    "start_exchange_callback",
    "start_exchange_code",
    "start_refresh",
]

VERSION: Final[str]

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
    ) -> Client: ...
    @staticmethod
    def keycloak(
        base: str,
        realm: str,
        client_id: str,
        *,
        client_secret: str | None = None,
        client_authentication: str | None = None,
        redirect_uri: str | None = None,
        ca_certificates: str | bytes | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
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
        callback: str,
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
class CancelToken:
    def __new__(cls) -> CancelToken: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...

@final
class Running:
    @property
    def timeout(self) -> float: ...
    def then(self, completion: Callable[[TokenSet | None, BaseException | None], None]) -> None: ...
    def cancel(self) -> None: ...
    def time_out(self) -> None: ...

def start_exchange_callback(
    client: Client,
    pending: AuthorizationRequest,
    callback: str,
    timeout: float | None,
) -> Running: ...
def start_exchange_code(
    client: Client,
    code: str,
    code_verifier: str | None,
    redirect_uri: str | None,
    scope: _Scope | None,
    timeout: float | None,
) -> Running: ...
def start_refresh(
    client: Client,
    refresh_token: str | TokenSet,
    scope: _Scope | None,
    timeout: float | None,
) -> Running: ...
