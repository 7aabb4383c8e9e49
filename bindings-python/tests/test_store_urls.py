"""Stores that a URL names."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Realm

from sipgate_oauth2 import ConfigurationError, Store, StoreError, aio


def test_a_login_of_a_url_is_that_of_its_path(strict: Realm, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/gr%C3%B6%C3%9Fe/logins.db"
    token = strict.source(strict.client(Store.open(url))).access_token()
    same = strict.client(Store.sqlite(tmp_path / "größe" / "logins.db")).token_source("anna")
    assert same.access_token() == token


def test_what_is_wrong_with_a_store_is_a_list_of_texts(tmp_path: Path) -> None:
    for store in (Store.open("memory:"), Store.open(f"sqlite://{tmp_path}/logins.db")):
        assert store.check() == []
        assert store.check(timeout=20) == []


def test_with_await_the_same_store_is_checked_with_await(tmp_path: Path) -> None:
    store = aio.Store.open(f"sqlite://{tmp_path}/logins.db")
    assert asyncio.run(store.check()) == []
    assert asyncio.run(aio.Store.memory().check(timeout=20)) == []
    assert repr(store) == "aio.Store(…)"


def test_a_client_of_either_kind_takes_a_store_of_either_kind(strict: Realm) -> None:
    store = aio.Store.open("memory:")
    token = strict.source(strict.client(store)).access_token()
    with_await = aio.Client.from_client(strict.client(store))
    assert asyncio.run(with_await.token_source("anna").access_token()) == token


@pytest.mark.parametrize("keys", [["0b" * 32], [bytes(32), "0b" * 32]])
def test_the_entries_of_a_url_can_be_encrypted(strict: Realm, tmp_path: Path, keys: Any) -> None:
    url = f"sqlite://{tmp_path}/logins.db"
    token = strict.source(strict.client(Store.open(url, encryption_keys=keys))).access_token()
    assert token.encode() not in (tmp_path / "logins.db").read_bytes()
    again = strict.client(Store.open(url, encryption_keys=keys)).token_source("anna")
    assert again.access_token() == token


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"password": 5}, "password: must be a str, or a function that returns one, not int"),
        ({"connections": True}, "connections: must be an int, not bool"),
        ({"connections": -1}, "connections: must not be negative"),
        ({"replicas": 2**32}, "replicas: is too large"),
        ({"durability": "fsync"}, "durability: is not known; use disk, server or memory"),
        ({"create_table": 0}, "create_table: must be True or False, not int"),
    ],
)
def test_an_option_that_cannot_be_right_is_refused(option: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Store.open("rediss://cache.example.com", **option)
    assert str(caught.value) == problem


def test_the_script_of_a_postgresql_table_is_for_migrations() -> None:
    assert "CREATE TABLE IF NOT EXISTS" in Store.postgres_schema()
    assert "auth" in aio.Store.postgres_schema("auth.logins")


def test_a_url_is_never_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Store.open("mysql://app:hunter2@db.example.com/app")
    assert "hunter2" not in str(caught.value)


class Listener:
    """A server that reads once from each connection, and closes it."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://app@127.0.0.1:{self.socket.getsockname()[1]}"
        self.heard: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.heard.append(connection.recv(4096))


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


async def sesame() -> str:
    await asyncio.sleep(0)
    return "sesame"


def test_a_password_is_a_text_or_a_function(listener: Listener) -> None:
    for password in ("sesame", lambda: "sesame"):
        with pytest.raises(StoreError):
            Store.open(listener.url, password=password).check()
        assert b"sesame" in listener.heard.pop()


def test_with_await_a_password_function_may_be_async(listener: Listener) -> None:
    for password in (sesame, lambda: "sesame"):
        with pytest.raises(StoreError):
            asyncio.run(aio.Store.open(listener.url, password=password).check())
        assert b"sesame" in listener.heard.pop()


def test_an_async_password_function_runs_on_the_event_loop_of_a_client(listener: Listener) -> None:
    async def ask() -> None:
        store = aio.Store.open(listener.url, password=sesame)
        client = aio.Client.keycloak("http://127.0.0.1:1", "r", "client", store=store)
        with pytest.raises(StoreError):
            await client.token_source("anna").access_token()

    asyncio.run(ask())
    assert b"sesame" in listener.heard.pop()


def test_what_a_password_function_raises_is_the_cause(listener: Listener) -> None:
    own = OSError("canary")

    def fails() -> str:
        raise own

    with pytest.raises(StoreError) as caught:
        Store.open(listener.url, password=fails).check()
    assert caught.value.__cause__ is own
    assert (caught.value.code, caught.value.remedy) == ("SIPGATE_STORE_UNAVAILABLE", "try_later")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("password", [lambda: 5, lambda: None, sesame, lambda: undefined])  # type: ignore[name-defined]  # noqa: F821
def test_a_mistake_in_a_password_function_is_one_to_fix(listener: Listener, password: Any) -> None:
    with pytest.raises(StoreError, match=r"password function raised \w+; see the cause") as caught:
        Store.open(listener.url, password=password).check()
    assert caught.value.remedy == "fix_configuration"
    assert isinstance(caught.value.__cause__, (TypeError, NotImplementedError, NameError))
