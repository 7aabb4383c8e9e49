"""What the visitor of the other tests cannot try: a worker in the background, tests of an
application, a real browser.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from behaviour.runner.realm import Realm
from driver import debian
from driver.programs import DEBUG

from . import page
from .applications import HERE, environ, running, write
from .installed import BROWSER, PACKAGES
from .visitor import Wrong

SECONDS = 300
# Two jobs run at once.
INSTALLING = threading.Lock()
WORKER = """
from tasks import app
app.conf.broker_transport_options = dict.fromkeys(("data_folder_in", "data_folder_out"), "queue")
app.conf.control_folder = "control"
"""
LOG_IN = """
from sipgate_oauth2 import Client
client = Client.from_env()
authorization = client.authorization_request("openid balance:read")
print(authorization.url, flush=True)
client.complete_login(authorization, input(), account="anna")
"""
ASK = """
import json
import worker
from tasks import balance, keep_alive
from sipgate_oauth2 import Client
calls = [balance.delay("anna") for _ in range(10)]
balances = [call.get(timeout=60) for call in calls]
keep_alive.delay().get(timeout=60)
Client.from_env().token_source("anna").forget()
print(json.dumps([balances, balance.delay("anna").get(timeout=60)]))
"""


def celery_problem(realm: Realm, settings: Mapping[str, str]) -> None:
    """A user logs in at the web; a worker with two processes makes ten calls, and one too late."""
    with _folder() as folder:
        write({**page.program("Celery"), "worker.py": WORKER}, folder)
        for name in ("queue", "control", "results"):
            (folder / name).mkdir()
        broker = {"CELERY_BROKER": "filesystem://", "CELERY_BACKEND": f"file://{folder}/results"}
        variables = environ({**settings, **broker})
        python = str(PACKAGES.python)
        with subprocess.Popen(
            [python, "-c", LOG_IN],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as web:
            assert web.stdin and web.stdout
            order = {"username": "anna", "password": "anna-pw", "browser": "one"}
            login = {"authorization_url": web.stdout.readline().strip(), **order}
            web.communicate(realm.order("login", login)["callback"])
        with (folder / "log").open("w") as log:
            celery = [python, "-m", "celery", "-A", "worker", "worker", "--concurrency", "2"]
            worker = subprocess.Popen(celery, cwd=folder, env=variables, stdout=log, stderr=log)
        try:
            asked = _run([python, "-c", ASK], folder, variables)
        finally:
            worker.terminate()
            worker.wait(SECONDS)
        answer = '[[{"amount": 123456, "currency": "EUR"}'
        if not asked.startswith(answer) or not asked.rstrip().endswith("], null]"):
            raise Wrong(f"{asked}{(folder / 'log').read_text()[-2000:]}")


def django_tests_problem(_: Realm, settings: Mapping[str, str]) -> None:
    """The tests of the Django project, by its own runner."""
    with _folder() as folder:
        write(page.program("Django"), folder)
        python = str(PACKAGES.python)
        _run([python, "manage.py", "test"], folder, environ({**settings, "DATA_FOLDER": "."}))
        made = _run([python, "manage.py", "makemigrations", "--dry-run"], folder, environ(settings))
        if "No changes detected" not in made:
            raise Wrong(f"the model has no migration: {made}")


def chromium_problem(
    framework: str, form_posts: Sequence[bool], realm: Realm, settings: Mapping[str, str]
) -> None:
    """A user in a real browser, with each way of a callback."""
    chromium = _chromium()
    folder = _screenshots(framework)
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=example.com", "-keyout", "key.pem", "-out", "cert.pem"]
    _run([*openssl, *subject], folder, environ({}))
    attributes = {"post.logout.redirect.uris": "https://example.com/"}
    realm.order("settings", {"client": settings["SIPGATE_CLIENT_ID"], "attributes": attributes})
    for form_post in form_posts:
        with running(framework, form_post, settings, where="chromium") as port:
            user = ["node", str(HERE / "chromium.mjs"), str(port), str(folder), chromium]
            _run(user, folder, environ({"MODULES": str(BROWSER.modules)}))


def command_line_problem(_: Realm, settings: Mapping[str, str]) -> None:
    """The page in the browser after a login that a command line began, and after a denied one."""
    chromium = _chromium()
    folder = _screenshots("command-line")
    consent = {
        "SIPGATE_CLIENT_ID": "3000003-0-consent:third-party",
        "SIPGATE_CLIENT_SECRET": "consent-secret",
    }
    for name, changes, code, expected in (
        ("logged-in", {}, 0, "You are logged in"),
        ("denied", consent, 6, "You are not logged in"),
    ):
        seen = folder / f"{name}.txt"
        seen.unlink(missing_ok=True)
        browser = ["node", str(HERE / "loopback.mjs"), str(folder), name, chromium, "%s"]
        variables = environ({**settings, **changes, "BROWSER": " ".join(browser)})
        variables |= {
            "MODULES": str(BROWSER.modules),
            "SIPGATE_REDIRECT_URI": "http://127.0.0.1/cb",
        }
        login = [str(DEBUG / "sipgate-oauth2"), "login", "--scope", "openid", "--timeout", "120"]
        done = subprocess.run(
            login, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        # The program does not wait for the browser.
        end = time.monotonic() + SECONDS
        while not seen.exists() and time.monotonic() < end:
            time.sleep(0.1)
        text = seen.read_text() if seen.exists() else "nothing"
        if done.returncode != code or not text.startswith(expected):
            raise Wrong(f"{name}: {done.returncode}, {done.stderr}, the page has {text!r}")


IN_CHROMIUM: Mapping[str, Sequence[bool]] = {
    "Flask": (False, True),
    "FastAPI": (False,),
    "Django": (False,),
    "Express": (False,),
    "Next.js": (False,),
    "axum": (False,),
}
# What has no pages, or needs more than a visitor for them.
OTHERS: Mapping[str, Callable[[Realm, Mapping[str, str]], None]] = {
    "Celery": celery_problem,
    "Django tests": django_tests_problem,
    **{
        f"{name} in Chromium": functools.partial(chromium_problem, name, form_posts)
        for name, form_posts in IN_CHROMIUM.items()
    },
    "Command line in Chromium": command_line_problem,
}


def _chromium() -> str:
    """The browser's program, and the library that drives it."""
    with INSTALLING:
        BROWSER.install()
        if shutil.which("chromium") is None:
            debian.install(["chromium"])
    return shutil.which("chromium") or "chromium"


def _screenshots(name: str) -> Path:
    folder = BROWSER.folder / "screenshots" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=SECONDS
    )
    if done.returncode:
        raise Wrong(f"{done.stdout}{done.stderr}"[-3000:])
    return done.stdout


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
