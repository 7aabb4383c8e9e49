"""One process of `foreign_closes.py`: saves logins and refreshes one, while another thread opens and closes the store's files.

The arguments say what else happens in the process, the first line of the standard input is the order, the last line of the output
what came of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from sipgate_oauth2 import Client, SipgateOAuth2Error, Store, TokenSet

SHARED = "shared"
PAUSE_SECONDS = 0.005
SAVES_PER_REFRESH = 25

Order = dict[str, Any]


class Library(Protocol):
    """A copy of the library. What fails raises."""

    def save(self, account: str) -> None: ...
    def refresh(self) -> None: ...


class Python:
    def __init__(self, order: Order) -> None:
        self.client = client_of(order)
        self._tokens = TokenSet.restore(order["tokens"])

    def save(self, account: str) -> None:
        self.client.token_source(account).save(self._tokens)

    def refresh(self) -> None:
        self.client.token_source(SHARED).refresh()


class CLibrary:
    """Through `ctypes`, as a plugin would have it in the process."""

    def __init__(self, order: Order) -> None:
        self._library = ctypes.CDLL(order["c_library"])
        self._tokens = self._made("token_set_restore", order["tokens"])
        store = self._made("store_sqlite", order["path"], None)
        options = self._made(
            "client_options_new_keycloak", order["base"], order["realm"], order["client_id"]
        )
        self._call("client_options_set_client_secret", options, order["client_secret"])
        self._call("client_options_set_redirect_uri", options, order["redirect_uri"])
        self._call("client_options_set_store", options, store)
        self._client = self._made("client_new", options)

    def save(self, account: str) -> None:
        source = self._made("client_token_source", self._client, account)
        self._call("token_source_save", source, self._tokens, None)
        self._library.sipgate_oauth2_token_source_free(source)

    def refresh(self) -> None:
        source = self._made("client_token_source", self._client, SHARED)
        self._library.sipgate_oauth2_secret_free(self._made("token_source_refresh", source, None))
        self._library.sipgate_oauth2_token_source_free(source)

    def _made(self, function: str, *arguments: str | ctypes.c_void_p | None) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self._call(function, *arguments, ctypes.byref(made))
        return made

    def _call(self, function: str, *arguments: Any) -> None:
        texts = [
            argument.encode() if isinstance(argument, str) else argument for argument in arguments
        ]
        status = getattr(self._library, f"sipgate_oauth2_{function}")(*texts, None)
        if status:
            raise RuntimeError(f"sipgate_oauth2_{function} gave {status}")


def client_of(order: Order) -> Client:
    return Client.keycloak(
        order["base"],
        order["realm"],
        order["client_id"],
        client_secret=order["client_secret"],
        redirect_uri=order["redirect_uri"],
        store=Store.sqlite(order["path"]),
    )


def work(library: Library, accounts: Sequence[str], saved: list[str], refused: list[str]) -> None:
    for number, account in enumerate(accounts):
        try:
            library.save(account)
            saved.append(account)
            if number % SAVES_PER_REFRESH == 0:
                library.refresh()
        except (SipgateOAuth2Error, RuntimeError) as error:
            refused.append(f"{account}: {error}")


def open_and_copy(path: Path, copy: Path) -> None:
    for file in path.parent.rglob("*"):
        # A journal may be gone meanwhile.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            file.open("r+b").close()
            file.read_bytes()
    with contextlib.suppress(shutil.Error):
        shutil.copytree(path.parent, copy, dirs_exist_ok=True)


def read_with_sqlite3(path: Path, _copy: Path) -> None:
    connection = sqlite3.connect(path, timeout=5)
    # It waits for others as long as it was told to.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("SELECT count(*), sum(length(data)) FROM entries").fetchone()
    connection.close()


def save_all(order: Order, beside: Sequence[str]) -> Order:
    path = Path(order["path"])
    disturb: Callable[[Path, Path], None] = (
        read_with_sqlite3 if "sqlite3" in beside else open_and_copy
    )
    libraries: list[Library] = [Python(order)]
    if "c" in beside:
        libraries.append(CLibrary(order))
    accounts = [f"{order['number']}-{save}" for save in range(order["saves"])]
    saved: list[str] = []
    refused: list[str] = []
    threads = [
        threading.Thread(
            target=work, args=(library, accounts[number :: len(libraries)], saved, refused)
        )
        for number, library in enumerate(libraries)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        try:
            disturb(path, Path(order["scratch"]) / f"copy {order['number']}")
        except sqlite3.DatabaseError as error:
            refused.append(f"sqlite3: {error}")
        time.sleep(PAUSE_SECONDS)
    return {"saved": saved, "refused": refused}


def check(order: Order) -> Order:
    client = client_of(order)

    def is_there(account: str) -> bool:
        try:
            return client.token_source(account).status().state == "active"
        except SipgateOAuth2Error:
            return False

    missing = [account for account in order["accounts"] if not is_there(account)]
    try:
        generation = client.token_source(SHARED).status().generation
    except SipgateOAuth2Error:
        generation = 0
    return {"missing": missing, "generation": generation}


def log_in(order: Order) -> str:
    """Shows two addresses to log in at, and reads where the browser was sent to from each."""
    client = client_of(order)

    def browsed(url: str) -> str:
        print(json.dumps(url), flush=True)
        callback: str = json.loads(sys.stdin.readline())
        return callback

    request = client.authorization_request("balance:read")
    client.complete_login(request, browsed(request.url), SHARED)
    request = client.authorization_request("balance:read")
    return client.exchange_callback(request, browsed(request.url)).export()


def main() -> None:
    beside = sys.argv[1:]
    order = json.loads(sys.stdin.readline())
    if "log in" in beside:
        print(json.dumps(log_in(order)))
    elif "check" in beside:
        print(json.dumps(check(order)))
    else:
        print(json.dumps(save_all(order, beside)))


if __name__ == "__main__":
    main()
