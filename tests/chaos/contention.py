"""Many processes, many callers, one account, and tokens that live for one second: the server must see one request per generation."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, sqlite
from driver.programs import DEBUG

REALM = "sipgate-apps"
ACCOUNT = "user-42"
LANGUAGES = ("rust", "python", "node", "c")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--callers", type=int, default=8, help="of each process")
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    options = parser.parse_args()
    with running_realm(DEBUG / "realm") as realm, tempfile.TemporaryDirectory() as folder:
        realm.order("settings", {"realm": REALM, "rotation": True, "access_token_lifespan": 1})
        problems = run(
            realm,
            Path(folder),
            options.languages.split(","),
            options.processes,
            options.callers,
            options.seconds,
        )
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


def run(
    realm: Realm,
    folder: Path,
    languages: Sequence[str],
    processes: int,
    callers: int,
    seconds: float,
) -> list[str]:
    outcomes: Counter[str] = Counter()
    with ExitStack() as stack:
        members = []
        for number in range(processes):
            language = languages[number % len(languages)]
            base = f"{realm.ready['http']}/auth"
            member = Member(language, base, REALM, sqlite(folder), ACCOUNT)
            stack.callback(member.stop)
            members.append(member)
        members[0].log_in(realm, ACCOUNT)
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
        generation = members[0].call("source.status", source="source")["generation"]
    counters = realm.counters()
    calls = sum(outcomes.values())
    print(
        f"contention: {processes} processes ({', '.join(languages)}) x {callers} callers, {seconds:.0f} s, {calls} calls: "
        f"{generation} generations, {counters['token_requests']} token requests, "
        f"{counters['invalid_grant']} invalid_grant, {counters['sessions_killed']} sessions killed",
        flush=True,
    )
    problems = [f"{count} calls gave {outcome}" for outcome, count in outcomes.items() if outcome]
    if generation < max(2.0, seconds / 4):
        problems.append(f"only {generation} generations: nothing was contended for")
    if counters["token_requests"] != generation:
        problems.append(f"{counters['token_requests']} token requests for {generation} generations")
    for name in ("invalid_grant", "sessions_killed"):
        if counters[name]:
            problems.append(f"{counters[name]} {name}")
    return problems


def _call_until(member: Member, end: float, outcomes: Counter[str]) -> None:
    while time.monotonic() < end:
        answer = member.end(member.begin("source.access_token", source="source"))
        error = answer.get("error")
        outcomes["" if error is None else f"{member.language}: {error['code']}"] += 1


if __name__ == "__main__":
    sys.exit(main())
