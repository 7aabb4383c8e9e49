"""Where logins are kept."""

from __future__ import annotations

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from typing_extensions import Self

    from ._native_types import CustomStore, EncryptionKeys, StorePath


class Store:
    """Where logins are kept, for all processes that use it.

    Clients and token sources of one store share what is in memory, and refresh together: make one
    store per process. A login or logout by another process is seen after `recheck` seconds at the
    latest.
    """

    __slots__ = ("_handle",)
    _handle: _native.StoreHandle

    def __init__(
        self,
        store: CustomStore,
        /,
        *,
        encryption_keys: EncryptionKeys | None = None,
        recheck: float | None = None,
    ) -> None:
        """Keeps logins in a custom store: an object with two functions, plain or, for
        `sipgate_oauth2.aio`, `async`.

        `load(key)` returns `(version, data, expires_at)`, or `None` if there is no such entry.

        `save(key, expected_version, version, data, expires_at)` writes the last three in one step
        and returns `True` if the stored version is `expected_version`, or if there is no entry and
        `expected_version` is `None`. Otherwise it changes nothing and returns `False`.

        `data` is bytes, and holds secrets. An entry may be deleted once `expires_at` (seconds since
        1970, or `None`) has passed. The functions are called on threads of the library, or on the
        event loop. `recheck` is 5 by default. `check_store` tests such an object.
        """
        self._handle = _native.StoreHandle.custom(store, encryption_keys, recheck)

    @classmethod
    def memory(cls, *, recheck: float | None = None) -> Self:
        """Keeps logins in memory only: they are lost when the process exits. `recheck` is 1 by
        default.
        """
        return cls._of(_native.StoreHandle.memory(recheck))

    @classmethod
    def sqlite(
        cls,
        path: StorePath,
        *,
        encryption_keys: EncryptionKeys | None = None,
        recheck: float | None = None,
        allow_network_file_system: bool | None = None,
    ) -> Self:
        """Keeps logins in a SQLite database, for any number of processes on one machine.

        The file is created if it does not exist, readable by its owner only. `recheck` is 1 by
        default.

        With `encryption_keys` the entries are encrypted (AES-256-GCM). A key is 32 random bytes, or
        these as base64 or hexadecimal text. The first key encrypts. Entries that are encrypted with
        the others, or not at all, can still be read.

        A network file system is refused: their locks are known to fail, and then two machines spend
        one refresh token. Set `allow_network_file_system` only if you are sure that the locks are
        reliable.
        """
        return cls._of(
            _native.StoreHandle.sqlite(path, encryption_keys, recheck, allow_network_file_system)
        )

    @classmethod
    def _of(cls, handle: _native.StoreHandle) -> Self:
        store = cls.__new__(cls)
        store._handle = handle
        return store

    def __repr__(self) -> str:
        return "Store(custom, …)" if self._handle.is_custom else "Store(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Store holds secrets and cannot be pickled or copied; "
            "make another from the same settings"
        )


def check_store(store: CustomStore, /) -> list[str]:
    """Tests whether a custom store keeps the promises that the library relies on.

    Returns the promises that it breaks, in words: an empty list means that it keeps them all. What
    a function of the store raises is raised, as the cause of a `StoreError`. The entries that the
    test writes expire within seconds, so the store need not be empty.
    """
    return _native.check_store(store)
