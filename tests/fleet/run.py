"""Stores for fleets on real servers: the kit, all languages together, contention, every failure.

Starts PostgreSQL, pgbouncer, Redis, Valkey and a cluster by itself. The short form takes minutes.
`--long` tests every failure in every language, contends for longer, and does so between machines.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.programs import ROOT
from driver.shims import SHIMS
from fleet import failures
from fleet.cluster import Cluster
from fleet.contention import SECONDS, contention
from fleet.conversation import conversations
from fleet.machines import between_machines
from fleet.own_drivers import own_drivers
from fleet.redis import Redis
from fleet.server import Server
from fleet.servers import ALL, CLUSTER, SERVERS, running

# Contention is the same on both versions of a server.
CONTENDED = ("postgres-18", "pgbouncer", "valkey")
LANGUAGES = tuple(SHIMS)
# What the kit says if it has not understood which server to use.
NOTHING = "NOTHING WAS TESTED"


def kit(servers: Mapping[str, Server]) -> Iterator[str]:
    """The core's own tests of its stores, which any custom store can pass too."""
    for name, server in servers.items():
        kind, url = "postgres", server.url
        if isinstance(server, (Redis, Cluster)):
            kind, url = "redis", server.administrator_url
        environment = {**os.environ, f"SIPGATE_TEST_{kind.upper()}": url}
        command = [
            "cargo",
            "test",
            "--quiet",
            "-p",
            "sipgate-oauth2",
            "--test",
            kind,
            "--",
            "--nocapture",
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        passed = done.returncode == 0 and NOTHING not in done.stdout + done.stderr
        print(f"kit on {name}: {'passed' if passed else 'FAILED'}", flush=True)
        if not passed:
            yield f"kit on {name}: {done.stdout[-4000:]}{done.stderr[-2000:]}"


@dataclass(frozen=True)
class Extent:
    """How much is tested."""

    conversing: Sequence[str]
    kills: int
    # Seconds for each server.
    contention: float
    contended: Sequence[str]
    failing: Sequence[str]
    languages_per_failure: int
    between_machines: bool


# It restarts slowly: six nodes have to agree again.
QUICK = tuple(name for name in ALL if name != CLUSTER)
SHORT = Extent(QUICK, 1, SECONDS, CONTENDED, ("postgres-18", "valkey"), failures.LANGUAGES, False)
LONG = Extent(ALL, 10, 120, ALL, tuple(SERVERS), len(LANGUAGES), True)


def problems(extent: Extent) -> Iterator[str]:
    with running() as fleet:
        yield from fleet.problems()
        yield from kit(fleet.servers)
        yield from own_drivers(fleet.servers)
        conversing = {name: at for name, at in fleet.servers.items() if name in extent.conversing}
        yield from conversations(conversing, LANGUAGES, kills=extent.kills)
        contended = {name: at for name, at in fleet.servers.items() if name in extent.contended}
        yield from contention(contended, LANGUAGES, seconds=extent.contention)
    if extent.between_machines:
        yield from between_machines(LANGUAGES)
    yield from failures.failures(extent.failing, LANGUAGES, extent.languages_per_failure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    found = list(problems(LONG if options.long else SHORT))
    for problem in found:
        print(f"FAILED: {problem}")
    print(f"fleet: {len(found)} problems, {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
