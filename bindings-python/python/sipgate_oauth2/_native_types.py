"""Types that the native half takes and returns. Imports nothing of this package, so that the stub
of the native half can import it.
"""

import os
import typing
from collections import abc

__all__ = [
    "CustomStore",
    "EncryptionKeys",
    "Entry",
    "LoginState",
    "LogoutOutcome",
    "Scope",
    "ServerMetadata",
    "StorePath",
]

Scope: typing.TypeAlias = str | abc.Sequence[str] | abc.Set[str]
"""A scope: a text of names that are separated by spaces, or a collection of names."""

LoginState = typing.Literal["absent", "active", "rejected", "logged_out"]
"""`TokenStatus.state`."""

LogoutOutcome = typing.Literal["revoked", "local_only"]
"""Whether a server was told of a logout."""

StorePath: typing.TypeAlias = str | os.PathLike[str]
"""The path of a SQLite store."""

EncryptionKeys: typing.TypeAlias = abc.Sequence[str | bytes]
"""Keys of 32 bytes each, or these as base64 or hexadecimal text. The first one encrypts."""

Entry: typing.TypeAlias = abc.Sequence[typing.Any] | None
"""What a custom store loads: `(version, data, expires_at)`, or `None`."""


class CustomStore(typing.Protocol):
    """An object that keeps logins: see `Store`."""

    def load(self, key: str, /) -> Entry | abc.Awaitable[Entry]:
        """The entry of this key."""
        ...

    def save(
        self,
        key: str,
        expected_version: str | None,
        version: str,
        data: bytes,
        expires_at: int | None,
        /,
    ) -> bool | abc.Awaitable[bool]:
        """Replaces the entry if its version is the expected one."""
        ...


class ServerMetadata(typing.TypedDict, total=False):
    """What a server says of itself (RFC 8414, section 2). Other members are kept."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    introspection_endpoint: str
    code_challenge_methods_supported: list[str]

    userinfo_endpoint: str
    """OpenID Connect Discovery, section 3."""

    end_session_endpoint: str
    """OpenID Connect RP-Initiated Logout, section 2.1."""

    device_authorization_endpoint: str
    """RFC 8628, section 4."""

    pushed_authorization_request_endpoint: str
    """RFC 9126, section 5."""

    authorization_response_iss_parameter_supported: bool
    """RFC 9207, section 3: if `True`, a callback without `iss` is refused."""
