"""A real Keycloak on loopback, with sipgate's URL layout and both realms.

`python3 server.py [--version V]` starts one, prints its address, and runs it until Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from keycloak.admin import KeycloakAdmin
from keycloak.distribution import (
    CACHE,
    VERSION,
    VERSIONS,
    KeycloakUnavailable,
    fetched_tree,
    mark_as_built,
)
from keycloak.wire import send

READY_SECONDS = 300
STOP_SECONDS = 30
ADMINISTRATOR = "admin"

# The first process of the group: it runs Keycloak, and terminates the whole group when this
# program's end of the pipe closes for any reason.
GUARD = """
exec 3<&0
"$@" </dev/null 3<&- & keycloak=$!
(cat <&3 >/dev/null; kill -TERM 0) &
trap '' TERM
wait "$keycloak"
"""


class KeycloakServer:
    """A running Keycloak. `base` is the library's base URL."""

    def __init__(self, version: str, database: Path) -> None:
        self.version = version
        self.log = CACHE / f"{version}.log"
        self.log.unlink(missing_ok=True)
        self._tree = fetched_tree(version)
        self._database = database
        self._port = _free_port()
        self.base = f"http://127.0.0.1:{self._port}/auth"
        self._password = secrets.token_urlsafe(24)
        self.admin = KeycloakAdmin(self.base, ADMINISTRATOR, self._password)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, options: Sequence[str] = ()) -> None:
        """`options` are added to those of Keycloak's start script. Earlier data is kept."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", *self._command(), *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )
        self._wait_until_ready(self._process)
        mark_as_built(self._tree)

    def stop(self) -> None:
        """Stops it in order, then by force after a while; does nothing if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _command(self) -> list[str]:
        """Without `--hostname`, the issuer is the address a client uses, as in the local realm."""
        command = [
            str(self._tree / "bin" / "kc.sh"),
            "start-dev",
            "--http-host=127.0.0.1",
            f"--http-port={self._port}",
            "--http-relative-path=/auth",
            "--db=dev-file",
        ]
        if int(self.version.split(".")[0]) >= 25:
            command.append(f"--http-management-port={_free_port()}")
        return command

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("KC_")
        }
        return {
            **inherited,
            "JAVA_OPTS_KC_HEAP": "-Xms256m -Xmx768m",
            # Not an option: older start scripts pass the part after the semicolon to the shell.
            "KC_DB_URL": f"jdbc:h2:file:{self._database};NON_KEYWORDS=VALUE",
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self._password,
            # The names before version 26.
            "KEYCLOAK_ADMIN": ADMINISTRATOR,
            "KEYCLOAK_ADMIN_PASSWORD": self._password,
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise KeycloakUnavailable(
                    f"Keycloak exited with status {process.returncode}, see {self.log}"
                )
            with contextlib.suppress(OSError):
                if send("GET", f"{self.base}/realms/master").status == 200:
                    return
            time.sleep(0.25)
        raise KeycloakUnavailable(f"Keycloak not ready after {READY_SECONDS} s, see {self.log}")


@contextlib.contextmanager
def running_keycloak(version: str = VERSION) -> Iterator[KeycloakServer]:
    """Starts Keycloak, waits until both realms exist, and always stops it at the end."""
    with _terminate_as_exit(), tempfile.TemporaryDirectory(prefix="keycloak-") as folder:
        server = KeycloakServer(version, Path(folder) / "database")
        try:
            server.start()
            server.admin.create_realms()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def _terminate_as_exit() -> Iterator[None]:
    """SIGTERM unwinds the stack like Ctrl-C does, so that the server is stopped."""

    def leave(_signal: int, _frame: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a Keycloak with sipgate's URL layout.")
    parser.add_argument("--version", choices=VERSIONS, default=VERSION)
    options = parser.parse_args()
    try:
        with running_keycloak(options.version) as server:
            print(f"Keycloak {server.version} at {server.base}, log {server.log}", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    except KeycloakUnavailable as problem:
        print(f"keycloak: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
