"""Shows the moment of expiry: a process of each language, with sixteen callers each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import REALM_PROGRAM

REALM = "sipgate-apps"
ACCOUNT = "user-42"
CALLERS = 16
SHORT_LIFE_SECONDS = 2
LIFE_SECONDS = 300
SLOW_MILLISECONDS = 400
RESPONSE_SECONDS = 60.0


def show(languages: Sequence[str]) -> bool:
    """Prints what happens, and returns whether all went well."""
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
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
    rows = [("the token expires for", "requests", "callers served", "login")]
    all_well = True
    for killed in (None, members[-1]):
        _let_the_token_expire(realm, members[0])
        # The server is slow, so that all others call while it handles the first request.
        realm.order("faults", {"on": "token", "kind": "late", "ms": SLOW_MILLISECONDS})
        before = realm.counters()
        calls = [(members[0], members[0].begin("source.access_token", source="source"))]
        realm.await_token_requests(before["token_requests"] + 1, RESPONSE_SECONDS)
        calls += [
            (member, member.begin("source.access_token", source="source"))
            for member in members
            for _ in range(CALLERS - (member is members[0]))
        ]
        if killed is not None:
            killed.kill()
        replies = [member.end(number) for member, number in calls if member is not killed]
        served = sum("ok" in reply for reply in replies)
        counters = realm.counters()
        requests = counters["token_requests"] - before["token_requests"]
        alive = not counters["invalid_grant"] and not counters["sessions_killed"]
        rows.append(
            (
                f"{len(members)} processes x {CALLERS}"
                + (f", {killed.language} killed with kill -9" if killed else ""),
                str(requests),
                f"{served} of {len(replies)}",
                "alive" if alive else "LOST",
            )
        )
        all_well = all_well and requests == 1 and served == len(replies) and alive
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return all_well


def _let_the_token_expire(realm: Realm, member: Member) -> None:
    """The next token is valid for long: on a slow machine it might expire before all are served."""
    realm.order("settings", {"realm": REALM, "access_token_lifespan": SHORT_LIFE_SECONDS})
    member.call("source.refresh", source="source")
    time.sleep(SHORT_LIFE_SECONDS)
    realm.order("settings", {"realm": REALM, "access_token_lifespan": LIFE_SECONDS})
