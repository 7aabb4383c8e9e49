"""Every row of the failure table in docs/fleets.md, on a real server, in several languages."""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import running_realm
from driver.installed import Missing
from driver.programs import REALM_PROGRAM, ROOT
from driver.shims import SHIMS
from fleet import clusters, configurations, losses, outages
from fleet.postgres import Postgres
from fleet.proxy import Proxy
from fleet.redis import Redis
from fleet.scene import Scene
from fleet.servers import SERVERS, Fleet, running

POSTGRES, REDIS = "PostgreSQL", "Redis"
BOTH = (POSTGRES, REDIS)
# How many languages each row is tested in, by default: in turn, so that each language has rows.
LANGUAGES = 2
PAGE = ROOT / "docs" / "fleets.md"


@dataclass(frozen=True)
class Row:
    """`fault` names it in docs/fleets.md."""

    fault: str
    run: Callable[[Scene], Iterator[str]]
    kinds: Sequence[str] = BOTH
    # It waits for minutes, and has a server of its own.
    is_long: bool = False


ROWS = (
    Row("The database restarts", outages.KILLED),
    Row("The database hangs", outages.FROZEN),
    Row("The network goes silent", outages.SILENT),
    Row("The network cuts connections", outages.CUT),
    Row("The network is slow", losses.slow_network),
    Row("The database is read-only", outages.READ_ONLY),
    Row("Too many connections", outages.TOO_MANY),
    Row("The memory is full", outages.MEMORY_FULL, (REDIS,)),
    Row("The disk is full", outages.DISK_FULL, (POSTGRES,)),
    Row("The response to a write is lost", losses.response_lost),
    Row("A failover loses writes that a living process saw", losses.rewound_and_seen),
    Row("A failover loses writes that nobody saw", losses.rewound_and_unseen),
    Row("The database comes back empty", losses.emptied),
    Row("A standby responds, and is promoted", losses.failed_over),
    Row("The primary dies, and Sentinels promote a replica", losses.sentinels_fail_over, (REDIS,)),
    Row("Two primaries accept writes (split brain)", losses.split_brain),
    Row("A slot of a cluster moves", clusters.slot_moves, (REDIS,)),
    Row("A primary of a cluster dies, and its replica is promoted", clusters.fails_over, (REDIS,)),
    Row("The password is wrong", configurations.wrong_password),
    Row("There is no table, and no right to create it", configurations.no_table, (POSTGRES,)),
    Row("A right is missing", configurations.no_right),
    Row("Entries may be evicted", configurations.evicting, (REDIS,)),
    Row("Writes are not kept on disk", configurations.not_on_disk, (REDIS,)),
    Row(
        "An outage longer than the lease, around a commit",
        losses.outlasts_the_lease,
        is_long=True,
    ),
)


@dataclass(frozen=True)
class Tested:
    row: Row
    server: str
    languages: Sequence[str]
    problems: Sequence[str]


def rows_of(server: Postgres | Redis) -> Iterator[Row]:
    kind = POSTGRES if isinstance(server, Postgres) else REDIS
    return (row for row in ROWS if kind in row.kinds)


def test(row: Row, server: Postgres | Redis, languages: Sequence[str]) -> Tested:
    """Each row has a realm of its own, for its counts."""
    problems: list[str] = []
    with ExitStack() as stack:
        realm = stack.enter_context(running_realm(REALM_PROGRAM))
        proxy = stack.enter_context(Proxy(server.port).running())
        try:
            problems += row.run(Scene(realm, server, proxy, languages, stack))
        except Missing as reason:
            print(f"SKIPPED {server.name:<16} {row.fault}, because {reason}", flush=True)
            return Tested(row, server.name, (), problems)
        except Exception:
            problems.append(traceback.format_exc())
    print(
        f"{'ok' if not problems else 'FAILED':<7} {server.name:<16} {row.fault} ({', '.join(languages)})",
        flush=True,
    )
    return Tested(row, server.name, languages, problems)


def lanes(
    fleet: Fleet, spare: Fleet, languages: Sequence[str], count: int, chosen: str
) -> list[list[tuple[Row, Postgres | Redis, Sequence[str]]]]:
    """The rows of one server, one after another; long ones on servers of their own."""
    turns = itertools.cycle(languages)
    found: list[list[tuple[Row, Postgres | Redis, Sequence[str]]]] = []
    for servers, is_long in ((fleet, False), (spare, True)):
        for server in servers.servers.values():
            assert isinstance(server, (Postgres, Redis)), "pgbouncer has no rows of its own"
            rows = [
                row
                for row in rows_of(server)
                if row.is_long == is_long and chosen.lower() in row.fault.lower()
            ]
            found.append([(row, server, list(itertools.islice(turns, count))) for row in rows])
    return [lane for lane in found if lane]


def undocumented() -> Iterator[str]:
    """Rows that docs/fleets.md lacks, and rows there that are not tested."""
    text = PAGE.read_text()
    table = text.partition("## When something fails")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)) - {"fault", "---"}
    tested = {row.fault for row in ROWS}
    for fault in sorted(tested - documented):
        yield f"docs/fleets.md has no row {fault!r}"
    for fault in sorted(documented - tested):
        yield f"docs/fleets.md has a row that is not tested: {fault!r}"


def failures(
    names: Sequence[str], languages: Sequence[str], count: int, chosen: str = ""
) -> list[str]:
    """Tests the rows, and returns the problems."""
    with running(names) as fleet, running(names) as spare:
        found = lanes(fleet, spare, languages, count, chosen)
        with ThreadPoolExecutor(max(len(found), 1)) as pool:
            done = pool.map(lambda lane: [test(*row) for row in lane], found)
            tested = [row for lane in done for row in lane]
    problems = [*undocumented(), *(fleet.problems() if not chosen else ())]
    for row in tested:
        problems += [f"{row.server}, {row.row.fault}: {problem}" for problem in row.problems]
    print(f"failures: {len(tested)} rows, {len(problems)} problems", flush=True)
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--languages", default=",".join(SHIMS))
    parser.add_argument("--each", type=int, default=LANGUAGES, help="languages of each row")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    options = parser.parse_args()
    problems = failures(
        options.servers.split(","), options.languages.split(","), options.each, options.only
    )
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
