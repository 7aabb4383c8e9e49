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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS

REALM = "sipgate-apps"
ACCOUNT = "user-42"
PROCESSES = 16
CALLERS = 8
LIFE_SECONDS = 1
SECONDS = 30.0
# Of a last refresh after a disturbance, one a second.
TRIES = 30

# By language and error code, which is None for a call that returned a token.
Calls = Counter[tuple[str, str | None]]


@dataclass(frozen=True)
class Seen:
    """The server's counts: token requests, and how many it rejected with `invalid_grant`."""

    token_requests: int
    invalid_grant: int


@dataclass(frozen=True)
class Place:
    """Where a process runs: its store, and what precedes its command."""

    store: Mapping[str, Any]
    under: Sequence[str] = ()


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
        errors = "".join(f", {count} of them {code}" for code, count in self.errors().items())
        return (
            f"{self.processes} processes x {self.callers} callers, {self.seconds:.0f} s, {self.calls.total()} calls ({languages}){errors}: "
            f"{self.generations} generations, {self.seen.token_requests} token requests, {self.seen.invalid_grant} invalid_grant, "
            f"session {'alive' if self.alive else 'LOST'}"
        )

    def errors(self) -> Counter[str]:
        """The calls that failed, by error code."""
        found: Counter[str] = Counter()
        for (_, code), count in self.calls.items():
            if code is not None:
                found[code] += count
        return found

    def problems(self, allowed: Sequence[str] = ()) -> Iterator[str]:
        """`allowed` are error codes that callers may get."""
        for (language, code), count in self.calls.items():
            if code is not None and code not in allowed:
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
    places: Sequence[Place] = (),
    during: Callable[[threading.Event], None] | None = None,
    languages: Sequence[str],
    processes: int = PROCESSES,
    callers: int = CALLERS,
    seconds: float = SECONDS,
) -> Fight:
    """All callers of all processes keep requesting tokens of one login.

    Processes take the places in turn: a SQLite database without any. `seen` queries the server.
    `during` runs meanwhile, and returns soon after its event is set.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = places or [Place(sqlite(folder))]
        members = []
        for number in range(processes):
            language, place = languages[number % len(languages)], places[number % len(places)]
            members.append(Member(language, base, realm, place.store, ACCOUNT, place.under))
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
        ended = threading.Event()
        if during is not None:
            stack.callback(ended.set)
            disturber = threading.Thread(target=during, args=(ended,))
            disturber.start()
        for thread in threads:
            thread.join()
        if during is not None:
            ended.set()
            disturber.join()
        calls = sum(counts, Calls())
        # A last refresh shows what the server says.
        alive = _refreshes(members[-1], 1 if during is None else TRIES)
        generations = members[0].call("source.status", source="source")["generation"]
        after = seen()
    counted = Seen(
        after.token_requests - before.token_requests, after.invalid_grant - before.invalid_grant
    )
    return Fight(calls, processes, callers, seconds, generations, counted, alive)


def _refreshes(member: Member, tries: int) -> bool:
    """Whether a refresh succeeds, soon after the disturbance at the latest."""
    for _ in range(tries):
        if "ok" in member.end(member.begin("source.refresh", source="source")):
            return True
        time.sleep(1)
    return False


def fight_at(realm: Realm, **options: Any) -> Fight:
    """A fight at the local realm, with strict rotation; the options are those of `fight`."""
    settings = {"realm": REALM, "rotation": True, "access_token_lifespan": LIFE_SECONDS}
    realm.order("settings", settings)
    base = f"{realm.ready['http']}/auth"
    return fight(base, REALM, browser_of(realm), seen_by(realm), **options)


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
    with running_realm(REALM_PROGRAM) as realm:
        fought = fight_at(
            realm,
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
