"""Kills processes at random moments: a login may be lost only if no client could have kept it.

Without rotation, no login is lost. With strict rotation, one is lost if the server handles a
request and the process is killed before it can store the response: then the server has received
more requests than the store has generations. Everything else is a failure.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from behaviour.runner.shim import ShimBroken
from chaos.fleet import Member, browser_of, sqlite
from driver.programs import REALM_PROGRAM

REALM = "third-party"
ACCOUNT = "user-42"
MEMBERS = 3
CALLERS = 4
SLOW_MILLISECONDS = 30


@dataclass
class Tally:
    """`unavoidable`: tokens that the server issued and the killed process could not store."""

    kills: int = 0
    interrupted: int = 0
    unavoidable: int = 0
    unexplained: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="with rotation and without, each")
    parser.add_argument("--languages", default="rust,c")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    run = partial(all_kills, options.kills, options.languages.split(","), options.seed)
    # At once, because they mostly wait.
    with ThreadPoolExecutor() as pool:
        passed = list(pool.map(run, (False, True)))
    if not all(passed):
        print(
            f"FAILED: reproduce the random choices, if not the timing, with --seed {options.seed}"
        )
    return 0 if all(passed) else 1


def all_kills(kills: int, languages: list[str], seed: int, rotation: bool) -> bool:
    """Prints the results, and returns whether they are correct."""
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(realm, Path(folder), languages, rotation, random.Random(seed))
        tally = chaos.run(kills)
    print(
        f"kills: rotation {'strict' if rotation else 'off'}, seed {seed}: {tally.kills} processes killed, "
        f"{tally.interrupted} of them with a request at the server, {tally.unavoidable} logins unavoidably lost, "
        f"{tally.unexplained} lost otherwise",
        flush=True,
    )
    if tally.unavoidable and not rotation:
        return False
    return tally.unexplained == 0 and tally.interrupted > 0


class Chaos:
    def __init__(
        self,
        realm: Realm,
        folder: Path,
        languages: list[str],
        rotation: bool,
        dice: random.Random,
    ) -> None:
        self._realm = realm
        self._store = sqlite(folder)
        self._languages = languages
        self._random = dice
        realm.order(
            "settings", {"realm": REALM, "rotation": rotation, "access_token_lifespan": 300}
        )
        self._members = [self._member() for _ in range(MEMBERS)]
        self._log_in()

    def run(self, kills: int) -> Tally:
        tally = Tally()
        try:
            for _ in range(kills):
                self._kill_one(tally)
        finally:
            for member in self._members:
                member.stop()
        return tally

    def _member(self) -> Member:
        language = self._random.choice(self._languages)
        return Member(language, f"{self._realm.ready['http']}/auth", REALM, self._store, ACCOUNT)

    def _log_in(self) -> None:
        """Logs in; requests and generations are counted from here."""
        self._members[0].log_in(browser_of(self._realm), ACCOUNT)
        self._generation_at_login = self._status()["generation"]
        self._requests_at_login = self._realm.counters()["token_requests"]

    def _status(self) -> dict[str, int]:
        return self._members[0].call("source.status", source="source")

    def _kill_one(self, tally: Tally) -> None:
        """All refresh at once, one is killed meanwhile, and the others continue."""
        victim = self._random.randrange(1, MEMBERS)
        # The response is delayed, before or after the server handles the request, so that there is
        # something to interrupt.
        slow = self._random.choice(["delay", "late"])
        self._realm.order("faults", {"on": "token", "kind": slow, "ms": SLOW_MILLISECONDS})
        before = self._realm.counters()["token_requests"]
        for member in self._members:
            for _ in range(CALLERS):
                member.begin("source.refresh", source="source")
        time.sleep(self._random.uniform(0, 0.08))
        during = self._realm.counters()
        self._members[victim].kill()
        tally.kills += 1
        if during["token_requests"] > before:
            tally.interrupted += 1
        self._members[victim] = self._member()
        if not self._is_alive():
            # The last request was the rejected one.
            requests = self._realm.counters()["token_requests"] - self._requests_at_login - 1
            generations = self._status()["generation"] - self._generation_at_login
            if requests > generations:
                tally.unavoidable += 1
            else:
                tally.unexplained += 1
            self._log_in()

    def _is_alive(self) -> bool:
        member = self._members[0]
        reply = member.end(member.begin("source.refresh", source="source", timeout=60))
        if "ok" in reply:
            return True
        if reply["error"]["code"] == "SIPGATE_LOGIN_REQUIRED":
            return False
        raise ShimBroken(f"after a kill: {reply['error']}")


if __name__ == "__main__":
    sys.exit(main())
