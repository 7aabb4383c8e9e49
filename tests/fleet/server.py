"""A database server as child processes of this one, which tests stop, kill and freeze."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleet.installed import NOBODY, unprivileged

START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
# Below the ports of outgoing connections: a client that keeps connecting to a dead port of that
# range connects to itself at some time.
PORTS = range(15000, 32000)


class ServerBroken(Exception):
    """A server does not start or stop; the message has its last output."""


def free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def handed_over(folder: Path) -> Path:
    """The folder, created and owned by the user that the servers run as."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


class Server:
    """Subclasses say which command runs it, and when it is ready."""

    ending = signal.SIGTERM

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = handed_over(folder)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For a store, as a user that may do what the documentation asks for."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Returns once it accepts commands."""
        assert self._process is None, f"{self.name} runs already"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*unprivileged(), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise ServerBroken(f"{self.name} does not start: {self.last_output()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Asks it to end, and returns once it has."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(self.ending)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise ServerBroken(f"{self.name} does not stop: {self.last_output()}") from None

    def kill(self) -> None:
        """Ends all its processes at once, like a power cut of which the disk knows nothing."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stops all its processes; the kernel still accepts connections for it."""
        assert self._process is not None, f"{self.name} does not run"
        _freeze(self._process.pid)

    def thaw(self) -> None:
        assert self._process is not None, f"{self.name} does not run"
        for process_id in [*_children(self._process.pid), self._process.pid]:
            _signal(process_id, signal.SIGCONT)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self.kill()

    def last_output(self) -> str:
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])


def _kill(process: subprocess.Popen[bytes]) -> None:
    # While it is stopped, it makes no further processes.
    for process_id in [*_freeze(process.pid), process.pid]:
        _signal(process_id, signal.SIGKILL)
    process.wait()


def _freeze(process_id: int) -> list[int]:
    """Returns its child processes."""
    _signal(process_id, signal.SIGSTOP)
    children = _children(process_id)
    for child in children:
        _signal(child, signal.SIGSTOP)
    return children


def _children(process_id: int) -> list[int]:
    command = ["ps", "-A", "-o", "pid=,ppid="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = [tuple(map(int, line.split())) for line in lines]
    return [child for child, parent in pairs if parent == process_id]


def _signal(process_id: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, number)
