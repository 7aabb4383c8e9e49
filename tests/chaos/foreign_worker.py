"""One process of `foreign_closes.py`: saves and refreshes while it opens and closes store files.

The arguments say what else happens in the process. The first line of standard input is the task,
the last line of standard output is the result.
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

Task = dict[str, Any]


class Library(Protocol):
    """A copy of the library. Failures raise exceptions."""

    def save(self, account: str) -> None: ...
    def refresh(self) -> None: ...


class Python:
    def __init__(self, task: Task) -> None:
        self.client = client_of(task)
        self._tokens = TokenSet.restore(task["tokens"])

    def save(self, account: str) -> None:
        self.client.token_source(account).save(self._tokens)

    def refresh(self) -> None:
        self.client.token_source(SHARED).refresh()


class CLibrary:
    """The C library through `ctypes`, as a plugin might load it."""

    def __init__(self, task: Task) -> None:
        self._library = ctypes.CDLL(task["c_library"])
        self._tokens = self._made("token_set_restore", task["tokens"])
        store = self._made("store_sqlite", task["path"], None)
        options = self._made(
            "client_options_new_keycloak", task["base"], task["realm"], task["client_id"]
        )
        self._call("client_options_set_client_secret", options, task["client_secret"])
        self._call("client_options_set_redirect_uri", options, task["redirect_uri"])
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


def client_of(task: Task) -> Client:
    return Client.keycloak(
        task["base"],
        task["realm"],
        task["client_id"],
        client_secret=task["client_secret"],
        redirect_uri=task["redirect_uri"],
        store=Store.sqlite(task["path"]),
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
        # A journal may have been deleted meanwhile.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            file.open("r+b").close()
            file.read_bytes()
    with contextlib.suppress(shutil.Error):
        shutil.copytree(path.parent, copy, dirs_exist_ok=True)


def read_with_sqlite3(path: Path, _copy: Path) -> None:
    connection = sqlite3.connect(path, timeout=5)
    # Its busy timeout has expired.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("SELECT count(*), sum(length(data)) FROM entries").fetchone()
    connection.close()


def save_all(task: Task, beside: Sequence[str]) -> Task:
    path = Path(task["path"])
    disturb: Callable[[Path, Path], None] = (
        read_with_sqlite3 if "sqlite3" in beside else open_and_copy
    )
    libraries: list[Library] = [Python(task)]
    if "c" in beside:
        libraries.append(CLibrary(task))
    accounts = [f"{task['number']}-{save}" for save in range(task["saves"])]
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
            disturb(path, Path(task["scratch"]) / f"copy {task['number']}")
        except sqlite3.DatabaseError as error:
            refused.append(f"sqlite3: {error}")
        time.sleep(PAUSE_SECONDS)
    return {"saved": saved, "refused": refused}


def check(task: Task) -> Task:
    client = client_of(task)

    def is_there(account: str) -> bool:
        try:
            return client.token_source(account).status().state == "active"
        except SipgateOAuth2Error:
            return False

    missing = [account for account in task["accounts"] if not is_there(account)]
    try:
        generation = client.token_source(SHARED).status().generation
    except SipgateOAuth2Error:
        generation = 0
    return {"missing": missing, "generation": generation}


def log_in(task: Task) -> str:
    """Prints two authorization URLs, and reads the callback URL of each."""
    client = client_of(task)

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
    task = json.loads(sys.stdin.readline())
    if "log in" in beside:
        print(json.dumps(log_in(task)))
    elif "check" in beside:
        print(json.dumps(check(task)))
    else:
        print(json.dumps(save_all(task, beside)))


if __name__ == "__main__":
    main()
