"""One language's shim of the behaviour suite as a child process: a JSON line per call and reply."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from driver.programs import environment

CALL_SECONDS = 60
STOP_SECONDS = 10
OK = "ok"


@dataclass(frozen=True)
class Reply:
    """The result of a call: members, or an error with its members."""

    members: Mapping[str, object]
    error: Mapping[str, object] | None

    @property
    def outcome(self) -> str:
        """`ok`, or the error's code."""
        return OK if self.error is None else str(self.error["code"])

    def text(self, name: str) -> str:
        """A member that the next step needs; raises if there is an error instead."""
        if self.error is not None:
            raise LookupError(f"{self.error['code']}: {self.error['message']}")
        return str(self.members[name])


class ShimEnded(Exception):
    """The shim process has exited."""


class Shim:
    """Makes one call at a time, so each line from the shim is the reply to the last line sent."""

    def __init__(self, process: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.process = process
        self._stdin = stdin
        self._lines: queue.Queue[str] = queue.Queue()
        self._calls = 0
        threading.Thread(target=self._read, args=(stdout,), daemon=True).start()

    def call(self, op: str, **args: object) -> Reply:
        self._calls += 1
        present = {name: value for name, value in args.items() if value is not None}
        try:
            self._stdin.write(json.dumps({"id": self._calls, "op": op, "args": present}) + "\n")
            self._stdin.flush()
        except OSError as error:
            raise ShimEnded(f"the shim exited before {op}") from error
        try:
            line = self._lines.get(timeout=CALL_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"no reply to {op} after {CALL_SECONDS} s") from None
        if not line:
            raise ShimEnded(f"the shim exited during {op}")
        reply = json.loads(line)
        if reply.get("id") != self._calls or not reply.keys() & {"ok", "error"}:
            raise RuntimeError(f"unexpected reply to {op}: {sorted(reply)}")
        return Reply(reply.get("ok") or {}, reply.get("error"))

    def _read(self, stdout: IO[str]) -> None:
        with stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put("")


@contextlib.contextmanager
def running_shim(command: Sequence[str], cwd: Path) -> Iterator[Shim]:
    # Requests to loopback must not go through the machine's proxy.
    direct = {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=cwd,
            env={**os.environ, **environment(), **direct},
            start_new_session=True,
        )
    except OSError as error:
        raise ShimEnded(f"cannot start {command[0]}: {error.strerror}") from error
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Shim(process.pid, process.stdin, process.stdout)
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
