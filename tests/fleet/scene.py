"""One row of the failure table: a server, the realm, and processes with logins of their own."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from behaviour.runner.realm import Realm
from chaos.fleet import Member, browser_of
from fleet.postgres import Postgres
from fleet.proxy import Proxy
from fleet.redis import Redis

REALM = "sipgate-apps"
LIFE_SECONDS = 300
# Each call after this looks at the store again.
RECHECK_SECONDS = 0.2
# How long a call may wait that must not wait for the store: less than the store's own limit.
AT_ONCE_SECONDS = 2.0
CALL_SECONDS = 30.0
RECOVERY_SECONDS = 60.0
POLL_SECONDS = 0.2
STORE_UNAVAILABLE = "SIPGATE_STORE_UNAVAILABLE"
LOGIN_REQUIRED = "SIPGATE_LOGIN_REQUIRED"
TRY_LATER = "try_later"
FIX_CONFIGURATION = "fix_configuration"


@dataclass(frozen=True)
class Refusal:
    """What a caller gets instead of a token, and what the message must contain."""

    code: str = STORE_UNAVAILABLE
    remedy: str = TRY_LATER
    words: tuple[str, ...] = ()

    def problems(self, reply: dict[str, Any], secrets: Sequence[str] = ()) -> Iterator[str]:
        error = reply.get("error")
        if error is None:
            yield f"it succeeded, expected {self.code}"
            return
        message = str(error["message"])
        if (error["code"], error["remedy"]) != (self.code, self.remedy):
            yield f"gave {error['code']}, {error['remedy']}: {message}; expected {self.code}, {self.remedy}"
        for words in self.words:
            if words.lower() not in message.lower():
                yield f"the message says nothing of {words!r}: {message}"
        for secret in secrets:
            if secret in message:
                yield f"the message contains the password {secret!r}"


class Process:
    """One process of a language, and the account that it has logged in."""

    def __init__(self, scene: Scene, language: str, account: str, member: Member) -> None:
        self.scene = scene
        self.language = language
        self.account = account
        self.member = member

    def log_in(self) -> None:
        self.member.log_in(browser_of(self.scene.realm), self.account)

    def ask(self, op: str = "source.access_token", timeout: float = CALL_SECONDS) -> dict[str, Any]:
        return self.member.end(self.member.begin(op, source="source", timeout=timeout))

    def token(self) -> str:
        token: str = self.member.call("source.access_token", source="source")["access_token"]
        return token

    def generation(self) -> int:
        generation: int = self.member.call("source.status", source="source")["generation"]
        return generation

    def hands_out(self, token: str) -> Iterator[str]:
        """Eight callers get this token although the store does not respond."""
        for _ in range(3):
            time.sleep(RECHECK_SECONDS)
            calls = [
                self.member.begin("source.access_token", source="source", timeout=AT_ONCE_SECONDS)
                for _ in range(8)
            ]
            for call in calls:
                reply = self.member.end(call)
                if reply.get("ok", {}).get("access_token") != token:
                    yield self.says(f"did not get its token: {reply.get('error', 'another one')}")
                    return

    def refuses(self, op: str, refusal: Refusal) -> Iterator[str]:
        yield from map(self.says, refusal.problems(self.ask(op), self.scene.secrets))

    def recovers(self) -> Iterator[str]:
        """A refresh succeeds some time after the fault has ended."""
        end = time.monotonic() + RECOVERY_SECONDS
        while "ok" not in (reply := self.ask("source.refresh")):
            if time.monotonic() > end:
                yield self.says(f"does not recover: {reply.get('error')}")
                return
            time.sleep(POLL_SECONDS)

    def says(self, problem: str) -> str:
        return f"{self.language}: {problem}"


class Scene:
    """Used for one row; what it has opened ends with it."""

    _accounts = itertools.count(1)

    def __init__(
        self,
        realm: Realm,
        server: Postgres | Redis,
        proxy: Proxy,
        languages: Sequence[str],
        stack: contextlib.ExitStack,
    ) -> None:
        self.realm = realm
        self.server = server
        self.proxy = proxy
        self.languages = languages
        self.secrets = [server.url.split(":")[2].split("@")[0]]
        self._stack = stack
        self._logged_in: list[Process] = []
        realm.reset()
        self.accepts_refresh_tokens(repeatedly=False)
        self.lives(LIFE_SECONDS)
        self._before = realm.counters()

    @property
    def proxied_url(self) -> str:
        return self.server.url.replace(f":{self.server.port}", f":{self.proxy.port}")

    def lives(self, seconds: int) -> None:
        """How long the access tokens of the next responses live."""
        self._set(access_token_lifespan=seconds)

    def accepts_refresh_tokens(self, *, repeatedly: bool) -> None:
        """Whether a refresh token may be used again. At first, it may not."""
        self._set(rotation=not repeatedly)

    def _set(self, **settings: object) -> None:
        self.realm.order("settings", {"realm": REALM, **settings})

    def process(
        self, language: str, account: str | None = None, url: str | None = None, **options: object
    ) -> Process:
        """One that has not logged in; on an account of its own unless named."""
        account = account or f"account-{next(self._accounts)}"
        store = {
            "url": url or self.proxied_url,
            "recheck": RECHECK_SECONDS,
            **options,
        }
        base = f"{self.realm.ready['http']}/auth"
        member = Member(language, base, REALM, store, account)
        self._stack.callback(member.stop)
        return Process(self, language, account, member)

    def logged_in(self, **options: Any) -> list[Process]:
        """A process of each language, logged in."""
        processes = [self.process(language, **options) for language in self.languages]
        for process in processes:
            process.log_in()
        self._logged_in += processes
        return processes

    def defer(self, act: Callable[[], object]) -> None:
        """Does it at the end, whatever happens."""
        self._stack.callback(act)

    def since(self, counter: str) -> int:
        return self.realm.counters()[counter] - self._before[counter]

    def nothing_lost(self) -> Iterator[str]:
        """The server saw one request for each generation, and rejected none."""
        generations = sum(process.generation() for process in self._logged_in)
        requests, rejected = self.since("token_requests"), self.since("invalid_grant")
        if requests != generations:
            yield f"{requests} token requests for {generations} generations"
        if rejected:
            yield f"{rejected} invalid_grant"
