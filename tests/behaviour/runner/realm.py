"""The local realm as a child process, and the commands that it accepts."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from driver.child_server import CannotStart, running_server

# Long enough to tell a hanging realm from a slow one.
ORDER_SECONDS = 90
POLL_SECONDS = 0.01


class RealmBroken(Exception):
    """The realm does not run, or rejects a command."""


class Realm:
    """Sends commands over one connection. A fault for the next connection then hits the client."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self._connection = http.client.HTTPConnection(
            urlsplit(ready["http"]).netloc, timeout=ORDER_SECONDS
        )

    def reset(self) -> None:
        self._order("POST", "reset", {})

    def login(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """The callback URL that the browser would be redirected to, complete and in parts."""
        callback = self._order(
            "POST", "login", {"username": "anna", "password": "anna-pw", **order}
        )["callback"]
        query = urlsplit(callback).query
        return {"callback": callback, "query": query, **dict(parse_qsl(query))}

    def order(self, name: str, order: Any) -> dict[str, Any]:
        """Any other command, such as `settings` or `faults`."""
        response: dict[str, Any] = self._order("POST", name, order)
        return response

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._order("GET", "requests", None)
        return found

    def accepts(self, access_token: str) -> bool:
        """Whether the realm's API accepts the token, at the realm's own time."""
        headers = {"Authorization": f"Bearer {access_token}"}
        status, _ = self._ask("GET", "/v2/balance", None, headers)
        return status == 200

    def counters(self) -> dict[str, int]:
        found: dict[str, int] = self._order("GET", "counters", None)
        return found

    def await_token_requests(self, count: int, limit: float) -> None:
        """Waits until the realm has received this many token requests."""
        end = time.monotonic() + limit
        while self.counters()["token_requests"] < count:
            if time.monotonic() > end:
                raise RealmBroken(f"fewer than {count} token requests within {limit} s")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        self._connection.close()

    def _order(self, method: str, name: str, body: Any) -> Any:
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        status, text = self._ask(method, f"/_realm/{name}", content, headers)
        response = json.loads(text)
        if status != 200:
            raise RealmBroken(f"{name}: {response}")
        return response

    def _ask(
        self, method: str, path: str, content: str | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, content, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            # The connection still waits for this response, so the next command cannot use it.
            self._connection.close()
            raise RealmBroken(f"{method} {path}: {error!r}") from error


@contextlib.contextmanager
def running_realm(binary: Path) -> Iterator[Realm]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running_server([str(binary)]))
        except CannotStart as problem:
            raise RealmBroken(str(problem)) from problem
        realm = Realm(server.said)
        yield realm
        realm.close()
