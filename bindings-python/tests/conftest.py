"""The local realm for these tests, and a client that has logged in there."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "target" / "python")]

from driver.local_realm import running_local_realm
from driver.programs import REALM_PROGRAM
from sipgate_oauth2 import Client, Store, TokenSet, TokenSource

CLIENT_ID = "1000001-0-test:third-party"
CLIENT_SECRET = "test-secret-with-+-and-:"
REDIRECT_URI = "http://127.0.0.1/callback"

LOGGER = logging.getLogger("sipgate_oauth2")

# Only a failing test waits this long.
PATIENCE = 60.0

# Python 3.12 and newer warns of every fork beside a thread; that the child works is what is tested.
NO_FORK_WARNING = "ignore:This process:DeprecationWarning"


class Realm:
    """The realm's addresses and its control interface."""

    def __init__(self, http: str) -> None:
        self.http = http
        self.base = f"{http}/auth"

    def post(self, path: str, body: object) -> Any:
        return self._ask(path, json.dumps(body).encode())

    def token_requests(self) -> list[dict[str, Any]]:
        """The requests that the token endpoint has received, with or without a response."""
        return self.requests("token")

    def requests(self, path: str) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = self._ask(f"requests?on={path}", None)
        return requests

    def fault(self, kind: str, times: int = 1, **more: object) -> None:
        self.post("faults", {"on": "token", "kind": kind, "times": times, **more})

    def callback(self, authorization_url: str) -> str:
        login = {"authorization_url": authorization_url, "username": "anna", "password": "anna-pw"}
        return str(self.post("login", login)["callback"])

    def log_in(self, client: Client) -> TokenSet:
        request = client.authorization_request("balance:read")
        return client.exchange_callback(request, self.callback(request.url))

    def client(self, store: Store, **options: Any) -> Client:
        return Client.keycloak(
            self.base,
            "third-party",
            CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
            store=store,
            **options,
        )

    def source(self, client: Client, account: str = "anna") -> TokenSource:
        """The source of an account that has logged in."""
        request = client.authorization_request("balance:read")
        return client.complete_login(request, self.callback(request.url), account)

    def counters(self) -> dict[str, int]:
        counters: dict[str, int] = self._ask("counters", None)
        return counters

    def _ask(self, path: str, body: bytes | None) -> Any:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.http}/_realm/{path}", body, headers)
        with direct.open(request) as response:
            return json.load(response)


@pytest.fixture(scope="session")
def realm_process() -> Iterator[Realm]:
    with running_local_realm(REALM_PROGRAM) as realm:
        yield Realm(realm.http)


@pytest.fixture
def realm(realm_process: Realm) -> Realm:
    realm_process.post("reset", {})
    return realm_process


@pytest.fixture
def strict(realm: Realm) -> Realm:
    """A realm that rotates refresh tokens, and ends the login if one is used twice."""
    realm.post("settings", {"rotation": True})
    return realm


@pytest.fixture
def source(strict: Realm) -> TokenSource:
    return strict.source(strict.client(Store.memory()))


@pytest.fixture
def client(realm: Realm) -> Client:
    return Client.keycloak(
        realm.base,
        "third-party",
        CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=REDIRECT_URI,
    )


@pytest.fixture
def tokens(realm: Realm, client: Client) -> TokenSet:
    return realm.log_in(client)


@pytest.fixture
def lines() -> Iterator[queue.Queue[logging.LogRecord]]:
    """The log records, from any thread."""
    records: queue.Queue[logging.LogRecord] = queue.Queue()
    handler = QueueHandler(records)
    LOGGER.addHandler(handler)
    yield records
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(logging.NOTSET)


Program = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def program(realm: Realm, tokens: TokenSet) -> Iterator[Program]:
    """Runs Python code that has a `client` and the `tokens` of a login."""
    started: list[subprocess.Popen[str]] = []
    head = f"""
import sys
sys.path.insert(0, {str(ROOT / "target" / "python")!r})
from sipgate_oauth2 import *
client = Client.keycloak({realm.base!r}, "third-party", {CLIENT_ID!r}, client_secret={CLIENT_SECRET!r})
tokens = TokenSet.restore(sys.stdin.readline())
"""

    def start(body: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", NO_FORK_WARNING, "-c", head + body],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdin is not None
        process.stdin.write(tokens.export() + "\n")
        process.stdin.flush()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
