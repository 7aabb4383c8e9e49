"""django-oauth-toolkit as a child process, in an environment of its own in the cache."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from driver.programs import ROOT
from keycloak.asker import REDIRECT_URI
from keycloak.questions.openid import BYE
from keycloak.realms import USERS, confidential, resource_server

HERE = Path(__file__).resolve().parent
NAME = "django-oauth-toolkit"
ENVIRONMENT = ROOT / ".cache" / NAME
INSTALLED = ENVIRONMENT / "installed.txt"
REALM = "django"
STOP_SECONDS = 10
INSTALL_SECONDS = 600


class ToolkitUnavailable(Exception):
    """The server cannot be installed or started here; the message says why."""


@dataclass(frozen=True)
class ToolkitServer:
    version: str
    issuer: str


@contextlib.contextmanager
def running_toolkit() -> Iterator[ToolkitServer]:
    """Installs the server if needed, and runs it; it exits when its stdin closes."""
    _install()
    with tempfile.TemporaryDirectory(prefix="django-") as folder:
        process = subprocess.Popen(
            [str(_python()), "-I", str(HERE / "provider.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(_contents(folder)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise ToolkitUnavailable(f"{NAME} exited with status {process.wait()} at its start")
            said = json.loads(line)
            yield ToolkitServer(said["version"], said["issuer"])
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _contents(folder: str) -> dict[str, object]:
    clients = (confidential(REALM), resource_server(REALM))
    return {
        "database": f"{folder}/database",
        "users": {user.name: user.password for user in USERS},
        "clients": {client.id: client.secret for client in clients},
        "uris": (REDIRECT_URI, BYE),
    }


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _install() -> None:
    wanted = (HERE / "requirements.txt").read_text()
    if INSTALLED.exists() and INSTALLED.read_text() == wanted:
        return
    print(f"{NAME}: installing it with pip", file=sys.stderr, flush=True)
    command = [str(_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run(
            [*command, "-r", str(HERE / "requirements.txt")], check=True, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as problem:
        raise ToolkitUnavailable(f"pip cannot install {NAME}: {problem}") from problem
    INSTALLED.write_text(wanted)
