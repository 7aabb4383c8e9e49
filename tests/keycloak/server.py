"""A real Keycloak on loopback, with sipgate's URL layout and both realms.

`python3 server.py [--version V]` starts one, prints its address and keeps it until Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from keycloak.admin import KeycloakAdmin
from keycloak.wire import send

VERSION = "26.7.3"
VERSIONS = (VERSION, "22.0.5")
OLDEST_JAVA = 17
READY_SECONDS = 180
STOP_SECONDS = 30
FETCH_SECONDS = 600
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "keycloak"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
ADMINISTRATOR = "admin"

# The first process of the group: it runs Keycloak and, when this program's end of the pipe closes,
# however that comes about, ends the whole group.
GUARD = """
exec 3<&0
"$@" </dev/null 3<&- & keycloak=$!
(cat <&3 >/dev/null; kill -TERM 0) &
trap '' TERM
wait "$keycloak"
"""


class KeycloakUnavailable(Exception):
    """Keycloak cannot be had or does not start here; the message is one line that says why."""


class KeycloakServer:
    """A running Keycloak. `base` is what the library is configured with."""

    def __init__(self, base: str, version: str, admin: KeycloakAdmin, log: Path) -> None:
        self.base = base
        self.version = version
        self.admin = admin
        self.log = log


@contextlib.contextmanager
def running_keycloak(version: str = VERSION) -> Iterator[KeycloakServer]:
    """Starts Keycloak, waits until both realms are there, and stops it however the block ends."""
    tree = _fetched_tree(version)
    log = CACHE / f"{version}.log"
    base = f"http://127.0.0.1:{_free_port()}/auth"
    password = secrets.token_urlsafe(24)
    with _terminate_as_exit(), log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *_command(tree, version, base)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(password),
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, f"{base}/realms/master", log)
            admin = KeycloakAdmin(base, ADMINISTRATOR, password)
            admin.create_realms()
            _mark_as_built(tree)
            yield KeycloakServer(base, version, admin, log)
        finally:
            _stop(process)


def require_java() -> None:
    """Keycloak's start script looks for Java in the same two places."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    try:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        raise KeycloakUnavailable(f"Java {OLDEST_JAVA} or newer not found ({java})") from None
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        raise KeycloakUnavailable(
            f"Java {OLDEST_JAVA} or newer needed, found: {text.splitlines()[0]}"
        )


def _fetched_tree(version: str) -> Path:
    """The unpacked distribution. Its first start rebuilds it, so it is kept for the next ones; a tree
    whose first start did not succeed is unpacked anew."""
    require_java()
    CACHE.mkdir(parents=True, exist_ok=True)
    tree = CACHE / version
    if _built_mark(tree).exists():
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    archive = CACHE / f"keycloak-quarkus-dist-{version}.zip"
    if not archive.exists():
        _fetch(archive, version)
    unpacking = CACHE / f"{version}.unpacking.{os.getpid()}"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unpacking)
    (unpacking / f"keycloak-{version}").rename(tree)
    unpacking.rmdir()
    for script in (tree / "bin").glob("*.sh"):
        script.chmod(0o755)
    return tree


def _fetch(archive: Path, version: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KeycloakUnavailable(f"mvn (Maven) not found, needed to fetch Keycloak {version}")
    print(f"keycloak: fetching {version} (177 MB) with mvn", file=sys.stderr, flush=True)
    arriving = archive.parent / f"{version}.arriving.{os.getpid()}"
    artifact = f"org.keycloak:keycloak-quarkus-dist:{version}:zip"
    command = [maven, "-q", "-B", MAVEN_COPY, f"-Dartifact={artifact}"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={arriving}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
    )
    if done.returncode != 0:
        shutil.rmtree(arriving, ignore_errors=True)
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no message")
        raise KeycloakUnavailable(f"mvn could not fetch Keycloak {version}: {reason}")
    (arriving / archive.name).rename(archive)
    arriving.rmdir()


def _command(tree: Path, version: str, base: str) -> list[str]:
    """No `--hostname`: the issuer follows the address a client calls, as the local realm's does."""
    port = base.removesuffix("/auth").rsplit(":", 1)[1]
    command = [
        str(tree / "bin" / "kc.sh"),
        "start-dev",
        "--http-host=127.0.0.1",
        f"--http-port={port}",
        "--http-relative-path=/auth",
        "--db=dev-mem",
    ]
    if int(version.split(".")[0]) >= 25:
        command.append(f"--http-management-port={_free_port()}")
    return command


def _environment(password: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KC_")}
    return {
        **inherited,
        "JAVA_OPTS_KC_HEAP": "-Xms256m -Xmx768m",
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        # The names up to version 25.
        "KEYCLOAK_ADMIN": ADMINISTRATOR,
        "KEYCLOAK_ADMIN_PASSWORD": password,
    }


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise KeycloakUnavailable(f"Keycloak ended with status {process.returncode}, see {log}")
        with contextlib.suppress(OSError):
            if send("GET", url).status == 200:
                return
        time.sleep(0.25)
    raise KeycloakUnavailable(f"Keycloak not ready after {READY_SECONDS} s, see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _terminate_as_exit() -> Iterator[None]:
    """SIGTERM unwinds the stack like Ctrl-C does, so that the server is stopped on the way."""

    def leave(_signal: int, _frame: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _built_mark(tree: Path) -> Path:
    return tree / "data" / "built"


def _mark_as_built(tree: Path) -> None:
    mark = _built_mark(tree)
    mark.parent.mkdir(exist_ok=True)
    mark.touch()


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
