"""The servers that the tests of fleets run against."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.installed import Missing
from fleet.certificate import Certificate
from fleet.cluster import Cluster
from fleet.installed import (
    postgres_of_debian,
    postgres_of_pypi,
    program,
    valkey_of_pypi,
)
from fleet.postgres import Pgbouncer, Postgres
from fleet.redis import Redis
from fleet.server import Server


def debian_postgres(folder: Path, certificate: Certificate | None = None) -> Postgres:
    programs = postgres_of_debian()
    return Postgres("postgres-debian", programs, folder, certificate=certificate)


def postgres_18(folder: Path) -> Postgres:
    return Postgres("postgres-18", postgres_of_pypi(), folder)


def debian_redis(folder: Path, certificate: Certificate | None = None) -> Redis:
    server = program("redis-server", "redis-server")
    return Redis("redis", server, folder, certificate=certificate)


def valkey(folder: Path) -> Redis:
    return Redis("valkey", valkey_of_pypi(), folder)


SERVERS: Mapping[str, Callable[[Path], Postgres | Redis]] = {
    "postgres-debian": debian_postgres,
    "postgres-18": postgres_18,
    "redis": debian_redis,
    "valkey": valkey,
}
PGBOUNCER = "pgbouncer"
CLUSTER = "cluster"
ALL = (*SERVERS, PGBOUNCER, CLUSTER)
# PyPI has both, so each machine has both.
NEEDED = ("postgres-18", "valkey", CLUSTER)


class Fleet:
    """The servers that run, by name, and those that are missing, with the reason."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self.missing: dict[str, str] = {}

    def problems(self) -> Iterator[str]:
        for name in NEEDED:
            if name in self.missing:
                yield f"{name} did not run: {self.missing[name]}"


@contextlib.contextmanager
def folder_of_servers() -> Iterator[Path]:
    """A temporary folder that the servers' user may enter."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def running(names: Sequence[str] = ALL) -> Iterator[Fleet]:
    """Starts the servers; says which cannot be had."""
    fleet = Fleet()
    with folder_of_servers() as folder, contextlib.ExitStack() as stack:
        for name in names:
            try:
                server = _made(name, folder / name, fleet)
            except Missing as reason:
                fleet.missing[name] = str(reason)
                print(f"{name}: MISSING, {reason}", flush=True)
                continue
            stack.enter_context(server.running())
            fleet.servers[name] = server
        yield fleet


def _made(name: str, folder: Path, fleet: Fleet) -> Server:
    if name == CLUSTER:
        return Cluster(name, valkey_of_pypi(), folder)
    if name != PGBOUNCER:
        return SERVERS[name](folder)
    for behind in fleet.servers.values():
        if isinstance(behind, Postgres):
            return Pgbouncer(name, folder, behind)
    raise Missing("there is no PostgreSQL behind it")


def main() -> int:
    """Starts all, shows their URLs, and keeps them running until interrupted."""
    with running() as fleet:
        for name, server in fleet.servers.items():
            print(f"{name:<16} {server.url}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
