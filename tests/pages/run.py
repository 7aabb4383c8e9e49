"""Runs the blocks of code in docs/ that no other test runs, against the local realm.

Each is unchanged but for the address of the server and of the store. The program around it has what
the page presupposes: a client, a user who has logged in, a web framework.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.browser import Browser, BrowserError
from driver.installed import CannotInstall
from driver.local_realm import LocalRealm, running_local_realm
from driver.ports import free_port, listens
from driver.programs import DEBUG, REALM_PROGRAM, ROOT, environment
from driver.report import report
from pages.markdown import blocks
from signing_in.installed import PACKAGES
from signing_in.visitor import Visitor, Wrong

LIMIT_SECONDS = 120
# What the programs of docs/start.md say before they wait.
PASTE = "Then paste the address where the browser is, and press Enter:\n"
LOGGED_IN = """
from sipgate_oauth2 import Client, Store
import os

ID, SECRET = os.environ["SIPGATE_CLIENT_ID"], os.environ["SIPGATE_CLIENT_SECRET"]
URI = os.environ["SIPGATE_REDIRECT_URI"]
STORE = os.environ["SIPGATE_STORE"]
login = Client.from_env()
authorization = login.authorization_request("balance:read")
print(authorization.url, flush=True)
login.complete_login(authorization, input(), account="user-42")
asked = []
ask_to_log_in_again = asked.append
"""
TWO_STEPS = """
from sipgate_oauth2 import AuthorizationRequest, Client

client, session = Client.from_env(), {}

def redirect(url):
    global query_string
    print(url, flush=True)
    query_string = input().partition("?")[2]

"""
FLASK = """
import os
from flask import Flask, redirect, request, session
from sipgate_oauth2 import AuthorizationRequest, Client, LoginRequiredError

app = Flask(__name__)
app.secret_key = os.environ["SESSION_SECRET"]
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
client = Client.from_env()
"""
EXPRESS = """
import cookieSession from 'cookie-session'
import express from 'express'
import { AuthorizationRequest, Client } from 'sipgate-oauth2'

const app = express()
app.set('trust proxy', 1)
app.use(cookieSession({ secret: process.env.SESSION_SECRET, secure: true, sameSite: 'lax' }))
const client = Client.fromEnv()
"""


class Scene:
    """The realm, and a folder for programs and their store."""

    def __init__(self, realm: LocalRealm, folder: Path) -> None:
        self.realm = realm
        self.folder = folder
        self.port = free_port()
        self.settings = {
            **os.environ,
            **environment(),
            "PORT": str(self.port),
            "SESSION_SECRET": "0123456789abcdef0123456789abcdef",
            "SIPGATE_CLIENT_ID": "1000001-0-test:third-party",
            "SIPGATE_CLIENT_SECRET": "test-secret-with-+-and-:",
            "SIPGATE_ISSUER": f"{realm.base}/realms/third-party",
            "SIPGATE_REDIRECT_URI": "https://example.com/auth",
            "SIPGATE_STORE": str(folder / "logins.db"),
        }
        # A client of the page is at sipgate, in a store of its own.
        self.addresses = {
            "Client.sipgate(ID": f'Client.keycloak("{realm.base}", "third-party", ID',
            '"/var/lib/app/logins.db"': "STORE",
            '"postgres://app:…@db.internal/app"': '"sqlite://" + STORE',
        }

    def code(self, page: str, heading: str, language: str) -> str:
        found = [b.text for b in blocks(page) if (b.heading, b.language) == (heading, language)]
        if not found:
            raise Wrong(f"{page} has no {language} under {heading!r}")
        text = "\n".join(found)
        for public, local in self.addresses.items():
            text = text.replace(public, local)
        return text

    def run(self, command: list[str], *, log_in: bool = True) -> str:
        """What the program prints, after a user has logged in at the address that it prints. Its
        standard input stays open, as that of a terminal.
        """
        from_user, user = os.pipe()
        with (
            os.fdopen(user, "w", encoding="utf-8") as keyboard,
            subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.settings,
                stdin=from_user,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as program,
        ):
            os.close(from_user)
            try:
                if log_in:
                    assert program.stdout is not None
                    url = program.stdout.readline().strip().split(" ")[-1]
                    if url:
                        print(Browser("anna", "anna-pw").log_in(url), file=keyboard, flush=True)
                output, errors = program.communicate(timeout=LIMIT_SECONDS)
            finally:
                program.kill()
        if program.returncode:
            raise Wrong(f"exit status {program.returncode}: {output}{errors}")
        return output

    def serve(self, command: list[str]) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            command, cwd=self.folder, env=self.settings, stderr=subprocess.PIPE, text=True
        )
        while not listens(self.port):
            if program.poll() is not None:
                raise Wrong(f"it does not start: {program.communicate()[1]}")
            time.sleep(0.1)
        return program


def python_after_login(page: str, *headings: str, after: str = "") -> Callable[[Scene], None]:
    """The blocks of some headings, in one program."""

    def run(scene: Scene) -> None:
        parts = [scene.code(page, heading, "python") for heading in headings]
        text = "\n".join([LOGGED_IN, *parts, after])
        scene.run([sys.executable, "-c", text])

    return run


def two_steps(scene: Scene) -> None:
    """The login page and the callback, one after the other, with the user between them."""
    code = scene.code("docs/logging-in.md", "Logging in", "python")
    header = scene.run([sys.executable, "-c", f"{TWO_STEPS}{code}\nprint(header)\n"])
    if not header.startswith("Bearer "):
        raise Wrong(f"expected the header, not {header!r}")


def two_tabs(scene: Scene, command: list[str]) -> None:
    """The user logs in with both, and loads the second callback again."""
    program = scene.serve(command)
    try:
        visitor = Visitor(scene.port)
        urls = [visitor.get("/login").location or "" for _ in range(2)]
        callbacks = [Browser("anna", "anna-pw").log_in(url) for url in urls]
        for callback in [*callbacks, callbacks[1]]:
            response = visitor.come_back(callback, None)
            if (response.status, response.location) != (302, "/"):
                raise Wrong(f"the callback of a tab: {response}")
    finally:
        program.kill()
        program.communicate()


def two_tabs_in_flask(scene: Scene) -> None:
    PACKAGES.install_from_pypi()
    code = scene.code("docs/logging-in.md", "Two tabs", "python")
    text = f"{FLASK}{code}\napp.run(port=int(os.environ['PORT']))\n"
    two_tabs(scene, [str(PACKAGES.python), "-c", text])


def two_tabs_in_express(scene: Scene) -> None:
    PACKAGES.install_beside_library()
    (scene.folder / "node_modules").symlink_to(PACKAGES.modules)
    code = scene.code("docs/logging-in.md", "Two tabs", "js")
    file = scene.folder / "app.mjs"
    file.write_text(f"{EXPRESS}{code}\napp.listen(process.env.PORT)\n", encoding="utf-8")
    two_tabs(scene, ["node", str(file)])


def keys_of_a_store(scene: Scene) -> None:
    """In SQLite, which compares the bytes of keys."""
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE logins (key TEXT PRIMARY KEY)")
    table.executemany("INSERT INTO logins VALUES (?)", [(key,) for key in "dbca"])
    statement = scene.code("docs/fleets.md", "Who is stored", "sql")
    keys = [key for (key,) in table.execute(statement, {"after": "a", "limit": 2})]
    if keys != ["b", "c"]:
        raise Wrong(f"the statement gives {keys}")


def start_settings(scene: Scene) -> None:
    """The variables are those that the programs of the page have in these tests."""
    text = scene.code("docs/start.md", "Settings", "sh")
    shell = ["bash", "-euc", text + "env"]
    said = subprocess.run(shell, capture_output=True, text=True, check=True, env={}).stdout
    given = dict(line.split("=", 1) for line in said.splitlines() if line.startswith("SIPGATE_"))
    expected = {name: scene.settings[name] for name in scene.settings if name in given}
    address = scene.realm.http.removeprefix("http://")
    given["SIPGATE_ISSUER"] = given["SIPGATE_ISSUER"].replace("127.0.0.1:8080", address)
    given["SIPGATE_STORE"] = str(scene.folder / given["SIPGATE_STORE"])
    if given != expected or len(given) != 5:
        raise Wrong(f"the page sets {given}, the programs need {expected}")


def started(heading: str, language: str, file: str) -> Callable[[Scene], None]:
    """Says what is missing if nothing is pasted; then logs in, and has a token at the next run."""

    def run(scene: Scene) -> None:
        path = scene.folder / file
        path.write_text(scene.code("docs/start.md", heading, language), encoding="utf-8")
        (scene.folder / "node_modules").symlink_to(ROOT / "target" / "node" / "node_modules")
        command = COMMANDS[language](path)
        ended = subprocess.run(
            command,
            cwd=scene.folder,
            env=scene.settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        # Node ends with 13 if a promise is left.
        if ended.returncode in (0, 13) or not re.search("EOF|no address was pasted", ended.stderr):
            raise Wrong(f"without an address: exit status {ended.returncode}, {ended.stderr!r}")
        if "Open this address" not in ended.stdout or "Then paste" not in ended.stdout:
            raise Wrong(f"it does not say what to do: {ended.stdout!r}")
        for log_in in (True, False):
            output = scene.run(command, log_in=log_in).removeprefix(PASTE)
            if not output.startswith("Authorization: Bearer "):
                raise Wrong(f"expected the header, not {output!r}")

    return run


def built_rust(path: Path) -> list[str]:
    program = path.with_suffix("")
    library = f"sipgate_oauth2={DEBUG / 'libsipgate_oauth2.rlib'}"
    command = ["rustc", "--edition", "2024", "--extern", library, "-L", str(DEBUG / "deps")]
    return built([*command, str(path), "-o", str(program)], program)


def built_c(path: Path) -> list[str]:
    program = path.with_suffix("")
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", f"-Wl,-rpath,{DEBUG}"]
    library = str(DEBUG / "libsipgate_oauth2.so")
    compiler = os.environ.get("CC", "cc")
    return built([compiler, *flags, str(path), "-o", str(program), library], program)


def built(command: list[str], program: Path) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Wrong(done.stderr)
    return [str(program)]


COMMANDS: Mapping[str, Callable[[Path], list[str]]] = {
    "python": lambda path: [sys.executable, str(path)],
    "js": lambda path: ["node", str(path)],
    "rust": built_rust,
    "c": built_c,
}


def with_a_browser(scene: Scene) -> None:
    """Programs find the browser in this variable; theirs logs in by itself."""
    visit = f"{sys.executable} {ROOT / 'tests' / 'driver' / 'browser.py'} --visit %s"
    scene.settings |= {"BROWSER": visit, "DEMO_USER": "anna", "DEMO_PASSWORD": "anna-pw"}


def in_the_browser(language: str, before: str, after: str) -> Callable[[Scene], None]:
    """Logs in with a browser of this machine, and prints the header."""

    def run(scene: Scene) -> None:
        with_a_browser(scene)
        scene.settings["SIPGATE_REDIRECT_URI"] = "http://127.0.0.1/callback"
        code = scene.code("docs/logging-in.md", "In a program on the user's machine", language)
        path = scene.folder / ("login.py" if language == "python" else "login.mjs")
        path.write_text(before + code + after, encoding="utf-8")
        (scene.folder / "node_modules").symlink_to(ROOT / "target" / "node" / "node_modules")
        output = scene.run(COMMANDS[language](path), log_in=False)
        if "\nBearer " not in output:
            raise Wrong(f"expected the header, not {output!r}")

    return run


def command_line(scene: Scene) -> None:
    """The page's commands, in a home of their own, and with the local realm's API."""
    with_a_browser(scene)
    secret = scene.folder / ".config" / "sipgate" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_text(scene.settings.pop("SIPGATE_CLIENT_SECRET"))
    scene.settings["HOME"] = str(scene.folder)
    scene.settings["PATH"] = os.pathsep.join([str(DEBUG), os.environ["PATH"]])
    text = scene.code("docs/command-line.md", "The command line", "sh")
    for public, local in {
        "SIPGATE_CLIENT_ID=…": f"SIPGATE_CLIENT_ID={scene.settings['SIPGATE_CLIENT_ID']}",
        ":8400/": f":{scene.port}/",
        "https://api.sipgate.com/v2/balance": scene.realm.api_url,
    }.items():
        if public not in text:
            raise Wrong(f"the page has no {public!r}")
        text = text.replace(public, local)
    output = scene.run(["bash", "-euo", "pipefail", "-c", text], log_in=False)
    if '"amount"' not in output:
        raise Wrong(f"expected the balance, not {output!r}")


FORGOTTEN = 'assert client.token_source("user-42").status().state == "absent"'
FLEETS = (
    "Several machines",
    "In a start script",
    "Who is stored",
    "Logins that nobody uses",
    "Erasure",
)
fleets = python_after_login("docs/fleets.md", *FLEETS, after=FORGOTTEN)

# By page, heading and language, as the check of all blocks reads it.
RUNS: Mapping[tuple[str, str, str], Callable[[Scene], None]] = {
    ("docs/start.md", "Settings", "sh"): start_settings,
    ("docs/start.md", "Python", "python"): started("Python", "python", "login.py"),
    ("docs/start.md", "Node", "js"): started("Node", "js", "login.mjs"),
    ("docs/start.md", "Rust", "rust"): started("Rust", "rust", "login.rs"),
    ("docs/start.md", "C", "c"): started("C", "c", "login.c"),
    ("docs/logging-in.md", "Logging in", "python"): two_steps,
    ("docs/logging-in.md", "Two tabs", "python"): two_tabs_in_flask,
    ("docs/logging-in.md", "Two tabs", "js"): two_tabs_in_express,
    ("docs/logging-in.md", "In a program on the user's machine", "python"): in_the_browser(
        "python",
        "from sipgate_oauth2 import Client\nclient = Client.from_env()\n",
        "print(source.authorization_header())\n",
    ),
    ("docs/logging-in.md", "In a program on the user's machine", "js"): in_the_browser(
        "js",
        "import { Client } from 'sipgate-oauth2'\nconst client = Client.fromEnv()\n",
        "console.log(await source.authorizationHeader())\n",
    ),
    ("docs/command-line.md", "The command line", "sh"): command_line,
    ("docs/several-processes.md", "Several processes", "python"): python_after_login(
        "docs/several-processes.md", "Several processes"
    ),
    **{("docs/fleets.md", heading, "python"): fleets for heading in FLEETS},
    ("docs/fleets.md", "Who is stored", "sql"): keys_of_a_store,
}
BROKEN = (BrowserError, CannotInstall, OSError, Wrong, subprocess.SubprocessError)


def problem_of(job: Callable[[Scene], None]) -> str | None:
    with running_local_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        try:
            job(Scene(realm, Path(folder)))
        except BROKEN as problem:
            return f"{type(problem).__name__}: {problem}"
    return None


def main() -> int:
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    jobs: dict[Callable[[Scene], None], str] = {}
    for (page, heading, language), job in RUNS.items():
        jobs.setdefault(job, f"{page}, {heading}, {language}")
    selected = {name: job for job, name in jobs.items() if only in name}
    return report(((name, problem_of(job)) for name, job in selected.items()), width=60)


if __name__ == "__main__":
    sys.exit(main())
