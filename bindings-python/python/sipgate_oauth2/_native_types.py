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
