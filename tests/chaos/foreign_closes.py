"""Processes save and refresh while they open, copy, and close the store's files: nothing is lost.

In some, Python's `sqlite3` reads the store too. Others contain two copies of the library: the addon
at two paths in Node, or the C library in addition to the Python package. The server uses strict
rotation: a refresh token that is sent twice ends the login.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from driver.programs import DEBUG, REALM_PROGRAM, ROOT, environment

REALM = "third-party"
PROCESSES = 4
SAVES = 500
# Long enough for other processes to find the refresh in progress.
REFRESH_MILLISECONDS = 20
# Long enough to tell a process that hangs from a slow one.
LIMIT_SECONDS = 600.0
HERE = Path(__file__).resolve().parent
INSTALLED = ROOT / "target" / "node" / "node_modules"
C_LIBRARY = DEBUG / "libsipgate_oauth2.so"

# Each kind of process, by what it does besides saving and refreshing.
KINDS: Mapping[str, Sequence[str]] = {
    "Python that opens, copies and closes": ("python", "files"),
    "Python with sqlite3": ("python", "sqlite3"),
    "Python with the C library": ("python", "files", "c"),
    "Node with two copies": ("node",),
}


@dataclass(frozen=True)
class Seen:
    kind: str
    seconds: float
    acknowledged: int
    missing: int
    refused: Sequence[str]
    integrity: str
    generations: int
    token_requests: int
    invalid_grant: int

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.acknowledged} saves acknowledged, {self.missing} missing, integrity {self.integrity}, "
            f"{self.generations} generations by {self.token_requests} token requests, {self.invalid_grant} invalid_grant, "
            f"{self.seconds:.0f} s"
        )

    def problems(self, expected: int) -> Iterator[str]:
        for problem, count in Counter(self.refused).most_common(5):
            yield f"{count} times: {problem}"
        if self.acknowledged != expected:
            yield f"{self.acknowledged} of {expected} saves were acknowledged"
        if self.missing:
            yield f"{self.missing} acknowledged saves are missing"
        if self.integrity != "ok":
            yield f"integrity_check says {self.integrity}"
        if self.generations < PROCESSES:
            yield f"only {self.generations} generations: nothing was refreshed"
        if self.token_requests != self.generations:
            yield f"{self.token_requests} token requests for {self.generations} generations"
        if self.invalid_grant:
            yield f"{self.invalid_grant} invalid_grant"


def run(realm: Realm, kind: str, saves: int) -> Seen:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "store"
        task = {
            "base": f"{realm.ready['http']}/auth",
            "realm": REALM,
            "client_id": f"{CLIENT_ID}:{REALM}",
            "client_secret": CLIENT_SECRET,
            "redirect_uri": REDIRECT_URI,
            "path": str(folder / "logins.db"),
            "scratch": scratch,
            "saves": saves,
            "c_library": str(C_LIBRARY),
        }
        realm.reset()
        realm.order("settings", {"realm": REALM, "rotation": True})
        task["tokens"] = _log_in(realm, task)
        slow = {"on": "token", "kind": "delay", "ms": REFRESH_MILLISECONDS, "times": 1_000_000}
        realm.order("faults", slow)
        before, began = realm.counters(), time.monotonic()
        workers = [
            _Worker(_command(kind, Path(scratch)), task, number) for number in range(PROCESSES)
        ]
        ended = [worker.ended() for worker in workers]
        seconds, after = time.monotonic() - began, realm.counters()
        saved = [account for worker in ended for account in worker["saved"]]
        checked = {
            "missing": saved,
            "generation": 0,
            **_ask(_python("check"), {**task, "accounts": saved}),
        }
        return Seen(
            kind,
            seconds,
            len(saved),
            len(checked["missing"]),
            [problem for worker in ended for problem in worker["refused"]],
            _integrity(folder / "logins.db"),
            checked["generation"] - 1,
            after["token_requests"] - before["token_requests"],
            after["invalid_grant"] - before["invalid_grant"],
        )


def _log_in(realm: Realm, task: Mapping[str, Any]) -> str:
    """Logs in the account that all refresh, and returns another login's tokens, which all save."""
    process = _started(_python("log in"), task)
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(2):
        url = json.loads(process.stdout.readline())
        process.stdin.write(json.dumps(realm.login({"authorization_url": url})["callback"]) + "\n")
        process.stdin.flush()
    tokens: str = json.loads(process.communicate(timeout=LIMIT_SECONDS)[0])
    return tokens


def _command(kind: str, scratch: Path) -> Sequence[str]:
    language, *beside = KINDS[kind]
    if language == "python":
        return _python(*beside)
    copies = [scratch / "first copy", scratch / "second copy"]
    for copy in copies:
        if not copy.exists():
            shutil.copytree(INSTALLED, copy / "node_modules")
    folders = [str(copy / "node_modules" / "sipgate-oauth2") for copy in copies]
    return ["node", str(HERE / "foreign_worker.mjs"), *folders]


def _python(*beside: str) -> Sequence[str]:
    return [sys.executable, str(HERE / "foreign_worker.py"), *beside]


class _Worker:
    def __init__(self, command: Sequence[str], task: Mapping[str, Any], number: int) -> None:
        self._process = _started(command, {**task, "number": number})

    def ended(self) -> dict[str, Any]:
        return _result(self._process)


def _ask(command: Sequence[str], task: Mapping[str, Any]) -> dict[str, Any]:
    return _result(_started(command, task))


def _started(command: Sequence[str], task: Mapping[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment()},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    return process


def _result(process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        output = process.communicate(timeout=LIMIT_SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0]
    if process.returncode:
        return {"saved": [], "refused": [f"a process exited with {process.returncode}"]}
    result: dict[str, Any] = json.loads(output)
    return result


def _integrity(path: Path) -> str:
    try:
        connection = sqlite3.connect(path)
        rows = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "; ".join(str(row[0]) for row in rows[:3])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saves", type=int, default=SAVES, help="of each process")
    parser.add_argument("--kinds", type=int, nargs="*", default=range(len(KINDS)), help="by number")
    options = parser.parse_args()
    failed = False
    for kind in [list(KINDS)[number] for number in options.kinds]:
        # One for each, so that the effects of a failed run do not count for the next.
        with running_realm(REALM_PROGRAM) as realm:
            seen = run(realm, kind, options.saves)
        print(f"foreign closes: {seen}", flush=True)
        for problem in seen.problems(PROCESSES * options.saves):
            failed = True
            print(f"FAILED: {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
