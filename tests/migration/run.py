"""Runs the code of docs/migration, unchanged but for the addresses, against the local realm.

For each peer: a user logs in with the peer's program, which calls the API and saves its tokens.
The page's code takes them along: the library calls the API and refreshes with them. Then the same
program with this library logs the user in.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.browser import Browser, BrowserError
from driver.debian import install as install_from_debian
from driver.installed import CannotInstall
from driver.local_realm import LocalRealm, running_local_realm
from driver.ports import free_port, listens
from driver.programs import REALM_PROGRAM, ROOT, environment
from driver.report import report
from migration import page
from migration.installed import PACKAGES
from signing_in.visitor import Visitor, Wrong

BALANCE = '"amount"'
LIMIT_SECONDS = 120
# With the peer's tokens, in a process of its own: the API accepts the token, and the one after it.
CHECK = """
import os, sys, urllib.request
from sipgate_oauth2 import Client

source = Client.from_env().token_source("user-42")
for _ in range(2):
    headers = {"Authorization": source.authorization_header()}
    request = urllib.request.Request(os.environ["API"], headers=headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    print(direct.open(request).read().decode())
    source.refresh()
"""


BROKEN = (
    BrowserError,
    CannotInstall,
    OSError,
    Wrong,
    page.PageBroken,
    subprocess.SubprocessError,
)


@dataclass(frozen=True)
class Language:
    suffix: str
    install: Callable[[], None]
    # The command that runs a file, after it was built if that is needed.
    command: Callable[[Path], Sequence[str]]


def run_python(file: Path) -> Sequence[str]:
    return [str(PACKAGES.python), str(file)]


def run_node(file: Path) -> Sequence[str]:
    return ["node", str(file)]


def build_c(file: Path) -> Sequence[str]:
    """Links the libraries of both programs."""
    debug = ROOT / "target" / "debug"
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", f"-Wl,-rpath,{debug}"]
    libraries = [str(debug / "libsipgate_oauth2.so"), "-liddawc", "-lulfius", "-lcurl"]
    program = file.with_suffix("")
    compiler = [os.environ.get("CC", "cc"), *flags, str(file), "-o", str(program), *libraries]
    subprocess.run(compiler, check=True, capture_output=True, text=True)
    return [str(program)]


def build_rust(file: Path) -> Sequence[str]:
    """In a project of its own, which shares versions and builds of crates with this workspace."""
    project = PACKAGES.folder / "rust"
    programs = project / "src" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (project / "Cargo.toml").write_text(MANIFEST)
    if not (project / "Cargo.lock").exists():
        shutil.copy(ROOT / "Cargo.lock", project)
    shutil.copy(file, programs)
    target = ROOT / "target"
    build = ["cargo", "build", "--quiet", "--bin", file.stem, "--target-dir", str(target)]
    subprocess.run(build, cwd=project, check=True, capture_output=True, text=True)
    return [str(target / "debug" / file.stem)]


PYTHON = Language(".py", PACKAGES.install_from_pypi, run_python)
NODE = Language(".mjs", PACKAGES.install_beside_library, run_node)
# libcurl's headers are among what it depends on.
C = Language(".c", lambda: install_from_debian(["libiddawc-dev"]), build_c)
RUST = Language(".rs", lambda: None, build_rust)
PEERS: Mapping[str, Language] = {
    "authlib": PYTHON,
    "requests-oauthlib": PYTHON,
    "msal": PYTHON,
    "simple-oauth2": NODE,
    "openid-client": NODE,
    "passport": NODE,
    "iddawc": C,
    "oauth2-rs": RUST,
}
# Compiled for minutes.
LONG = ("oauth2-rs",)
MANIFEST = f"""\
[package]
name = "migration"
version = "0.0.0"
edition = "2024"

[dependencies]
oauth2 = {{ version = "5", default-features = false, features = ["ureq"] }}
serde_json = "1"
sipgate-oauth2 = {{ path = {json.dumps(str(ROOT / "core"))} }}
ureq = "3"

[workspace]
"""
# They require it on loopback too.
ONLY_HTTPS = {"msal", "openid-client", "requests-oauthlib"}


class Programs:
    """The programs of one page, in a folder with the store and the saved tokens."""

    def __init__(self, peer: str, realm: LocalRealm, folder: Path) -> None:
        self._language = PEERS[peer]
        self._folder = folder
        self._code = page.code(peer)
        (folder / "ca.pem").write_text(realm.ca_pem)
        server = realm.https if peer in ONLY_HTTPS else realm.http
        api = f"{server}/v2/balance"
        self._addresses = {
            "https://login.sipgate.com": server,
            "https://api.sipgate.com/v2/balance": api,
        }
        self._settings = {
            **os.environ,
            **environment(),
            "API": api,
            "NODE_EXTRA_CA_CERTS": str(folder / "ca.pem"),
            "NO_PROXY": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
            "SESSION_SECRET": "0123456789abcdef0123456789abcdef",
            "SIPGATE_CLIENT_ID": "1000001-0-test:third-party",
            "SIPGATE_CLIENT_SECRET": "test-secret-with-+-and-:",
            "SIPGATE_ISSUER": f"{server}/auth/realms/third-party",
            "SIPGATE_REDIRECT_URI": "https://example.com/auth",
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "SIPGATE_STORE": str(folder / "logins.db"),
        }

    def migrate(self) -> None:
        self._log_in("theirs", self._code.theirs)
        with self._started("saved_tokens", self._code.saved_tokens) as program:
            self._finish("saved_tokens", program)
        check = subprocess.run(
            [sys.executable, "-c", CHECK], env=self._settings, capture_output=True, text=True
        )
        if check.returncode or check.stdout.count(BALANCE) != 2:
            raise Wrong(f"the saved tokens: {check.stdout}{check.stderr}")
        (self._folder / "logins.db").unlink()
        self._log_in("ours", self._code.ours)

    def _log_in(self, name: str, text: str) -> None:
        if "process.env.PORT" in text:
            self._sign_in(name, text)
        else:
            self._log_in_by_hand(name, text)

    def _sign_in(self, name: str, text: str) -> None:
        """The program is a web server with a login page, whose callback shows the balance."""
        port = free_port()
        self._settings["PORT"] = str(port)
        with self._started(name, text) as program:
            try:
                while not listens(port):
                    if program.poll() is not None:
                        raise Wrong(f"{name} does not start: {program.communicate()[1]}")
                    time.sleep(0.1)
                visitor = Visitor(port)
                url = visitor.get("/login").location or ""
                callback = Browser("anna", "anna-pw").log_in(url)
                shown = visitor.get("/auth?" + urlsplit(callback).query)
            finally:
                program.kill()
            if BALANCE not in shown.body:
                errors = program.communicate()[1]
                raise Wrong(f"{name}: expected the balance, not {shown}\n{errors}")

    def _log_in_by_hand(self, name: str, text: str) -> None:
        """The program prints the URL, reads the callback, and prints the balance."""
        with self._started(name, text) as program:
            assert program.stdout is not None
            url = program.stdout.readline().strip()
            callback = ""
            if url:
                ca_file = str(self._folder / "ca.pem")
                callback = Browser("anna", "anna-pw", ca_file=ca_file).log_in(url)
            output = self._finish(name, program, callback + "\n")
        if BALANCE not in output:
            raise Wrong(f"{name}: expected the balance, not {output!r}")

    def _started(self, name: str, text: str) -> subprocess.Popen[str]:
        file = (self._folder / name).with_suffix(self._language.suffix)
        file.write_text(page.at(text, self._addresses), encoding="utf-8")
        if self._language is NODE and not (self._folder / "node_modules").exists():
            (self._folder / "node_modules").symlink_to(PACKAGES.modules)
        return subprocess.Popen(
            self._language.command(file),
            cwd=self._folder,
            env=self._settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _finish(self, name: str, program: subprocess.Popen[str], given: str = "") -> str:
        try:
            output, errors = program.communicate(given, timeout=LIMIT_SECONDS)
        finally:
            program.kill()
        if program.returncode:
            raise Wrong(f"{name}: exit status {program.returncode}\n{output}{errors}")
        return output


def problem_of(peer: str) -> str | None:
    with running_local_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        try:
            PEERS[peer].install()
            Programs(peer, realm, Path(folder)).migrate()
        except BROKEN as problem:
            said = getattr(problem, "stderr", None) or ""
            return f"{type(problem).__name__}: {problem}\n{said}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers")
    parser.add_argument("--long", action="store_true", help=f"also {', '.join(LONG)}")
    given = parser.parse_args()
    peers = [peer for peer in PEERS if given.long or peer not in LONG]
    if given.peers:
        peers = given.peers.split(",")
    return report(((peer, problem_of(peer)) for peer in peers), width=18)


if __name__ == "__main__":
    sys.exit(main())
