"""One language's shim as a child process: calls overlap, and all its output is kept."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from driver.programs import ROOT, environment

STOP_SECONDS = 10

Reply = dict[str, Any]


class ShimBroken(Exception):
    """The shim exited, hangs or writes something that is not a reply: it must be restarted."""


@dataclass(frozen=True)
class Said:
    """A line of a shim's output, and the case that it belongs to, if known."""

    case: str
    stream: str
    line: str


class Shim:
    """Starts the process at the first call, and again after it has exited."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
    ) -> None:
        self.said: list[Said] = []
        self.case = ""
        self._command = command
        self._environment = environment or {}
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._ids = itertools.count(1)
        self._replies: dict[int, queue.Queue[Reply | None]] = {}
        self._readers: list[threading.Thread] = []

    @property
    def process_id(self) -> int | None:
        """None before the first call and after the process has exited."""
        return None if self._process is None else self._process.pid

    def start(self, op: str, args: Mapping[str, Any]) -> int:
        """Starts a call and returns its number."""
        process = self._process or self._spawn()
        number = next(self._ids)
        self._replies[number] = queue.Queue()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"id": number, "op": op, "args": args}) + "\n")
            process.stdin.flush()
        except OSError as error:
            raise ShimBroken(f"the shim ended before {op}{self._ending()}") from error
        return number

    def finish(self, number: int, limit: float) -> Reply:
        """The reply to a call. `limit` is long enough to tell a hanging shim from a slow one."""
        try:
            reply = self._replies[number].get(timeout=limit)
        except queue.Empty:
            raise ShimBroken(f"the shim did not reply within {limit} s") from None
        if reply is None:
            raise ShimBroken(f"the shim ended during a call{self._ending()}")
        return reply

    def stop(self) -> None:
        """Ends the process. After this, `said` is complete."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the process at once, even during a call."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for reader in self._readers:
            reader.join(STOP_SECONDS)
        self._readers.clear()

    def _spawn(self) -> subprocess.Popen[str]:
        try:
            process = subprocess.Popen(
                list(self._command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="backslashreplace",
                cwd=self._folder,
                env={**_clean_environment(), **self._environment},
                start_new_session=True,
                # Signals that Python ignores remain ignored: a write beyond the size limit fails
                # instead of ending the process.
                restore_signals=False,
            )
        except OSError as error:
            raise ShimBroken(f"cannot start {self._command[0]}: {error.strerror}") from error
        self._process = process
        for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            assert stream is not None
            reader = threading.Thread(target=self._read, args=(stream, name), daemon=True)
            reader.start()
            self._readers.append(reader)
        return process

    def _read(self, stream: IO[str], name: str) -> None:
        with stream:
            for line in stream:
                self.said.append(Said(self.case, name, line.rstrip("\n")))
                if name == "stdout":
                    self._deliver(line)
        if name == "stdout":
            for waiting in list(self._replies.values()):
                waiting.put(None)

    def _deliver(self, line: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            reply = json.loads(line)
            self._replies[reply["id"]].put(reply)

    def _ending(self) -> str:
        """How the process ended, and its last lines on standard error."""
        if self._process is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        words = [said.line for said in self.said if said.stream == "stderr"][-20:]
        return "".join(
            [f" (status {self._process.returncode})", *(f"\n      {line}" for line in words)]
        )


# A browser in which anna logs in.
BROWSER = {
    "BROWSER": f"{sys.executable} {ROOT / 'tests' / 'driver' / 'browser.py'} --visit %s",
    "DEMO_PASSWORD": "anna-pw",
}


def _clean_environment() -> dict[str, str]:
    """The environment without this machine's proxies and client settings: cases set their own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SIPGATE_") and not name.lower().endswith("_proxy")
    }
    return {**kept, **BROWSER, **environment()}
