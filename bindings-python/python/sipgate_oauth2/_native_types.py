"""Types that the native half takes and returns. Imports nothing of this package, so that the stub
of the native half can import it.
"""

import os
import typing
from collections import abc

__all__ = [
    "CustomStore",
    "CustomStoreWithKeys",
    "Durability",
    "EncryptionKeys",
    "Entry",
    "LoginState",
    "LogoutOutcome",
    "Password",
    "Scope",
    "StorePath",
]

Scope: typing.TypeAlias = str | abc.Sequence[str] | abc.Set[str]
"""A scope: a text of names that are separated by spaces, or a collection of names."""

LoginState = typing.Literal["absent", "active", "rejected", "logged_out", "unreadable"]
"""`TokenStatus.state`, and `StoredAccount.state`, which alone is `unreadable`."""

LogoutOutcome = typing.Literal["revoked", "local_only"]
"""Whether a server was told of a logout."""

StorePath: typing.TypeAlias = str | os.PathLike[str]
"""The path of a SQLite store."""

EncryptionKeys: typing.TypeAlias = abc.Sequence[str | bytes]
"""Keys of 32 bytes each, or these as base64 or hexadecimal text. The first one encrypts."""

Password: typing.TypeAlias = str | abc.Callable[[], str | abc.Awaitable[str]]
"""A password, or a function that is asked for it before each new connection."""

Durability = typing.Literal["disk", "server", "memory"]
"""When a Redis or Valkey counts a write as stored."""

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


class CustomStoreWithKeys(CustomStore, typing.Protocol):
    """A custom store that can also list its keys, for `Client.accounts` and `keep_alive`."""

    def keys(
        self, after: str | None, limit: int, /
    ) -> abc.Sequence[str] | abc.Awaitable[abc.Sequence[str]]:
        """The keys after this one, or from the first, in their order: at most `limit`."""
        ...
