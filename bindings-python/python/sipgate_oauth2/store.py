"""Where logins are kept."""

from __future__ import annotations

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from typing_extensions import Self

    from ._native_types import CustomStore, Durability, EncryptionKeys, Password, StorePath
    from .cancel_token import CancelToken


class StoreBase:
    """What the two classes `Store`, with and without `await`, share: all that does not wait."""

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
        """Keeps logins in a custom store: an object with two or three functions, plain or, for
        `sipgate_oauth2.aio`, `async`.

        `load(key)` returns `(version, data, expires_at)`, or `None` if there is no such entry.

        `save(key, expected_version, version, data, expires_at)` writes the last three in one step
        and returns `True` if the stored version is `expected_version`, or if there is no entry and
        `expected_version` is `None`. Otherwise it changes nothing and returns `False`.

        `keys(after, limit)` may be missing. It returns the keys after this one in their order, or
        the first ones if `after` is `None`: at most `limit`. `Client.accounts` and
        `Client.keep_alive` need it.

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
    def open(
        cls,
        url: str,
        *,
        encryption_keys: EncryptionKeys | None = None,
        recheck: float | None = None,
        password: Password | None = None,
        ca_certificates: str | bytes | None = None,
        timeout: float | None = None,
        connections: int | None = None,
        table: str | None = None,
        create_table: bool | None = None,
        prefix: str | None = None,
        durability: Durability | None = None,
        replicas: int | None = None,
        allow_network_file_system: bool | None = None,
    ) -> Self:
        """Keeps logins where this URL says: `postgres://user@host/database`, `rediss://host:6379`,
        `sqlite:///full/path` or `memory:`.

        Opening a database on a server does no I/O: an application starts while its database
        restarts. `check` looks. An option that the URL's store does not have is an error.

        For all: `encryption_keys` as for `sqlite`; `recheck` is 5 by default, or 1 for SQLite and
        in memory.

        For PostgreSQL and Redis: `password` overrides that of the URL. It is a text, or a function
        that is asked before each new connection, plain or, for `sipgate_oauth2.aio`, `async`.
        `ca_certificates` are PEM, instead of those that the system trusts. An operation may take
        `timeout` seconds with connecting: 3 by default, 5 at most. `connections` of this process
        are at most 4 at a time by default.

        For PostgreSQL: `table` is `sipgate_oauth2_logins` by default, and may have a schema. With
        `create_table=False`, a missing table is an error that contains the SQL script.

        For Redis and Valkey: `prefix` starts the names of all keys, and is `sipgate-oauth2:` by
        default. A write counts as stored once it is on the server's disk (`durability="disk"`, the
        default), once the server says so (`"server"`), or once it is in its memory (`"memory"`:
        users may have to log in again when the server stops). `replicas` must have it too: 0 by
        default.

        For SQLite: `allow_network_file_system` as for `sqlite`.
        """
        return cls._of(
            _native.StoreHandle.open(
                url,
                encryption_keys=encryption_keys,
                recheck=recheck,
                password=password,
                ca_certificates=ca_certificates,
                timeout=timeout,
                connections=connections,
                table=table,
                create_table=create_table,
                prefix=prefix,
                durability=durability,
                replicas=replicas,
                allow_network_file_system=allow_network_file_system,
            )
        )

    @staticmethod
    def postgres_schema(table: str | None = None) -> str:
        """The SQL script that creates the PostgreSQL table of this name, for migrations: with or
        without a schema, and `sipgate_oauth2_logins` by default.
        """
        return _native.StoreHandle.postgres_schema(table)

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


class Store(StoreBase):
    """Where logins are kept, for all processes that use it.

    Clients and token sources of one store share what is in memory, and refresh together: make one
    store per process. A login or logout by another process is seen after `recheck` seconds at the
    latest.
    """

    __slots__ = ()

    def check(
        self, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> list[str]:
        """Looks whether the store works and keeps logins as it must: rights, table, durability,
        eviction, and whether the server is the primary.

        Returns what is wrong, in words with the remedy: an empty list means that all is well. For
        start scripts and monitoring. It is a `StoreError` if the store cannot be asked, or if a
        SQLite database cannot be written. Nothing is known of a custom store; `check_store` tests
        one.
        """
        return self._handle.start_check(timeout=timeout, cancel=cancel).wait()


def check_store(store: CustomStore, /) -> list[str]:
    """Tests whether a custom store keeps the promises that the library relies on.

    Returns the promises that it breaks, in words: an empty list means that it keeps them all. What
    a function of the store raises is raised, as the cause of a `StoreError`. The entries that the
    test writes expire within seconds, so the store need not be empty.
    """
    return _native.check_store(store)
