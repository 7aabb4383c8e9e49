"""The process that refreshes is stopped (SIGSTOP) with its request at the server.

The others get the current token while it is valid. Once it has expired, they get an error that says
another process is refreshing it. They do not take over the refresh; when the process continues, all
continue.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import REALM_PROGRAM

REALM = "sipgate-apps"
ACCOUNT = "user-42"
LIFE_SECONDS = 6
DELAY_MILLISECONDS = 300
SECONDS = 60.0


def main() -> int:
    with running_realm(REALM_PROGRAM) as realm, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = {"realm": REALM, "rotation": True, "access_token_lifespan": LIFE_SECONDS}
        realm.order("settings", settings)
        members = []
        for language in ("rust", "python"):
            base = f"{realm.ready['http']}/auth"
            members.append(Member(language, base, REALM, sqlite(folder), ACCOUNT))
            stack.callback(members[-1].stop)
        problems = stop_and_continue(realm, *members)
    print(f"stopped: {'; '.join(problems) or 'the others waited for it, and one request was sent'}")
    return 1 if problems else 0


def stop_and_continue(realm: Realm, owner: Member, other: Member) -> list[str]:
    owner.log_in(browser_of(realm), ACCOUNT)
    first = other.call("source.access_token", source="source")
    realm.order("faults", {"on": "token", "kind": "late", "ms": DELAY_MILLISECONDS})
    refreshing = owner.begin("source.refresh", source="source")
    realm.await_token_requests(2, SECONDS)
    os.kill(owner.process_id, signal.SIGSTOP)
    try:
        valid = other.call("source.access_token", source="source")
        time.sleep(LIFE_SECONDS)
        expired = other.end(other.begin("source.access_token", source="source", timeout=3))
    finally:
        os.kill(owner.process_id, signal.SIGCONT)
    refreshed = owner.end(refreshing).get("ok", {})
    after = other.call("source.access_token", source="source")
    counters = realm.counters()
    checks = {
        "the other did not get the token while it was valid": valid == first,
        "the other did not get BUSY once the token had expired": expired.get("error", {}).get(
            "code"
        )
        == "SIPGATE_BUSY",
        "the process that continued did not get its tokens": refreshed.get("access_token")
        not in (None, first["access_token"]),
        "the other did not continue": after["access_token"] != first["access_token"],
        f"{counters['invalid_grant']} invalid_grant": counters["invalid_grant"] == 0,
    }
    return [problem for problem, held in checks.items() if not held]


if __name__ == "__main__":
    sys.exit(main())
