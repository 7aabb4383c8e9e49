"""Drives the main-job programs of `examples/`: starts them, logs in for them, shows their output.

As a module:  ``run_main_job("python", ["python3", "main_job.py"], server, login)``.
As a command: ``python3 main_job.py --programs '{"python": ["python3", "main_job.py"]}' …``; the
client secret and the user's password are read from the environment (`SIPGATE_CLIENT_SECRET`,
`DEMO_PASSWORD`), never from the arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.browser import Browser, BrowserError

STEPS = ("authorize", "callback", "tokens", "api", "expired", "refresh", "api", "done")
LIMIT_SECONDS = 180.0
JWT = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}(\.[\w-]+)?")


@dataclass(frozen=True)
class Server:
    """Where the program logs in, and the API that it calls."""

    base_url: str
    realm: str
    api_url: str
    ca_file: str | None = None


@dataclass(frozen=True)
class Login:
    """The client, and the user at the browser."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    language: str
    problem: str | None
    steps: Mapping[str, str]
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.problem is None


def run_main_job(
    language: str,
    command: Sequence[str],
    server: Server,
    login: Login,
    *,
    limit: float = LIMIT_SECONDS,
    say: Callable[[str], None] = lambda line: print(line, flush=True),
    cwd: str | Path | None = None,
    browser: Browser | None = None,
) -> Outcome:
    """Runs one program until it exits; passes each line of its output to `say`."""
    started = time.monotonic()
    steps: dict[str, str] = {}

    def outcome(problem: str | None) -> Outcome:
        return Outcome(language, problem, steps, time.monotonic() - started)

    try:
        program = _Program(command, _environment(server, login), cwd)
    except OSError as error:
        return outcome(f"cannot start {command[0]}: {error.strerror}")
    secrets = _Secrets([login.client_secret, login.password])
    browser = browser or Browser(login.user, login.password, ca_file=server.ca_file)
    seen: list[str] = []
    leaked = False
    last_error = ""
    try:
        while (line := program.next_line(started + limit)) is not None:
            shown = secrets.redact(line.text)
            leaked |= shown != line.text
            say(f"{language:>8} | {shown}")
            if line.is_error:
                last_error = (
                    shown if not last_error or line.text.startswith("error:") else last_error
                )
                continue
            step, _, text = shown.partition(": ")
            seen.append(step)
            steps[step] = text
            if step == "authorize":
                callback = browser.log_in(text)
                secrets.add(*parse_qs(urlsplit(callback).query).get("code", []))
                program.write_line(callback)
        status = program.status(started + limit)
    except _LimitReached:
        return outcome(
            f"still running after {limit:.0f} s, last step: {seen[-1] if seen else 'none'}"
        )
    except BrowserError as error:
        return outcome(f"the login page: {error}")
    finally:
        program.kill()

    if leaked:
        return outcome("printed a secret")
    if status != 0:
        return outcome(last_error or f"exit status {status} without a message")
    if tuple(seen) != STEPS:
        return outcome(f"steps were {' '.join(seen)}, expected {' '.join(STEPS)}")
    return outcome(None)


def run_all(
    programs: Mapping[str, Sequence[str]],
    server: Server,
    login: Login,
    *,
    limit: float = LIMIT_SECONDS,
    cwd: str | Path | None = None,
) -> list[Outcome]:
    """Runs one program after the other, so that their output does not mix."""
    return [
        run_main_job(language, command, server, login, limit=limit, cwd=cwd)
        for language, command in programs.items()
    ]


def table(outcomes: Sequence[Outcome]) -> str:
    """A line per language."""
    return "\n".join(
        f"{outcome.language:<8} {'ok' if outcome.succeeded else 'FAILED':<7} "
        f"{outcome.seconds:5.1f} s  {outcome.problem or outcome.steps.get('done', '')}"
        for outcome in outcomes
    )


@dataclass(frozen=True)
class _Line:
    text: str
    is_error: bool


class _LimitReached(Exception):
    pass


class _Program:
    """A child process in its own process group, with both outputs read as one stream of lines."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: str | Path | None
    ) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=cwd,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        self._stdin = stdin
        self._lines: queue.Queue[_Line | None] = queue.Queue()
        self._open_outputs = 2
        for output, is_error in ((stdout, False), (stderr, True)):
            threading.Thread(target=self._read, args=(output, is_error), daemon=True).start()

    def next_line(self, deadline: float) -> _Line | None:
        """The next line, or None once both outputs are closed."""
        while self._open_outputs:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise _LimitReached from None
            if line is not None:
                return line
            self._open_outputs -= 1
        return None

    def write_line(self, line: str) -> None:
        """Writes the line that the program waits for.

        Ignores errors: if the program has exited, its own message says more.
        """
        with contextlib.suppress(OSError):
            self._stdin.write(line + "\n")
            self._stdin.close()

    def status(self, deadline: float) -> int:
        try:
            return self._process.wait(timeout=max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _LimitReached from None

    def kill(self) -> None:
        """Kills the rest of the group, including children that outlived the program."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self, output: IO[str], is_error: bool) -> None:
        with output:
            for line in output:
                self._lines.put(_Line(line.rstrip("\r\n"), is_error))
        self._lines.put(None)


class _Secrets:
    """What must not be shown, raw or percent-encoded, including anything that looks like a JWT."""

    def __init__(self, values: Sequence[str]) -> None:
        self._values: set[str] = set()
        self.add(*values)

    def add(self, *values: str) -> None:
        for value in filter(None, values):
            self._values |= {value, quote(value, safe=""), quote_plus(value)}

    def redact(self, text: str) -> str:
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "[redacted]")
        return JWT.sub("[redacted]", text)


def _environment(server: Server, login: Login) -> dict[str, str]:
    environment = dict(os.environ)
    environment.update(
        DEMO_BASE_URL=server.base_url,
        DEMO_REALM=server.realm,
        DEMO_API_URL=server.api_url,
        SIPGATE_CLIENT_ID=login.client_id,
        SIPGATE_CLIENT_SECRET=login.client_secret,
        SIPGATE_REDIRECT_URI=login.redirect_uri,
        # Requests to loopback must not go through the machine's proxy.
        NO_PROXY="localhost,127.0.0.1",
        no_proxy="localhost,127.0.0.1",
    )
    environment.pop("DEMO_CA_FILE", None)
    environment.pop("DEMO_PASSWORD", None)
    if server.ca_file is not None:
        environment["DEMO_CA_FILE"] = server.ca_file
        # Node's own fetch reads certificates only from here.
        environment["NODE_EXTRA_CA_CERTS"] = server.ca_file
    return environment


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the main-job programs against a server.")
    parser.add_argument(
        "--programs", required=True, help="JSON object: language → command as a list of strings"
    )
    parser.add_argument("--base-url", required=True, help="e.g. http://127.0.0.1:8080/auth")
    parser.add_argument("--realm", default="third-party")
    parser.add_argument("--api-url", required=True, help="e.g. http://127.0.0.1:8080/v2/balance")
    parser.add_argument("--ca-file", help="PEM file with the certificate authority to trust")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--redirect-uri", default="http://127.0.0.1:53682/callback")
    parser.add_argument("--user", default="anna")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds per program")
    options = parser.parse_args()
    for name in ("SIPGATE_CLIENT_SECRET", "DEMO_PASSWORD"):
        if name not in os.environ:
            parser.error(f"the environment variable {name} is not set")

    server = Server(options.base_url, options.realm, options.api_url, options.ca_file)
    login = Login(
        options.client_id,
        os.environ["SIPGATE_CLIENT_SECRET"],
        options.redirect_uri,
        options.user,
        os.environ["DEMO_PASSWORD"],
    )
    outcomes = run_all(json.loads(options.programs), server, login, limit=options.limit)
    print(table(outcomes))
    return 0 if all(outcome.succeeded for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
