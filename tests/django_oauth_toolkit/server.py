"""django-oauth-toolkit as a child process, in an environment of its own in the cache."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from driver.child_server import running_server
from driver.installed import Packages
from keycloak.asker import REDIRECT_URI
from keycloak.questions.openid import BYE
from keycloak.realms import USERS, confidential, resource_server

HERE = Path(__file__).resolve().parent
NAME = "django-oauth-toolkit"
PACKAGES = Packages(
    NAME,
    pypi={"Django": "5.2.19", "django-oauth-toolkit": "3.4.1"},
)
REALM = "django"


@dataclass(frozen=True)
class ToolkitServer:
    version: str
    issuer: str


@contextlib.contextmanager
def running_toolkit() -> Iterator[ToolkitServer]:
    """Installs the server if needed, and runs it; it exits when its stdin closes."""
    PACKAGES.install()
    with tempfile.TemporaryDirectory(prefix="django-") as folder:
        command = [str(PACKAGES.python), "-I", str(HERE / "provider.py")]
        with running_server(command, cwd=folder, first_line=_contents(folder)) as server:
            yield ToolkitServer(server.said["version"], server.said["issuer"])


def _contents(folder: str) -> dict[str, object]:
    clients = (confidential(REALM), resource_server(REALM))
    return {
        "database": f"{folder}/database",
        "users": {user.name: user.password for user in USERS},
        "clients": {client.id: client.secret for client in clients},
        "uris": (REDIRECT_URI, BYE),
    }
