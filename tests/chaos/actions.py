"""A process killed at each action of a refresh, a login and a logout in turn: before all that others can see of it, and in the midst of
what it writes and sends.

Each time a new process does it under a preloaded library that counts its actions (`kill_switch.c`), and dies at the next one; another one
goes on. A login is never lost without rotation; with strict rotation exactly those are that the server renewed and the killed process did
not store. A logout that is asked for again ends, and nothing is given after that.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from behaviour.runner.shim import ShimBroken
from chaos.fleet import Member, browser_of, sqlite
from chaos.kill_switch import KillSwitch, compiled
from driver.programs import DEBUG
from driver.shims import SHIMS

REALM = "third-party"
ACCOUNT = "user-42"
SECONDS = 30.0
TORN = ("write", "send")
AT_ONCE = 2
LOGIN_REQUIRED = "SIPGATE_LOGIN_REQUIRED"


@dataclass
class Tally:
    """`unexplained` are told in words."""

    killed: Counter[str] = field(default_factory=Counter)
    unavoidable: int = 0
    unexplained: list[str] = field(default_factory=list)


class Scene:
    """One language's processes on one store, with a login; the witness is the one that goes on."""

    def __init__(
        self, realm: Realm, folder: Path, library: Path, language: str, rotation: bool
    ) -> None:
        self.realm = realm
        self.rotation = rotation
        self._folder = folder
        self._library = library
        self._language = language
        realm.order(
            "settings", {"realm": REALM, "rotation": rotation, "access_token_lifespan": 300}
        )
        self.witness = self._member()
        self.log_in()

    def log_in(self) -> None:
        self.witness.log_in(browser_of(self.realm), ACCOUNT)
        self._generation_at_login = self._generation()
        self._counters_at_login = self.realm.counters()

    def victim(self) -> tuple[KillSwitch, Member]:
        switch = KillSwitch(self._library, self._folder / "kill-switch")
        member = self._member(*switch.under)
        # It has looked into the store once, and its language has loaded what that takes.
        member.call("source.access_token", source="source")
        return switch, member

    def error_of(self, op: str) -> str | None:
        """The code of what the witness gets."""
        answer = self.witness.end(self.witness.begin(op, source="source", timeout=SECONDS))
        return None if "ok" in answer else str(answer["error"]["code"])

    def since_login(self, counter: str) -> int:
        return self.realm.counters()[counter] - self._counters_at_login[counter]

    def stored_since_login(self) -> int:
        return self._generation() - self._generation_at_login

    def _member(self, *under: str) -> Member:
        base = f"{self.realm.ready['http']}/auth"
        return Member(self._language, base, REALM, sqlite(self._folder), ACCOUNT, under)

    def _generation(self) -> int:
        generation: int = self.witness.call("source.status", source="source")["generation"]
        return generation


class Deed:
    """What is done under the kill switch, and what must be true after it."""

    name = ""
    op = ""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def prepare(self, member: Member) -> dict[str, Any]:
        """What the call is given."""
        return {"source": "source"}

    def judge(self, sent: bool) -> tuple[str | None, bool]:
        """What is wrong, and whether a login was unavoidably lost; leaves a login for the next time. `sent`: the whole request was."""
        raise NotImplementedError


class Refresh(Deed):
    name, op = "a refresh", "source.refresh"

    def prepare(self, member: Member) -> dict[str, Any]:
        self._before = self.scene.realm.counters()["token_requests"]
        return super().prepare(member)

    def judge(self, sent: bool) -> tuple[str | None, bool]:
        scene = self.scene
        if sent:
            # It is carried out, whoever is dead, and comes before what the witness asks.
            scene.realm.await_token_requests(self._before + 1, SECONDS)
        error = scene.error_of("source.refresh")
        granted, stored = scene.since_login("refresh_grants"), scene.stored_since_login()
        lost = error == LOGIN_REQUIRED
        unavoidable = scene.rotation and granted > stored
        if lost:
            scene.log_in()
        if error is not None and not lost:
            return f"the next refresh gave {error}", False
        if lost != unavoidable:
            said = "lost" if lost else "alive"
            return f"the login is {said} after {granted} grants, {stored} of them stored", False
        return None, lost


class LogIn(Deed):
    """Over the login that is there: either of them must be alive then."""

    name, op = "a login", "client.complete_login"

    def prepare(self, member: Member) -> dict[str, Any]:
        pending = member.call(
            "client.authorization_request", client="client", name="request", scope="balance:read"
        )
        callback = browser_of(self.scene.realm)(pending["url"])
        return {
            "client": "client",
            "request": "request",
            "callback": callback,
            "account": ACCOUNT,
            "source": "new source",
        }

    def judge(self, sent: bool) -> tuple[str | None, bool]:
        error = self.scene.error_of("source.refresh")
        if error is None:
            return None, False
        self.scene.log_in()
        return f"the next refresh gave {error}", False


class LogOut(Deed):
    name, op = "a logout", "source.logout"

    def judge(self, sent: bool) -> tuple[str | None, bool]:
        again, after = (
            self.scene.error_of("source.logout"),
            self.scene.error_of("source.access_token"),
        )
        ended = self.scene.since_login("sessions_ended")
        self.scene.log_in()
        if (again, after) != (None, LOGIN_REQUIRED):
            return f"logging out again gave {again}, and after it a token was {after}", False
        return (None if ended else "the server did not end the session"), False


DEEDS: tuple[Callable[[Scene], Deed], ...] = (Refresh, LogIn, LogOut)


def kill_at_each(deed: Deed) -> Tally:
    """One action further each time, until it is done before the end comes."""
    tally = Tally()
    switch, member = deed.scene.victim()
    given = deed.prepare(member)
    switch.arm()
    member.call(deed.op, **given)
    member.stop()
    sends = switch.actions().count("send")
    deed.judge(sent=True)
    number = 1
    while (name := _kill(deed, number, sends, tally)) is not None:
        if name in TORN:
            _kill(deed, number, sends, tally, halfway=True)
        number += 1
    return tally


def _kill(
    deed: Deed, number: int, sends: int, tally: Tally, *, halfway: bool = False
) -> str | None:
    """The name of the action that was not done any more, if it came to that one."""
    switch, member = deed.scene.victim()
    given = deed.prepare(member)
    switch.arm(number, halfway=halfway)
    try:
        answer = member.end(member.begin(deed.op, **given))
        killed = False
        if "ok" not in answer:
            tally.unexplained.append(f"before action {number}: it gave {answer['error']}")
    except ShimBroken as end:
        killed = "status -9" in str(end)
        if not killed:
            raise
    member.stop()
    actions = switch.actions()
    problem, unavoidable = deed.judge(sent=actions[: number - 1].count("send") == sends)
    place = f"{'in the midst of' if halfway else 'before'} action {number}, {actions[-1]}"
    if problem is not None:
        tally.unexplained.append(f"{place if killed else 'at the end'}: {problem}")
    tally.unavoidable += unavoidable
    if not killed:
        return None
    tally.killed[actions[-1]] += 1
    return actions[-1]


def all_kills(language: str, rotation: bool, make: Callable[[Scene], Deed]) -> bool:
    """Says what came of them, and whether it is as it must be."""
    with running_realm(DEBUG / "realm") as realm, tempfile.TemporaryDirectory() as folder:
        scene = Scene(realm, Path(folder), compiled(Path(folder)), language, rotation)
        try:
            deed = make(scene)
            tally = kill_at_each(deed)
        finally:
            scene.witness.stop()
    counted = ", ".join(f"{count} at {name}" for name, count in tally.killed.items())
    said = [
        f"actions of {deed.name}, {language}, rotation {'strict' if rotation else 'off'}: {tally.killed.total()} processes killed "
        f"({counted}), {tally.unavoidable} logins unavoidably lost, {len(tally.unexplained)} problems",
        *(f"FAILED: {problem}" for problem in tally.unexplained),
    ]
    print("\n".join(said), flush=True)
    if isinstance(deed, Refresh) and rotation and not tally.unavoidable:
        return False
    return tally.killed.total() > 0 and not tally.unexplained


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default="rust", help=f"of {','.join(SHIMS)}")
    options = parser.parse_args()
    if sys.platform != "linux":
        print("actions: SKIPPED, as libraries are preloaded otherwise here")
        return 0
    scenes = product(options.languages.split(","), (False, True), DEEDS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(all_kills, *zip(*scenes, strict=True)))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
