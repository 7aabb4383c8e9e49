"""The realm as a child process, and the orders that it takes."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from .program import PROGRAM

_STOP_SECONDS = 10
# Only a realm that hangs takes this long.
_ORDER_SECONDS = 60


class RealmError(Exception):
    """The realm cannot be started, has ended, or refuses an order. The message says why."""


class Realm:
    """A local login server, from `start` to `stop`, or within `with`.

    It listens on 127.0.0.1, at ports that the system chooses, so that any number of realms can run.
    It ends with the process that started it, however that ends. All methods can be called from any
    thread.
    """

    def __init__(
        self,
        *,
        redirect_uri: str = "http://localhost/callback",
        program: str | os.PathLike[str] | None = None,
    ) -> None:
        """`redirect_uri` is that of the application. It is registered, beside any at
        `http://localhost`, `http://127.0.0.1` and `https://example.com`. `program` is another
        `sipgate-oauth2-realm` than that of this package.
        """
        self.redirect_uri = redirect_uri
        self._program = Path(PROGRAM if program is None else program)
        self._process: subprocess.Popen[str] | None = None
        self._ready: dict[str, Any] = {}
        self._connection: http.client.HTTPConnection | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def start(self) -> Realm:
        """Starts the realm, and returns it once it is ready."""
        if self._process is not None:
            raise RealmError("the realm has been started already")
        command = [str(self._program), "--redirect-uri", self.redirect_uri]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except OSError as problem:
            raise RealmError(
                f"{self._program} cannot be started: {problem.strerror}; install the package "
                "sipgate-oauth2-realm for this platform, or name a program with Realm(program=…)"
            ) from problem
        assert process.stdout is not None
        self._process = process
        line = process.stdout.readline()
        if not line:
            status = process.wait()
            self.stop()
            raise RealmError(f"{self._program} ended at its start, with status {status}")
        self._ready = json.loads(line)
        return self

    def stop(self) -> None:
        """Ends the realm. Does nothing if it does not run."""
        process, self._process = self._process, None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> Realm:
        return self if self._process else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The variables for `Client.from_env()`. Those that are empty count as unset."""
        return dict(self._said("environment"))

    @property
    def issuer(self) -> str:
        """The issuer: `http://127.0.0.1:…/auth/realms/third-party`."""
        return self.environment["SIPGATE_ISSUER"]

    @property
    def client_id(self) -> str:
        """The application's client id. It has a colon, as at sipgate."""
        return self.environment["SIPGATE_CLIENT_ID"]

    @property
    def client_secret(self) -> str:
        """The application's secret. It has characters that must be encoded."""
        return self.environment["SIPGATE_CLIENT_SECRET"]

    @property
    def clients(self) -> list[dict[str, Any]]:
        """All clients: `client_id`, `secret` or None, and `consent`: whether the user is asked."""
        found: list[dict[str, Any]] = self._said("clients")
        return found

    @property
    def url(self) -> str:
        """The address of the server."""
        return str(self._said("http"))

    @property
    def api_url(self) -> str:
        """An API that needs a token with the scope `balance:read`: 200, or 401, or 403."""
        return f"{self.url}/v2/balance"

    @property
    def https_url(self) -> str:
        """The same server with TLS; `ca_pem` has the certificate to trust."""
        return str(self._said("https"))

    @property
    def ca_pem(self) -> str:
        """The certificate of the authority that has signed that of `https_url`."""
        return str(self._said("ca_pem"))

    def login(
        self,
        authorization_url: str,
        *,
        username: str = "anna",
        password: str | None = None,
        browser: str | None = None,
        consent: bool = True,
    ) -> str:
        """Logs a user in as a browser does, and returns the callback: the URL that the browser is
        sent to. With `response_mode=form_post`, it is what the browser posts.

        There are two users, `anna` and `berta`. A `browser` with a name keeps its cookies until
        `reset`. `consent=False` denies consent. It is an error if the user is not asked: only one
        of the `clients` asks.
        """
        order = {
            "authorization_url": authorization_url,
            "username": username,
            "password": f"{username}-pw" if password is None else password,
            "browser": browser,
            "consent": consent,
        }
        response = self.order("login", order)
        return str(response.get("form", response["callback"]))

    def logout(self, logout_url: str, *, browser: str | None = None) -> str | None:
        """Follows the URL of a logout as a browser does. Returns the URL that the browser is sent
        to, if any.
        """
        order = {"logout_url": logout_url, "browser": browser}
        callback: str | None = self.order("logout", order)["callback"]
        return callback

    def fault(self, on: str, kind: str, *, times: int = 1, **details: Any) -> None:
        """Breaks the next response, or the next `times`.

        `on` is `token`, `userinfo`, `certs`, `discovery`, `revoke`, `introspect`, `api`, `any` or
        `connection`. `kind` is `answer` (with `status`, `json` or `body`, `headers`), `silent`,
        `delay` (with `ms`), `close_before`, `close_after`, `truncate` and more: see the README.
        """
        self.order("faults", {"on": on, "kind": kind, "times": times, **details})

    def alter(self, on: str, *, times: int = 1, **change: Any) -> None:
        """Changes what the realm says next: `alter("id_token", claims={"email": "a@example.com"})`.

        `on` is `id_token`, `userinfo`, `token`, `discovery`, `certs`, `introspect` or
        `logout_token`.
        """
        self.order("faults", {"on": on, "times": times, **change})

    def settings(self, **changes: Any) -> None:
        """Changes settings, such as `access_token_lifespan` and `refresh_token_lifespan` (seconds),
        or `rotation=True`: each refresh token works once. With `user="anna"`, `enabled=False`
        disables the user.
        """
        self.order("settings", changes)

    def advance(
        self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> None:
        """Lets time pass at the server: codes, tokens and sessions become older.

        The clock of the application does not move. A token that it has in memory is refused by the
        API, as if the server had ended it.
        """
        passed = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        self.order("advance", {"seconds": round(passed.total_seconds())})

    def end_sessions(self, user: str | None = None) -> None:
        """Ends the sessions of a user, or of all, as an administrator does."""
        self.order("end_sessions", {} if user is None else {"user": user})

    def withdraw_consent(self, user: str, client_id: str) -> None:
        """Withdraws a consent, as a user does in the account settings."""
        self.order("withdraw_consent", {"user": user, "client": client_id})

    def rotate_keys(self, *, remove_old: bool = False) -> None:
        """Replaces the keys that tokens are signed with."""
        self.order("rotate_keys", {"remove_old": remove_old})

    def logout_token(self, *, user: str = "anna", sid: str | None = None, **change: Any) -> str:
        """A token that a server posts to log a user out, for a test to post."""
        order = {"client": self.client_id, "user": user, **change}
        if sid is not None:
            order["sid"] = sid
        return str(self.order("logout_token", order)["logout_token"])

    def requests(self, on: str = "any") -> list[dict[str, Any]]:
        """What the server has received, in order. `on` selects by the names of `fault`: `token`,
        `api` and so on. Each has `method`, `path`, `query`, `headers` (pairs), `body`.
        """
        received: list[dict[str, Any]] = self._ask("requests", {"on": on})
        return received

    def counters(self) -> dict[str, int]:
        """How often things happened: `logins`, `code_grants`, `refresh_grants` and more."""
        counted: dict[str, int] = self._ask("counters", {})
        return counted

    def reset(self) -> None:
        """Forgets all logins, faults, settings and requests, and sets the clock right."""
        self.order("reset", {})

    def order(self, name: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Any order of the README, by its name."""
        response: dict[str, Any] = self._ask(name, order)
        return response

    def _said(self, name: str) -> Any:
        if self._process is None:
            raise RealmError(
                "the realm is not running; call start(), or use `with Realm() as realm:`"
            )
        return self._ready[name]

    def _ask(self, name: str, order: Mapping[str, Any]) -> Any:
        """Over one connection: a fault of the next connection is meant for the application."""
        place = urlsplit(self.url).netloc
        with self._lock:
            if self._connection is None or self._owner != os.getpid():
                self._connection = http.client.HTTPConnection(place, timeout=_ORDER_SECONDS)
                self._owner = os.getpid()
            headers = {"Content-Type": "application/json"}
            try:
                self._connection.request("POST", f"/_realm/{name}", json.dumps(order), headers)
                response = self._connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as problem:
                self._connection.close()
                raise RealmError(f"the realm does not respond: {problem!r}") from problem
        if response.status == 404:
            raise RealmError(f"{name}: the realm has no such order")
        said = json.loads(content)
        if response.status != 200:
            raise RealmError(f"{name}: {said['error']}")
        return said

    def __repr__(self) -> str:
        return f"<Realm {self.url}>" if self._process else "<Realm, not running>"
