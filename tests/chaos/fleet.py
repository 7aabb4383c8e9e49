"""Processes of any language that share one login and store, each a shim of the behaviour suite."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from behaviour.runner.realm import Realm
from behaviour.runner.shim import Reply, Shim, ShimBroken
from driver.shims import SHIMS

CLIENT_ID = "1000001-0-test"
CLIENT_SECRET = "test-secret-with-+-and-:"
REDIRECT_URI = "http://127.0.0.1:53682/callback"
CALL_SECONDS = 90.0
# Enough for the last output of a process that breaks.
KEPT_LINES = 100


class LastingShim(Shim):
    """Forgets replies: those of hundreds of thousands of calls would take gigabytes."""

    def finish(self, number: int, limit: float) -> Reply:
        reply = super().finish(number, limit)
        del self._replies[number]
        del self.said[:-KEPT_LINES]
        return reply


class Member:
    """One process with a client and a source of the account."""

    def __init__(
        self,
        language: str,
        base: str,
        realm: str,
        store: Mapping[str, Any],
        account: str,
        under: Sequence[str] = (),
        **settings: object,
    ) -> None:
        """`under` precedes the shim's command; `settings` are added to those of the client.

        A store with a URL is opened with the other members of `store`.
        """
        self.language = language
        self._shim = LastingShim([*under, *SHIMS[language]])
        if "url" in store:
            self.call("store.open", name="store", **store)
            store = {"kind": "opened", "name": "store"}
        self.call(
            "client.new",
            name="client",
            kind="keycloak",
            base=base,
            realm=realm,
            client_id=f"{CLIENT_ID}:{realm}",
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
            store=store,
            **settings,
        )
        self.call("client.token_source", client="client", account=account, source="source")

    @property
    def process_id(self) -> int:
        process_id = self._shim.process_id
        assert process_id is not None, "it replied a moment ago"
        return process_id

    def log_in(self, browser: Callable[[str], str], account: str) -> None:
        """Logs in, in this process; `browser` returns the callback for an authorization URL."""
        request = self.call(
            "client.authorization_request", client="client", name="request", scope="balance:read"
        )
        self.call(
            "client.complete_login",
            client="client",
            request="request",
            callback=browser(request["url"]),
            account=account,
            source="source",
        )

    def begin(self, op: str, **args: object) -> int:
        return self._shim.start(op, args)

    def end(self, number: int) -> Reply:
        return self._shim.finish(number, CALL_SECONDS)

    def call(self, op: str, **args: object) -> dict[str, Any]:
        """The result of the call; raises if it is an error."""
        reply = self.end(self.begin(op, **args))
        if "ok" not in reply:
            raise ShimBroken(f"{self.language}: {op} gave {reply.get('error') or reply}")
        given: dict[str, Any] = reply["ok"]
        return given

    def kill(self) -> None:
        """Kills it without warning, like a power cut."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        self._shim.stop()


def browser_of(realm: Realm) -> Callable[[str], str]:
    """Logs in at the local realm."""

    def log_in(authorization_url: str) -> str:
        query: str = realm.login({"authorization_url": authorization_url})["query"]
        return query

    return log_in


def sqlite(folder: Path) -> dict[str, Any]:
    return {"kind": "sqlite", "path": str(folder / "logins.db")}
