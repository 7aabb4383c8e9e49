"""The programs of examples/sign_in as running applications, in each variant."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver import debian
from driver.ports import free_port, listens
from driver.programs import DEBUG, ROOT, environment

from . import page
from .installed import PACKAGES

HERE = ROOT / "tests" / "signing_in"
START_SECONDS = 120
STOP_SECONDS = 10

# The code of docs/logging-in.md for a cookie, in Flask, and what it takes for granted.
SEALED = "Sealed cookie"
BEFORE_SEALED = """
import os
from flask import Flask, redirect, request
from sipgate_oauth2 import AuthorizationRequest, Client, LoginRequiredError

app = Flask(__name__)
client = Client.from_env()

@app.get("/")
def home():
    return "up"

@app.errorhandler(LoginRequiredError)
def failed(error):
    return f'{error.code} <a href="/login">', 400
"""
# Without a root, Next.js looks for a lock file, and packages are installed without one.
NEXT_CONFIG = f"""export default {{
  serverExternalPackages: ['sipgate-oauth2'],
  turbopack: {{ root: {json.dumps(str(PACKAGES.folder))} }},
}}
"""


@dataclass(frozen=True)
class Application:
    files: Mapping[str, str]
    command: Sequence[str]


def prepare(framework: str, form_post: bool, folder: Path, port: int) -> Application:
    """The application's files, and the command that starts it in its folder."""
    files = {} if framework == SEALED else page.program(framework)
    if form_post:
        files = page.with_form_post(framework, files)
    python, node = str(PACKAGES.python), "node"
    if framework == "Flask":
        command = [python, "-m", "flask", "run", "--port", str(port)]
    elif framework == SEALED:
        text = page.code("In a cookie of its own", page.OF_LOGGING_IN)
        files = {"app.py": BEFORE_SEALED + text}
        command = [python, "-m", "flask", "run", "--port", str(port)]
    elif framework == "FastAPI":
        uvicorn = [python, "-m", "uvicorn", "app:app", "--log-level", "warning"]
        command = [*uvicorn, "--port", str(port)]
    elif framework == "Django":
        files = with_any_host(files)
        migrate = f"{shlex.quote(python)} manage.py migrate --verbosity 0"
        serve = f"exec {shlex.quote(python)} manage.py runserver --noreload {port}"
        command = ["sh", "-c", f"{migrate} && {serve}"]
    elif framework in ("Express", "Fastify"):
        command = [node, "app.mjs"]
    elif framework == "Next.js":
        files["next.config.mjs"] = NEXT_CONFIG
        next_js = str(PACKAGES.modules / "next" / "dist" / "bin" / "next")
        command = [node, next_js, "dev", "--port", str(port)]
    elif framework == "axum":
        command = [str(DEBUG / ("signing-in-axum" if form_post else "sign-in-axum"))]
    elif framework == "C":
        compiled = _compiled(files, form_post, folder)
        same_site = "None" if form_post else "Lax"
        command = [sys.executable, str(HERE / "web_server.py"), compiled, str(port), same_site]
    else:
        raise SystemExit(f"there is no framework {framework!r}")
    return Application(files, command)


def with_any_host(files: Mapping[str, str]) -> dict[str, str]:
    """The Django project where the server reaches it by its address."""
    settings = page.replaced(files["settings.py"], "[HOME.hostname]", '["*"]')
    return {**files, "settings.py": settings}


def write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _compiled(files: Mapping[str, str], form_post: bool, folder: Path) -> str:
    """By CMake, with a tree that `bindings-c/install.sh` laid out."""
    if shutil.which("cmake") is None or shutil.which("curl-config") is None:
        debian.install(["cmake", "libcurl4-gnutls-dev"])
    tree, built = folder / "tree", folder / "build"
    write(files, folder)
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    if form_post:
        flags += ["-include", str(HERE / "c" / "form_post.h"), f"-I{tree / 'include'}"]
    configure = ["cmake", "-S", str(folder), "-B", str(built), f"-DCMAKE_PREFIX_PATH={tree}"]
    for command in (
        ["bash", str(ROOT / "bindings-c" / "install.sh"), str(tree), "debug"],
        [*configure, f"-DCMAKE_C_FLAGS={shlex.join(flags)}"],
        ["cmake", "--build", str(built)],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return str(built / "sign_in")


def environ(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of an application."""
    return {
        **os.environ,
        **environment(),
        **settings,
        "COOKIE_KEYS": f"{'ab' * 32},{'cd' * 32}",
        "SESSION_SECRET": "a-secret-of-more-than-32-characters",
        "NEXT_TELEMETRY_DISABLED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextlib.contextmanager
def running(
    framework: str, form_post: bool, settings: Mapping[str, str], where: str = "visited"
) -> Iterator[int]:
    """Starts the application, and yields its port. It logs to a file in its folder, which is one of
    its own for each `where`.
    """
    folder = _folder(framework, form_post, where)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    application = prepare(framework, form_post, folder, port)
    write(application.files, folder)
    sessions = tempfile.mkdtemp(dir=folder)
    variables = {"PORT": str(port), "SESSION_FOLDER": sessions, "DATA_FOLDER": sessions}
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            list(application.command),
            cwd=folder,
            env=environ({**settings, **variables}),
            stdout=output,
            stderr=output,
        )
    try:
        _await(port, process, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log_of(framework: str, form_post: bool) -> str:
    """The end of what the application has logged."""
    log = _folder(framework, form_post, "visited") / "log"
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""


def _folder(framework: str, form_post: bool, where: str) -> Path:
    variant = f"{framework}-form_post" if form_post else framework
    return PACKAGES.folder / where / variant.replace(".", "_")


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it does not start: {log.read_text(errors='replace')[-2000:]}")
        if listens(port):
            return
        time.sleep(0.1)
    raise RuntimeError(f"it does not listen after {START_SECONDS} s")
