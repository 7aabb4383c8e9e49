"""Kills a process at each action of a refresh, a login, and a logout.

It is killed before each externally visible action, and halfway through each write and send. A
preloaded library (`kill_switch.c`) counts the actions of a new process each time and kills it one
action later than before; another process continues. Without rotation, no login is lost. With strict
rotation, a login is lost exactly if the server refreshed it and the killed process did not store
the tokens. A repeated logout succeeds, and no token is returned after it.
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
from chaos.kill_switch import KillSwitch
from chaos.preload import compiled
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS

REALM = "third-party"
ACCOUNT = "user-42"
SECONDS = 30.0
TORN = ("write", "send")
AT_ONCE = 2
LOGIN_REQUIRED = "SIPGATE_LOGIN_REQUIRED"


@dataclass
class Tally:
    """`unexplained` contains descriptions."""

    killed: Counter[str] = field(default_factory=Counter)
    unavoidable: int = 0
    unexplained: list[str] = field(default_factory=list)


class Scene:
    """One language's processes on one store, with a login; the witness is never killed."""

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
        # It has read the store once, so that its language has loaded what that requires.
        member.call("source.access_token", source="source")
        return switch, member

    def error_of(self, op: str) -> str | None:
        """The error code of the witness's call, if any."""
        reply = self.witness.end(self.witness.begin(op, source="source", timeout=SECONDS))
        return None if "ok" in reply else str(reply["error"]["code"])

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


class Operation:
    """An operation under the kill switch, and what must be true after it."""

    name = ""
    op = ""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def prepare(self, member: Member) -> dict[str, Any]:
        """The arguments of the call."""
        return {"source": "source"}

    def judge(self, sent: bool) -> tuple[str | None, bool]:
        """The problem, if any, and whether a login was unavoidably lost.

        `sent` means that the whole request was sent. Afterwards there is a login for the next time.
        """
        raise NotImplementedError


class Refresh(Operation):
    name, op = "a refresh", "source.refresh"

    def prepare(self, member: Member) -> dict[str, Any]:
        self._before = self.scene.realm.counters()["token_requests"]
        return super().prepare(member)

    def judge(self, sent: bool) -> tuple[str | None, bool]:
        scene = self.scene
        if sent:
            # The server handles it although its sender is dead, and before the witness's request.
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


class LogIn(Operation):
    """A login that replaces another one: one of the two must be alive afterwards."""

    name, op = "a login", "client.complete_login"

    def prepare(self, member: Member) -> dict[str, Any]:
        request = member.call(
            "client.authorization_request", client="client", name="request", scope="balance:read"
        )
        callback = browser_of(self.scene.realm)(request["url"])
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


class LogOut(Operation):
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


DEEDS: tuple[Callable[[Scene], Operation], ...] = (Refresh, LogIn, LogOut)


def kill_at_each(operation: Operation) -> Tally:
    """Kills one action later each time, until the operation completes."""
    tally = Tally()
    switch, member = operation.scene.victim()
    given = operation.prepare(member)
    switch.arm()
    member.call(operation.op, **given)
    member.stop()
    sends = switch.actions().count("send")
    operation.judge(sent=True)
    number = 1
    while (name := _kill(operation, number, sends, tally)) is not None:
        if name in TORN:
            _kill(operation, number, sends, tally, halfway=True)
        number += 1
    return tally


def _kill(
    operation: Operation, number: int, sends: int, tally: Tally, *, halfway: bool = False
) -> str | None:
    """The name of the action at which the process was killed, if it was."""
    switch, member = operation.scene.victim()
    given = operation.prepare(member)
    switch.arm(number, halfway=halfway)
    try:
        reply = member.end(member.begin(operation.op, **given))
        killed = False
        if "ok" not in reply:
            tally.unexplained.append(f"before action {number}: it gave {reply['error']}")
    except ShimBroken as end:
        killed = "status -9" in str(end)
        if not killed:
            raise
    member.stop()
    actions = switch.actions()
    problem, unavoidable = operation.judge(sent=actions[: number - 1].count("send") == sends)
    place = f"{'halfway through' if halfway else 'before'} action {number}, {actions[-1]}"
    if problem is not None:
        tally.unexplained.append(f"{place if killed else 'at the end'}: {problem}")
    tally.unavoidable += unavoidable
    if not killed:
        return None
    tally.killed[actions[-1]] += 1
    return actions[-1]


def all_kills(language: str, rotation: bool, make: Callable[[Scene], Operation]) -> bool:
    """Prints the results, and returns whether they are correct."""
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        scene = Scene(
            realm, Path(folder), compiled("kill_switch", Path(folder)), language, rotation
        )
        try:
            operation = make(scene)
            tally = kill_at_each(operation)
        finally:
            scene.witness.stop()
    counted = ", ".join(f"{count} at {name}" for name, count in tally.killed.items())
    said = [
        f"actions of {operation.name}, {language}, rotation {'strict' if rotation else 'off'}: {tally.killed.total()} processes killed "
        f"({counted}), {tally.unavoidable} logins unavoidably lost, {len(tally.unexplained)} problems",
        *(f"FAILED: {problem}" for problem in tally.unexplained),
    ]
    print("\n".join(said), flush=True)
    if isinstance(operation, Refresh) and rotation and not tally.unavoidable:
        return False
    return tally.killed.total() > 0 and not tally.unexplained


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default="rust", help=f"of {','.join(SHIMS)}")
    options = parser.parse_args()
    if sys.platform != "linux":
        print("actions: SKIPPED, because this system preloads libraries in another way")
        return 0
    scenes = product(options.languages.split(","), (False, True), DEEDS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(all_kills, *zip(*scenes, strict=True)))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
