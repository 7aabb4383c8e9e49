"""A machine of its own for the network: a Linux network namespace with one cable to this one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence

from driver.installed import Missing
from fleet.installed import program

# Runs inside: makes a listening socket, and hands it out over its standard input.
LISTENS = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
socket.send_fds(socket.socket(fileno=0), [b"x"], [listening.fileno()])
"""


class Machine:
    """Sees this machine at `here`, and nothing else of it."""

    def __init__(self, number: int) -> None:
        self.name = f"fleet-{os.getpid()}-{number}"
        self.here = f"10.213.{number}.1"
        self._there = f"10.213.{number}.2"
        self._cable = f"fl{os.getpid() % 100_000}-{number}"

    @property
    def under(self) -> Sequence[str]:
        """What precedes the command of a process on it."""
        return ["ip", "netns", "exec", self.name]

    def listening(self, port: int) -> socket.socket:
        """A socket that listens on the machine's loopback address, for this process."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            command = [*self.under, sys.executable, "-c", LISTENS, str(port)]
            subprocess.run(command, stdin=theirs.fileno(), check=True)
            _, (listening, *_), _, _ = socket.recv_fds(ours, 1, 1)
        return socket.socket(fileno=listening)

    def lose(self, percent: int) -> None:
        """Loses so many of a hundred packets that arrive at either end of the cable."""
        for under, device in (([], self._cable), (self.under, "cable")):
            rules = f"""table ip {self.name} {{
                chain arriving {{
                    type filter hook prerouting priority raw
                    iifname "{device}" numgen random mod 100 < {percent} counter drop
                }}
            }}"""
            command = [*under, _nft(), "-f", "-"]
            done = subprocess.run(command, input=rules, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Missing(f"nft: {done.stderr.strip()}")

    def lost(self) -> int:
        """How many packets were lost so far."""
        listing = [_nft(), "list", "table", "ip", self.name]
        ends = [_output(*under, *listing) for under in ([], self.under)]
        return sum(
            int(count) for end in ends for count in re.findall(r"counter packets (\d+)", end)
        )

    def pull(self) -> None:
        """Pulls the cable out: packets are lost, and nobody is told."""
        _run("ip", "link", "set", self._cable, "down")

    def plug(self) -> None:
        _run("ip", "link", "set", self._cable, "up")

    @contextlib.contextmanager
    def running(self) -> Iterator[Machine]:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise Missing("network namespaces need root and the program ip")
        if not _succeeds(["ip", "netns", "add", self.name]):
            raise Missing("this system makes no network namespaces")
        try:
            peer = ["peer", "name", "cable", "netns", self.name]
            _run("ip", "link", "add", self._cable, "type", "veth", *peer)
            _run("ip", "addr", "add", f"{self.here}/30", "dev", self._cable)
            _run("ip", "-n", self.name, "addr", "add", f"{self._there}/30", "dev", "cable")
            for link in (["-n", self.name, "link", "set", "lo"], ["link", "set", self._cable]):
                _run("ip", *link, "up")
            _run("ip", "-n", self.name, "link", "set", "cable", "up")
            yield self
        finally:
            # Its end of the cable goes with it, and then ours.
            _succeeds(["ip", "netns", "del", self.name])
            with contextlib.suppress(Missing):
                _succeeds([_nft(), "delete", "table", "ip", self.name])


def _nft() -> str:
    return str(program("nft", "nftables"))


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
