"""A minimal custom store: C functions over a dictionary, which fail or hang on command, or break a
promise.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from behaviour.c.header import Header

Entry = tuple[bytes, bytes, int]


@dataclass
class Kept:
    entries: dict[bytes, Entry] = field(default_factory=dict)
    # How many more saves succeed; None: all of them.
    saves_left: int | None = None
    # Like a database that was stopped: no call returns.
    hangs: bool = False
    mistake: str | None = None


MISTAKES_IN_KEYS: dict[str | None, Callable[[int], list[bytes]]] = {
    "lists the first keys always": lambda limit: _numbered(limit),
    "lists the last keys first": lambda limit: _numbered(limit)[::-1],
    "lists too many keys": lambda limit: _numbered(limit + 1),
}


class CustomStores:
    def __init__(self, header: Header) -> None:
        self._functions, self._types, self._constants = (
            header.functions,
            header.types,
            header.constants,
        )
        self._changed = threading.Condition()
        self._stores: dict[str, Kept] = {}
        # The library may call them until the process exits.
        self._tables: list[Any] = []

    def table(self, name: str) -> Any:
        """The functions of this store, for `store_new`."""
        kept = self._named(name)
        kind = self._types["store_functions"]
        (load, save, keys) = (dict(kind._fields_)[name] for name in ("load", "save", "keys"))

        def loads(_: Any, key: bytes, entry: Any, _message: Any) -> int:
            with self._changed:
                self._changed.wait_for(lambda: not kept.hangs)
                found = kept.entries.get(key)
            if found is not None:
                version, data, expires_at = found
                self._functions["store_entry_set_version"](entry, version, None)
                self._functions["store_entry_set_data"](entry, data, len(data), None)
                self._functions["store_entry_set_expires_at"](entry, expires_at, None)
            return self._constants["SIPGATE_STORE_DONE"]

        def saves(_: Any, key: bytes, expected: bytes | None, entry: Any, message: Any) -> int:
            with self._changed:
                self._changed.wait_for(lambda: not kept.hangs)
                if kept.saves_left == 0:
                    self._functions["store_error_message_set"](message, b"the disk is full", None)
                    return self._constants["SIPGATE_STORE_FAILED"]
                if kept.saves_left is not None:
                    kept.saves_left -= 1
                there = kept.entries.get(key)
                if (there and there[0]) != expected or kept.mistake == "saves nothing":
                    return self._constants["SIPGATE_STORE_CONFLICT"]
                kept.entries[key] = self._copy(entry)
            return self._constants["SIPGATE_STORE_DONE"]

        def lists(_: Any, after: bytes | None, limit: int, listed: Any, _message: Any) -> int:
            with self._changed:
                self._changed.wait_for(lambda: not kept.hangs)
                found = sorted(key for key in kept.entries if after is None or key > after)[:limit]
                if kept.mistake in MISTAKES_IN_KEYS:
                    found = MISTAKES_IN_KEYS[kept.mistake](limit)
            for key in found:
                self._functions["store_keys_add"](listed, key, None)
            return self._constants["SIPGATE_STORE_DONE"]

        size = ctypes.sizeof(kind)
        made = kind(size=size, load=load(loads), save=save(saves), keys=keys(lists))
        self._tables.append(made)
        return ctypes.byref(made)

    def no_password(self, says_so: bool) -> Any:
        """A password function that fails, or else gives none."""

        def gives_none(_: Any, _password: Any, message: Any) -> int:
            if not says_so:
                return self._constants["SIPGATE_STORE_DONE"]
            self._functions["store_error_message_set"](message, b"there is no password", None)
            return self._constants["SIPGATE_STORE_FAILED"]

        made = self._types["password_function"](gives_none)
        self._tables.append(made)
        return made

    def limit(self, name: str, saves: int | None) -> None:
        with self._changed:
            self._named(name).saves_left = saves

    def hang(self, name: str, hangs: bool) -> None:
        with self._changed:
            self._named(name).hangs = hangs
            self._changed.notify_all()

    def make_mistake(self, name: str, mistake: str | None) -> None:
        with self._changed:
            self._named(name).mistake = mistake

    def copy(self, name: str, to: str) -> None:
        """Replaces the content of one store with that of another."""
        with self._changed:
            self._named(to).entries = dict(self._named(name).entries)

    def _named(self, name: str) -> Kept:
        return self._stores.setdefault(name, Kept())

    def _copy(self, entry: Any) -> Entry:
        version, data = (
            self._functions["store_entry_version"](entry),
            self._functions["store_entry_data"](entry),
        )
        return (
            ctypes.string_at(version.data, version.len),
            ctypes.string_at(data.data, data.len),
            self._functions["store_entry_expires_at"](entry),
        )


def _numbered(count: int) -> list[bytes]:
    return [f"{number:064x}".encode() for number in range(count)]
