"""The commands of an administrator of Redis or Valkey."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import BinaryIO

SECONDS = 10.0

Value = str | int | None | list["Value"]


class RespError(Exception):
    """The server refused the command."""


class Connection:
    """Sends one command at a time."""

    def __init__(self, connection: socket.socket, replies: BinaryIO) -> None:
        self._connection = connection
        self._replies = replies

    def ask(self, *command: str) -> Value:
        parts = [part.encode("utf-8", "surrogateescape") for part in command]
        lines = [f"*{len(parts)}\r\n".encode()]
        lines += [b"$%d\r\n%s\r\n" % (len(part), part) for part in parts]
        self._connection.sendall(b"".join(lines))
        return self._reply()

    def _reply(self) -> Value:
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise RespError("the connection ended")
        kind, rest = line[:1], line[1:-2].decode("utf-8", "surrogateescape")
        if kind == b"-":
            raise RespError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == "-1":
                return None
            return self._replies.read(int(rest) + 2)[:-2].decode("utf-8", "surrogateescape")
        if kind == b"*":
            return None if rest == "-1" else [self._reply() for _ in range(int(rest))]
        return rest


@contextlib.contextmanager
def connected(port: int, password: str | None) -> Iterator[Connection]:
    with (
        socket.create_connection(("127.0.0.1", port), SECONDS) as opened,
        opened.makefile("rb") as replies,
    ):
        connection = Connection(opened, replies)
        if password is not None:
            connection.ask("AUTH", password)
        yield connection


def ask(port: int, password: str | None, *command: str) -> Value:
    """The reply to one command, over a connection of its own."""
    with connected(port, password) as connection:
        return connection.ask(*command)
