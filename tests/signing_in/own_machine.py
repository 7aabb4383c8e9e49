"""Each program as the section "On your own machine" of docs/signing-in.md starts it: with its
commands, over plain http, for a user with a browser's cookies.
"""

from __future__ import annotations

import contextlib
import html
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import IO

from driver.ports import free_port, listens
from driver.programs import DEBUG, environment

from . import page
from .applications import NEXT_CONFIG, write
from .installed import PACKAGES
from .visitor import Wrong

TITLE = "On your own machine"
ROW = re.compile(
    r"^\| (?P<who>[\w.]+) \| (?:`(?P<install>.+?)` )?\| `(?P<start>.+?)` \|$", re.MULTILINE
)
SIGN_IN = 'href="/login"'
SECONDS = 180
PORT = "8000"


def commands() -> dict[str, str]:
    """What starts each program."""
    rows = {row["who"]: row for row in ROW.finditer(page.section(TITLE))}
    for row in rows.values():
        known = {name.lower() for name in (*PACKAGES.pypi, *PACKAGES.npm)}
        named = shlex.split(row["install"] or "")[2:]
        if not known.issuperset(named):
            raise page.PageBroken(f"{TITLE}: the tests do not install {set(named) - known}")
    return {who: row["start"] for who, row in rows.items()}


def problem_of(framework: str) -> None:
    port = free_port()
    start, variables, logout = (text.replace(PORT, str(port)) for text in _blocks())
    with (
        _folder(framework) as folder,
        tempfile.TemporaryDirectory() as data,
        tempfile.NamedTemporaryFile("r") as log,
        _running(start, folder, log.name) as realm,
    ):
        # Nothing is left where the program is.
        settings = f"{_settings(realm)}\nexport SIPGATE_STORE={data}/logins.db\n{variables}"
        with _running(f"{settings}\n{commands()[framework]}", folder, log.name) as application:
            _await(port, application, log)
            _visit(User(f"http://localhost:{port}/"), logout=f"{settings}\n{logout}", folder=folder)


def _blocks() -> list[str]:
    """Those that start the server, set more variables, and log the user out."""
    return page.BLOCK.findall(page.section(TITLE))


class User:
    """Keeps the cookies that a browser keeps: none that is `Secure` from an http address."""

    def __init__(self, home: str) -> None:
        self.home = home
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def load(self, path: str) -> str:
        return self._load(urllib.parse.urljoin(self.home, path), None)[1]

    def log_in(self) -> str:
        """Follows the link, and fills in the form of the server."""
        place, text = self._load(urllib.parse.urljoin(self.home, "login"), None)
        return self._submit(place, text, username="anna", password="anna-pw")[1]

    def log_out(self) -> tuple[str, str]:
        """Presses the button. Returns where the user is then, and what is there."""
        return self._submit(*self._load(self.home, None))

    def _submit(self, place: str, text: str, **fields: str) -> tuple[str, str]:
        [action] = re.findall(r'<form [^>]*action="([^"]+)"', text)
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
        form = urllib.parse.urlencode({**dict(hidden), **fields}).encode()
        return self._load(urllib.parse.urljoin(place, html.unescape(action)), form)

    def _load(self, url: str, form: bytes | None) -> tuple[str, str]:
        try:
            with self._opener.open(url, form, timeout=SECONDS) as response:
                return response.url, response.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.url or url, f"{refused.code} {refused.read().decode()}"


def _visit(user: User, *, logout: str, folder: Path) -> None:
    _expect("the first page", SIGN_IN, user.load(""))
    _expect("after the login", "Hello, ", user.log_in())
    _expect("the API call", "123456", user.load("balance"))
    place, text = user.log_out()
    _expect("the address after the logout", user.home, place)
    _expect("after the logout", SIGN_IN, text)
    _expect("after another login", "Hello, ", user.log_in())
    _run(logout, folder)
    _expect("after a logout by the server", "400 You are not logged in", user.load(""))


def _expect(what: str, part: str, text: str) -> None:
    if part not in text:
        raise Wrong(f"{what}: expected {part!r}, found {text[:500]!r}")


def _settings(realm: subprocess.Popen[str]) -> str:
    """The lines to paste, once the server has printed them."""
    assert realm.stdout is not None
    lines: list[str] = []
    for line in realm.stdout:
        if line.startswith("Stop"):
            return "\n".join(line.strip() for line in lines if line.startswith("  export "))
        lines.append(line)
    raise Wrong(f"the realm does not start: {''.join(lines)}")


def _variables() -> Mapping[str, str]:
    """Those of a shell in which the packages are installed, and none of sipgate."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIPGATE_")}
    folders = [PACKAGES.python.parent, PACKAGES.modules / ".bin", DEBUG]
    path = os.pathsep.join([*map(str, folders), ours["PATH"]])
    return {**ours, **environment(), "PATH": path, "NEXT_TELEMETRY_DISABLED": "1"}


def _run(script: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=folder,
        env=_variables(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        raise Wrong(f"{script}: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def _running(script: str, folder: Path, log: str) -> Iterator[subprocess.Popen[str]]:
    """A script in a group of processes of its own, which all end with it."""
    with Path(log).open("a") as output:
        process = subprocess.Popen(
            ["bash", "-ec", script],
            cwd=folder,
            env=_variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if "--human" in script else output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdout is not None:
                process.stdout.close()


def _await(port: int, application: subprocess.Popen[str], log: IO[str]) -> None:
    end = time.monotonic() + SECONDS
    while not listens(port):
        if application.poll() is not None or time.monotonic() > end:
            raise Wrong(f"it does not start: {log.read()[-3000:]}")
        time.sleep(0.1)


@contextlib.contextmanager
def _folder(framework: str) -> Iterator[Path]:
    """With the program. That in Rust is compiled where it is."""
    if framework == "axum":
        yield page.EXAMPLES / page.FOLDERS[framework]
        return
    with tempfile.TemporaryDirectory(dir=PACKAGES.folder) as name:
        files = page.program(framework)
        if framework == "Next.js":
            files["next.config.mjs"] = NEXT_CONFIG
        write(files, Path(name))
        yield Path(name)
