"""Many processes of all languages, many callers, one account, and tokens that expire in a second.

The server must receive one request per generation, and have no reason to reject one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import DEBUG
from driver.shims import SHIMS

REALM = "sipgate-apps"
ACCOUNT = "user-42"
PROCESSES = 16
CALLERS = 8
LIFE_SECONDS = 1
SECONDS = 120.0

# By language and error code, which is None for a call that returned a token.
Calls = Counter[tuple[str, str | None]]


@dataclass(frozen=True)
class Seen:
    """The server's counts: token requests, and how many it rejected with `invalid_grant`."""

    token_requests: int
    invalid_grant: int


@dataclass(frozen=True)
class Fight:
    calls: Calls
    processes: int
    callers: int
    seconds: float
    generations: int
    seen: Seen
    alive: bool

    def __str__(self) -> str:
        by_language: Counter[str] = Counter()
        for (language, _), count in self.calls.items():
            by_language[language] += count
        languages = ", ".join(f"{language} {count}" for language, count in by_language.items())
        return (
            f"{self.processes} processes x {self.callers} callers, {self.seconds:.0f} s, {self.calls.total()} calls ({languages}): "
            f"{self.generations} generations, {self.seen.token_requests} token requests, {self.seen.invalid_grant} invalid_grant, "
            f"session {'alive' if self.alive else 'LOST'}"
        )

    def problems(self) -> Iterator[str]:
        for (language, code), count in self.calls.items():
            if code is not None:
                yield f"{count} calls in {language} gave {code}"
        if self.generations < max(2, self.seconds / 4):
            yield f"only {self.generations} generations: there was no contention"
        if self.seen.token_requests != self.generations:
            yield f"{self.seen.token_requests} token requests for {self.generations} generations"
        if self.seen.invalid_grant:
            yield f"{self.seen.invalid_grant} invalid_grant"
        if not self.alive:
            yield "the login is lost"


def fight(
    base: str,
    realm: str,
    browser: Callable[[str], str],
    seen: Callable[[], Seen],
    *,
    languages: Sequence[str],
    processes: int = PROCESSES,
    callers: int = CALLERS,
    seconds: float = SECONDS,
) -> Fight:
    """All callers of all processes keep requesting tokens on one database.

    `seen` queries the server.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        members = []
        for number in range(processes):
            language = languages[number % len(languages)]
            members.append(Member(language, base, realm, sqlite(folder), ACCOUNT))
            stack.callback(members[-1].stop)
        before = seen()
        members[0].log_in(browser, ACCOUNT)
        counts: list[Calls] = []
        end = time.monotonic() + seconds
        threads = [
            threading.Thread(target=_call_until, args=(member, end, counts))
            for member in members
            for _ in range(callers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        calls = sum(counts, Calls())
        # A last refresh shows what the server says.
        alive = "ok" in members[-1].end(members[-1].begin("source.refresh", source="source"))
        generations = members[0].call("source.status", source="source")["generation"]
        after = seen()
    counted = Seen(
        after.token_requests - before.token_requests, after.invalid_grant - before.invalid_grant
    )
    return Fight(calls, processes, callers, seconds, generations, counted, alive)


def _call_until(member: Member, end: float, counts: list[Calls]) -> None:
    mine: Calls = Counter()
    while time.monotonic() < end:
        reply = member.end(member.begin("source.access_token", source="source"))
        error = reply.get("error")
        mine[member.language, None if error is None else str(error["code"])] += 1
    counts.append(mine)


def seen_by(realm: Realm) -> Callable[[], Seen]:
    def seen() -> Seen:
        counters = realm.counters()
        return Seen(counters["token_requests"], counters["invalid_grant"])

    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--callers", type=int, default=CALLERS, help="of each process")
    parser.add_argument("--languages", default=",".join(SHIMS))
    options = parser.parse_args()
    with running_realm(DEBUG / "realm") as realm:
        realm.order(
            "settings", {"realm": REALM, "rotation": True, "access_token_lifespan": LIFE_SECONDS}
        )
        fought = fight(
            f"{realm.ready['http']}/auth",
            REALM,
            browser_of(realm),
            seen_by(realm),
            languages=options.languages.split(","),
            processes=options.processes,
            callers=options.callers,
            seconds=options.seconds,
        )
    print(f"contention: {fought}", flush=True)
    problems = list(fought.problems())
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
