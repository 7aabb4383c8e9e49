"""The page's code as running applications, in each framework and variant."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.programs import DEBUG, ROOT, environment

from . import page
from .installed import PACKAGES

HERE = ROOT / "tests" / "signing_in"
START_SECONDS = 120
STOP_SECONDS = 10

HOME_HTML = """\
{{ claims.email|default:claims.sub }}
<form method="post" action="/logout">{% csrf_token %}<button>Log out</button></form>
"""
DJANGO_SETTINGS = """
import os
SECRET_KEY = os.environ["SESSION_SECRET"]
ALLOWED_HOSTS = ["*"]
CSRF_TRUSTED_ORIGINS = ["https://example.com"]
ROOT_URLCONF = "urls"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = os.environ["SESSION_FOLDER"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["."]}]
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
    text = page.code(framework)
    if form_post:
        text = page.with_form_post(framework, text)
    python, node = str(PACKAGES.python), "node"
    if framework == "Flask":
        command = [python, "-m", "flask", "run", "--port", str(port)]
        return Application({"app.py": text}, command)
    if framework == "FastAPI":
        command = [
            python,
            "-m",
            "uvicorn",
            "app:app",
            "--log-level",
            "warning",
            "--port",
            str(port),
        ]
        return Application({"app.py": text}, command)
    if framework == "Django":
        files = page.files(text, "urls.py")
        files["settings.py"] += DJANGO_SETTINGS
        command = [python, "-m", "django", "runserver", "--noreload", "--settings", "settings"]
        return Application({**files, "home.html": HOME_HTML}, [*command, str(port)])
    if framework in ("Express", "Fastify"):
        return Application({"app.mjs": text}, [node, "app.mjs"])
    if framework == "Next.js":
        files = page.files(text, "unused")
        files |= {"next.config.mjs": NEXT_CONFIG, "package.json": '{"type": "module"}'}
        program = str(PACKAGES.modules / "next" / "dist" / "bin" / "next")
        return Application(files, [node, program, "dev", "--port", str(port)])
    if framework == "axum":
        program = str(DEBUG / "signing-in-axum")
        return Application({}, [program, "form_post" if form_post else "query"])
    if framework == "C":
        compiled = _compiled(text, folder)
        same_site = "None" if form_post else "Lax"
        command = [sys.executable, str(HERE / "web_server.py"), compiled, str(port), same_site]
        return Application({}, command)
    raise SystemExit(f"there is no framework {framework!r}")


def _compiled(text: str, folder: Path) -> str:
    block, program = folder / "block.inc", folder / "program"
    block.write_text(text)
    library = DEBUG / (
        "libsipgate_oauth2.dylib" if sys.platform == "darwin" else "libsipgate_oauth2.so"
    )
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-O1", "-Wall", "-Wextra", "-Wpedantic"]
    sources = ["-Werror", f"-I{ROOT / 'include'}", f'-DBLOCK="{block}"', str(HERE / "c" / "main.c")]
    link = ["-o", str(program), str(library), f"-Wl,-rpath,{DEBUG}"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, *sources, *link], check=True)
    return str(program)


@contextlib.contextmanager
def running(framework: str, form_post: bool, settings: Mapping[str, str]) -> Iterator[int]:
    """Starts the application, and yields its port. It logs to a file in its folder."""
    variant = f"{framework}-form_post" if form_post else framework
    folder = PACKAGES.folder / "running" / variant.replace(".", "_")
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    application = prepare(framework, form_post, folder, port)
    for name, text in application.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    sessions = folder / "sessions"
    sessions.mkdir(exist_ok=True)
    environ = {
        **os.environ,
        **environment(),
        **settings,
        "PORT": str(port),
        "SESSION_FOLDER": str(sessions),
        "SESSION_SECRET": "a-secret-of-more-than-32-characters",
        "NEXT_TELEMETRY_DISABLED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            list(application.command), cwd=folder, env=environ, stdout=output, stderr=output
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
    variant = f"{framework}-form_post" if form_post else framework
    log = PACKAGES.folder / "running" / variant.replace(".", "_") / "log"
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it does not start: {log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"it does not listen after {START_SECONDS} s")
