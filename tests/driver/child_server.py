"""A child process that serves. Its first line says where it is; it exits when its stdin closes."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

STOP_SECONDS = 10


class CannotStart(Exception):
    """The server does not run; the message says why."""


@dataclass(frozen=True)
class ChildServer:
    """What the server said in its first line, and the pipes to it."""

    said: dict[str, Any]
    stdin: IO[str]
    stdout: IO[str]


@contextlib.contextmanager
def running_server(
    command: Sequence[str], *, cwd: str | Path | None = None, first_line: object = None
) -> Iterator[ChildServer]:
    """Starts the server, and sends it `first_line` as JSON if there is one."""
    try:
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    except OSError as problem:
        raise CannotStart(f"{command[0]} cannot be started: {problem.strerror}") from problem
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if first_line is not None:
            process.stdin.write(json.dumps(first_line) + "\n")
            process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise CannotStart(f"{command[0]} exited with status {process.wait()} at its start")
        yield ChildServer(json.loads(line), process.stdin, process.stdout)
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
