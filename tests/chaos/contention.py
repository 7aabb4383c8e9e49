"""Many processes, many callers, one account, and tokens that live for a second: the server must see one request per generation."""

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

from behaviour.runner.realm import running_realm
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import DEBUG

REALM = "sipgate-apps"
ACCOUNT = "user-42"
LANGUAGES = ("rust", "python", "node", "c")


@dataclass(frozen=True)
class Fight:
    """What came of it: calls by error code, none for those that got a token; and how often the tokens were renewed."""

    outcomes: Counter[str | None]
    generations: int
    seconds: float

    def problems(self) -> Iterator[str]:
        for code, count in self.outcomes.items():
            if code is not None:
                yield f"{count} calls gave {code}"
        if self.generations < max(2, self.seconds / 4):
            yield f"only {self.generations} generations: nothing was fought for"


def fight(
    base: str,
    realm: str,
    browser: Callable[[str], str],
    *,
    languages: Sequence[str] = LANGUAGES,
    processes: int = 8,
    callers: int = 8,
    seconds: float = 15,
) -> Fight:
    """All callers of all processes ask for tokens, again and again, on one database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        members = []
        for number in range(processes):
            language = languages[number % len(languages)]
            members.append(Member(language, base, realm, sqlite(folder), ACCOUNT))
            stack.callback(members[-1].stop)
        members[0].log_in(browser, ACCOUNT)
        outcomes: Counter[str | None] = Counter()
        end = time.monotonic() + seconds
        threads = [
            threading.Thread(target=_call_until, args=(member, end, outcomes))
            for member in members
            for _ in range(callers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        generations = members[0].call("source.status", source="source")["generation"]
    return Fight(outcomes, generations, seconds)


def _call_until(member: Member, end: float, outcomes: Counter[str | None]) -> None:
    while time.monotonic() < end:
        answer = member.end(member.begin("source.access_token", source="source"))
        error = answer.get("error")
        outcomes[None if error is None else str(error["code"])] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--callers", type=int, default=8, help="of each process")
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    options = parser.parse_args()
    with running_realm(DEBUG / "realm") as realm:
        realm.order("settings", {"realm": REALM, "rotation": True, "access_token_lifespan": 1})
        fought = fight(
            f"{realm.ready['http']}/auth",
            REALM,
            browser_of(realm),
            languages=options.languages.split(","),
            processes=options.processes,
            callers=options.callers,
            seconds=options.seconds,
        )
        counters = realm.counters()
    print(
        f"contention: {options.processes} processes ({options.languages}) x {options.callers} callers, "
        f"{options.seconds:.0f} s, {fought.outcomes.total()} calls: {fought.generations} generations, "
        f"{counters['token_requests']} token requests, {counters['invalid_grant']} invalid_grant, "
        f"{counters['sessions_killed']} sessions killed",
        flush=True,
    )
    problems = list(fought.problems())
    if counters["token_requests"] != fought.generations:
        problems.append("token requests and generations differ")
    problems += [
        f"{counters[name]} {name}"
        for name in ("invalid_grant", "sessions_killed")
        if counters[name]
    ]
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
