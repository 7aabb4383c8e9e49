"""Runs the README's ten lines of each language, unchanged, against the local realm.

Only the server differs: `Client.sipgate(…)` becomes `Client.keycloak(…)` at the realm. Each block
runs in a minimal application: a session, and `redirect`, which prints the URL for the browser and
reads the callback. A program prints the `Authorization` header before and after the refresh; the
realm's API must accept both.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from driver.browser import Browser, BrowserError
from driver.local_realm import LocalRealm, running_local_realm
from driver.programs import DEBUG, REALM_PROGRAM, ROOT, environment
from driver.report import report

PROGRAMS: Mapping[str, Sequence[str]] = {
    "rust": [str(DEBUG / "readme-example")],
    "python": [sys.executable, str(HERE / "python_block.py")],
    "node": ["node", str(ROOT / "target" / "node" / "readme.mjs")],
    "c": [str(ROOT / "target" / "c" / "readme")],
}
LIMIT_SECONDS = 60


def problem_of(language: str) -> str | None:
    with running_local_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        return run(language, realm, folder)


def run(language: str, realm: LocalRealm, folder: str) -> str | None:
    """The problem, if any. The logins are stored in the folder."""
    settings = {
        **os.environ,
        **environment(),
        "DEMO_BASE_URL": realm.base,
        "SIPGATE_CLIENT_ID": "1000001-0-test:third-party",
        "SIPGATE_CLIENT_SECRET": "test-secret-with-+-and-:",
        "SIPGATE_REDIRECT_URI": "https://example.com/auth",
    }
    with subprocess.Popen(
        list(PROGRAMS[language]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=settings,
        cwd=folder,
        text=True,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        authorization_url = program.stdout.readline().strip()
        if not authorization_url:
            return f"no authorization URL, exit status {program.wait(LIMIT_SECONDS)}"
        try:
            callback = Browser("anna", "anna-pw").log_in(authorization_url)
        except BrowserError as error:
            return str(error)
        output, _ = program.communicate(callback + "\n", timeout=LIMIT_SECONDS)
    if program.returncode != 0:
        return f"exit status {program.returncode}"
    headers = output.splitlines()
    if len(headers) != 2 or headers[0] == headers[1]:
        return "expected one header before and another after the refresh"
    for header in headers:
        request = urllib.request.Request(realm.api_url, headers={"authorization": header})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request) as response:
            if response.status != 200:
                return f"the API responded with {response.status}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(PROGRAMS))
    languages = parser.parse_args().languages.split(",")
    return report(((f"README {name}", problem_of(name)) for name in languages), width=14)


if __name__ == "__main__":
    sys.exit(main())
