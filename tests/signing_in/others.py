"""Programs that no visitor can try: a worker in the background, tests of an application."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from behaviour.runner.realm import Realm
from driver import debian

from . import page
from .applications import environ, running, write
from .installed import BROWSER, PACKAGES
from .visitor import Wrong

SECONDS = 120
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


def chromium_problem(realm: Realm, settings: Mapping[str, str]) -> None:
    """A user in a real browser, with both ways of a callback."""
    chromium = shutil.which("chromium")
    if chromium is None:
        debian.install(["chromium"])
        chromium = "chromium"
    BROWSER.install()
    folder = BROWSER.folder / "screenshots"
    folder.mkdir(exist_ok=True)
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=example.com", "-keyout", "key.pem", "-out", "cert.pem"]
    _run([*openssl, *subject], folder, environ({}))
    attributes = {"post.logout.redirect.uris": "https://example.com/"}
    realm.order("settings", {"client": settings["SIPGATE_CLIENT_ID"], "attributes": attributes})
    user = [str(Path(__file__).with_name("chromium.mjs"))]
    for form_post in (False, True):
        with running("Flask", form_post, settings) as port:
            arguments = [str(port), str(folder), chromium]
            _run(["node", *user, *arguments], folder, environ({"MODULES": str(BROWSER.modules)}))


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
