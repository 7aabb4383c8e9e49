"""The contention of tests/chaos on each server: many processes share one login."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import running_realm
from chaos.contention import CALLERS, PROCESSES, Place, fight_at
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS
from fleet.server import Server
from fleet.servers import ALL, running

SECONDS = 20.0


def contention(
    servers: Mapping[str, Server],
    languages: Sequence[str],
    *,
    processes: int = PROCESSES,
    callers: int = CALLERS,
    seconds: float = SECONDS,
) -> list[str]:
    problems = []
    for name, server in servers.items():
        with running_realm(REALM_PROGRAM) as realm:
            fought = fight_at(
                realm,
                places=[Place({"url": server.url})],
                languages=languages,
                processes=processes,
                callers=callers,
                seconds=seconds,
            )
        print(f"contention on {name}: {fought}", flush=True)
        problems += [f"contention on {name}: {problem}" for problem in fought.problems()]
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(ALL))
    parser.add_argument("--languages", default=",".join(SHIMS))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--callers", type=int, default=CALLERS, help="of each process")
    options = parser.parse_args()
    with running(options.servers.split(",")) as fleet:
        problems = contention(
            fleet.servers,
            options.languages.split(","),
            processes=options.processes,
            callers=options.callers,
            seconds=options.seconds,
        )
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
