"""The command line as users have it, the local realm, and an environment that describes both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from driver.programs import DEBUG, REALM_PROGRAM, ROOT, environment

CLIENT_ID = "1000001-0-test:third-party"
SECRET = "test-secret-with-+-and-:"
LIMIT_SECONDS = 120

# The same command line in each package.
PROGRAMS: Mapping[str, list[str]] = {
    "binary": [str(DEBUG / "sipgate-oauth2")],
    "python": [sys.executable, "-m", "sipgate_oauth2"],
    "node": [
        "node",
        str(ROOT / "target/node/node_modules/sipgate-oauth2/bin/sipgate-oauth2.cjs"),
    ],
}


@dataclass
class CommandLine:
    """A program with its environment, in which tests change single variables."""

    program: list[str]
    variables: dict[str, str]

    def __call__(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        return self._run(arguments, "", changes)

    def typing(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """With this on standard input."""
        return self._run(arguments, text, {})

    def _run(
        self, arguments: Sequence[str], typed: str, changes: Mapping[str, str | None]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.program, *arguments],
            input=typed,
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def environment(self, **changes: str | None) -> dict[str, str]:
        """A change to None takes the variable away."""
        given = {**self.variables, **changes}
        return {name: value for name, value in given.items() if value is not None}


@pytest.fixture(scope="session")
def one_realm() -> Iterator[Realm]:
    with running_realm(REALM_PROGRAM) as realm:
        yield realm


@pytest.fixture
def realm(one_realm: Realm) -> Realm:
    one_realm.reset()
    return one_realm


@pytest.fixture
def run(realm: Realm, tmp_path: Path) -> CommandLine:
    """The binary."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SIPGATE_", "VIRTUAL_ENV")) and not name.lower().endswith("_proxy")
    }
    browser = f"{sys.executable} {ROOT / 'tests' / 'driver' / 'browser.py'} --visit %s"
    variables = {
        "SIPGATE_CLIENT_ID": CLIENT_ID,
        "SIPGATE_CLIENT_SECRET": SECRET,
        "SIPGATE_ISSUER": f"{realm.ready['http']}/auth/realms/third-party",
        "SIPGATE_REDIRECT_URI": "http://127.0.0.1/cb",
        "SIPGATE_STORE": str(tmp_path / "logins.db"),
        "BROWSER": browser,
        "DEMO_PASSWORD": "anna-pw",
    }
    return CommandLine(PROGRAMS["binary"], {**kept, **environment(), **variables})
