"""The moment of expiry, before the reader's eyes: a process of each language, and sixteen callers in each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import DEBUG

REALM = "sipgate-apps"
ACCOUNT = "user-42"
CALLERS = 16
SHORT_LIFE_SECONDS = 2
LIFE_SECONDS = 300
SLOW_MILLISECONDS = 400
ANSWER_SECONDS = 60.0


def show(languages: Sequence[str]) -> bool:
    """Prints what happens, and whether all went well."""
    with running_realm(DEBUG / "realm") as realm, tempfile.TemporaryDirectory() as folder:
        realm.order("settings", {"realm": REALM, "rotation": True})
        with ExitStack() as stack:
            members = []
            for language in languages:
                base = f"{realm.ready['http']}/auth"
                members.append(Member(language, base, REALM, sqlite(Path(folder)), ACCOUNT))
                stack.callback(members[-1].stop)
            members[0].log_in(browser_of(realm), ACCOUNT)
            return _two_expiries(realm, members)


def _two_expiries(realm: Realm, members: list[Member]) -> bool:
    rows = [("the token runs out for", "requests", "callers served", "login")]
    all_well = True
    for killed in (None, members[-1]):
        _let_the_token_run_out(realm, members[0])
        # The server takes its time, so that all come while the first of them is being answered.
        realm.order("faults", {"on": "token", "kind": "late", "ms": SLOW_MILLISECONDS})
        before = realm.counters()
        calls = [(members[0], members[0].begin("source.access_token", source="source"))]
        realm.await_token_requests(before["token_requests"] + 1, ANSWER_SECONDS)
        calls += [
            (member, member.begin("source.access_token", source="source"))
            for member in members
            for _ in range(CALLERS - (member is members[0]))
        ]
        if killed is not None:
            killed.kill()
        answers = [member.end(number) for member, number in calls if member is not killed]
        served = sum("ok" in answer for answer in answers)
        counters = realm.counters()
        requests = counters["token_requests"] - before["token_requests"]
        alive = not counters["invalid_grant"] and not counters["sessions_killed"]
        rows.append(
            (
                f"{len(members)} processes x {CALLERS}"
                + (f", {killed.language} killed with kill -9" if killed else ""),
                str(requests),
                f"{served} of {len(answers)}",
                "alive" if alive else "LOST",
            )
        )
        all_well = all_well and requests == 1 and served == len(answers) and alive
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return all_well


def _let_the_token_run_out(realm: Realm, member: Member) -> None:
    """The one that comes then lives long: on a slow machine it would run out before all are served."""
    realm.order("settings", {"realm": REALM, "access_token_lifespan": SHORT_LIFE_SECONDS})
    member.call("source.refresh", source="source")
    time.sleep(SHORT_LIFE_SECONDS)
    realm.order("settings", {"realm": REALM, "access_token_lifespan": LIFE_SECONDS})
