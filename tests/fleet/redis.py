"""Redis and Valkey, replicas of them, and Sentinels that watch them."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleet.certificate import Certificate
from fleet.installed import NOBODY
from fleet.resp import Connection, RespError, Value, ask, connected
from fleet.server import Server, ServerBroken, free_port

ADMIN_PASSWORD = "fleet-pw"
APP = "app"
PASSWORD = "app-pw"
# What an application may do; docs/fleets.md says the same.
RIGHTS = (
    "~sipgate-oauth2:* +eval +hmget +hset +persist +expireat +get +set +scan +info +waitaof "
    "+config|get"
)
# What names of keys start with.
PREFIX = "sipgate-oauth2:"
# With no rights but these.
GUEST = "guest"
GUEST_RIGHTS = "~sipgate-oauth2:* +info +config|get"
SENTINELS = 3
SENTINEL_NAME = "fleet"
SEEN_SECONDS = 30.0


class Redis(Server):
    """`options` are lines of its configuration."""

    rights = RIGHTS

    def __init__(
        self,
        name: str,
        server: Path,
        folder: Path,
        *options: str,
        certificate: Certificate | None = None,
    ) -> None:
        """With a certificate, other machines can connect to it."""
        super().__init__(name, folder)
        self.program = server
        self._certificate = certificate
        self.tls_port = free_port()
        self._configuration = folder / "server.conf"
        self._configuration.write_text("\n".join([*self._lines(), *options, ""]))
        if os.geteuid() == 0:
            shutil.chown(self._configuration, NOBODY, NOBODY)

    @property
    def url(self) -> str:
        return self.url_of(APP)

    @property
    def administrator_url(self) -> str:
        """For a store with any prefix."""
        return self.url_of("default", ADMIN_PASSWORD)

    def url_at(self, address: str, port: int) -> str:
        """From another machine, with TLS."""
        return f"rediss://{APP}:{PASSWORD}@{address}:{port}/0"

    def url_of(self, user: str, password: str = PASSWORD, port: int | None = None) -> str:
        return f"redis://{user}:{password}@127.0.0.1:{port or self.port}/0"

    def command(self) -> Sequence[str]:
        return [str(self.program), str(self._configuration)]

    def is_ready(self) -> bool:
        try:
            return self.ask("PING") == "PONG"
        except (OSError, RespError):
            return False

    def ask(self, *command: str) -> Value:
        """The reply to a command of the administrator."""
        return ask(self.port, ADMIN_PASSWORD, *command)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Of the administrator, kept open: it counts when connections are limited."""
        with connected(self.port, ADMIN_PASSWORD) as connection:
            yield connection

    def set(self, option: str, value: str) -> None:
        self.ask("CONFIG", "SET", option, value)

    def disconnect_all(self) -> None:
        """Ends the connections of the application."""
        self.ask("CLIENT", "KILL", "USER", APP)

    def another(self, name: str, folder: Path) -> Redis:
        """An empty server of the same kind; it does not run yet."""
        return Redis(name, self.program, folder)

    def sentinel(self, folder: Path) -> Sentinel:
        """One that watches this server; it does not run yet."""
        return Sentinel(f"{self.name}'s Sentinel", folder, self)

    def replica(self, folder: Path) -> Redis:
        """A replica of this server; it does not run yet."""
        lines = (f"replicaof 127.0.0.1 {self.port}", f"masterauth {ADMIN_PASSWORD}")
        return Redis(f"{self.name}'s replica", self.program, folder, *lines)

    def await_replica(self) -> None:
        """Returns once a replica has all that this server has."""
        end = time.monotonic() + SEEN_SECONDS
        while "state=online" not in str(self.ask("INFO", "replication")):
            if time.monotonic() > end:
                raise ServerBroken(f"{self.name} has no replica")
            time.sleep(0.1)

    def _lines(self) -> list[str]:
        rights = self.rights
        if "valkey" not in self.program.name:
            # Redis 7.0 does not know it, and refuses to start with it.
            rights = rights.replace(" +waitaof", "")
        tls = []
        if self._certificate is not None:
            tls = [
                f"tls-port {self.tls_port}",
                f"tls-cert-file {self._certificate.chain}",
                f"tls-key-file {self._certificate.key}",
                f"tls-ca-cert-file {self._certificate.authority}",
                "tls-auth-clients no",
            ]
        return [
            f"port {self.port}",
            "bind 0.0.0.0" if tls else "bind 127.0.0.1",
            *tls,
            f"dir {self.folder}",
            "appendonly yes",
            "appendfsync always",
            'save ""',
            f"user default on >{ADMIN_PASSWORD} ~* &* +@all",
            f"user {APP} on >{PASSWORD} {rights}",
            f"user {GUEST} on >{PASSWORD} {GUEST_RIGHTS}",
        ]


class Sentinel(Server):
    """One of the processes that choose another primary."""

    def __init__(self, name: str, folder: Path, primary: Redis) -> None:
        super().__init__(name, folder)
        self._program = primary.program
        self._configuration = folder / "sentinel.conf"
        self._configuration.write_text(
            f"""port {self.port}
bind 127.0.0.1
dir {folder}
sentinel monitor {SENTINEL_NAME} 127.0.0.1 {primary.port} 2
sentinel auth-pass {SENTINEL_NAME} {ADMIN_PASSWORD}
sentinel down-after-milliseconds {SENTINEL_NAME} 2000
sentinel failover-timeout {SENTINEL_NAME} 10000
"""
        )
        if os.geteuid() == 0:
            shutil.chown(self._configuration, NOBODY, NOBODY)

    def command(self) -> Sequence[str]:
        return [str(self._program), str(self._configuration), "--sentinel"]

    def is_ready(self) -> bool:
        try:
            return ask(self.port, None, "PING") == "PONG"
        except (OSError, RespError):
            return False

    def sees_all(self) -> bool:
        """Whether it knows the replica and the other Sentinels."""
        found = str(ask(self.port, None, "SENTINEL", "MASTER", SENTINEL_NAME))
        return f"'num-other-sentinels', '{SENTINELS - 1}'" in found and "'num-slaves', '1'" in found
