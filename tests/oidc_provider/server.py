"""oidc-provider as a child process, installed by npm from the lock file in this folder."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from driver.child_server import running_server
from driver.installed import CannotInstall
from keycloak.control import CannotControl, Control, RealmSettings

HERE = Path(__file__).resolve().parent
INSTALLED = HERE / "node_modules" / ".package-lock.json"
NAME = "oidc-provider"
REALM = "strict"
INSTALL_SECONDS = 300


# Client metadata by Keycloak's names.
METADATA = {
    "backchannel.logout.url": "backchannel_logout_uri",
    "id.token.encrypted.response.alg": "id_token_encrypted_response_alg",
    "id.token.signed.response.alg": "id_token_signed_response_alg",
    "jwks.string": "jwks",
    "user.info.response.signature.alg": "userinfo_signed_response_alg",
}


@dataclass(frozen=True)
class ProviderServer:
    """The server's addresses, and the control of its settings."""

    version: str
    base: str
    issuer: str
    api_url: str
    control: ProviderControl


class ProviderControl(Control):
    """Sends settings as lines on the server's stdin; unset ones have their initial value."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._defaults: Mapping[str, object] = self._set({})["settings"]
        self._disabled_users: set[str] = set()

    def configure_realm(self, realm: str, settings: RealmSettings) -> None:
        names = {
            "access_token_lifespan": "accessTokenSeconds",
            "refresh_token_lifespan": "refreshTokenSeconds",
            "code_lifespan": "codeSeconds",
        }
        if others := settings.keys() - names.keys():
            raise CannotControl(f"{NAME} cannot change {', '.join(sorted(others))}")
        self._set({names[name]: value for name, value in settings.items()})

    def restore_realm(self, realm: str) -> None:
        self._set({**self._defaults, "disabledUsers": sorted(self._disabled_users)})

    def enable_user(self, realm: str, user: str, enabled: bool) -> None:
        if enabled:
            self._disabled_users.discard(user)
        else:
            self._disabled_users.add(user)
        self._set({"disabledUsers": sorted(self._disabled_users)})

    def withdraw_consent(self, realm: str, user: str, client: str) -> None:
        """Does nothing: consent belongs to the browser's session; a new browser is asked again."""

    def enable_client(self, realm: str, client: str, enabled: bool) -> None:
        raise CannotControl(f"clients of {NAME} cannot be disabled")

    def end_sessions(self, realm: str, user: str) -> None:
        raise CannotControl(f"{NAME} has no administrator")

    def allow_offline_access(self, realm: str, user: str, allowed: bool) -> None:
        raise CannotControl(f"{NAME} asks the client, not the user, for offline_access")

    def require_consent(self, realm: str, client: str, required: bool) -> None:
        raise CannotControl(f"{NAME} always asks for consent")

    def set_client_secret(self, realm: str, client: str, secret: str) -> None:
        self._set({"client": client, "metadata": {"client_secret": secret}})

    def set_client_attributes(self, realm: str, client: str, attributes: Mapping[str, str]) -> None:
        registered: dict[str, object] = {
            METADATA[name]: value or None
            for name, value in attributes.items()
            if name != "use.jwks.string"
        }
        if keys := registered.get("jwks"):
            registered["jwks"] = json.loads(str(keys))
        self._set({"client": client, "metadata": registered})

    def seen(self) -> Mapping[str, int]:
        """The token endpoint's counters: `tokenRequests`, and how many were `invalidGrant`."""
        seen: Mapping[str, int] = self._set({})["seen"]
        return seen

    def _set(self, settings: Mapping[str, object]) -> dict[str, Any]:
        """The new settings, and the counters."""
        self._stdin.write(json.dumps(settings) + "\n")
        self._stdin.flush()
        reply: dict[str, Any] = json.loads(self._stdout.readline())
        return reply


@contextlib.contextmanager
def running_provider() -> Iterator[ProviderServer]:
    """Installs the provider if needed, and runs it; it exits when its stdin closes."""
    _install()
    with running_server(["node", str(HERE / "server.mjs")]) as server:
        said = server.said
        control = ProviderControl(server.stdin, server.stdout)
        yield ProviderServer(_version(), said["base"], said["issuer"], said["api"], control)


def _install() -> None:
    lock = HERE / "package-lock.json"
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(
            command, cwd=HERE, check=True, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as problem:
        raise CannotInstall(f"npm cannot install {NAME}: {problem}") from problem
    os.utime(INSTALLED)


def _version() -> str:
    package = HERE / "node_modules" / NAME / "package.json"
    return str(json.loads(package.read_text())["version"])
