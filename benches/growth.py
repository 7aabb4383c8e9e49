"""How many saves and refreshes a second one SQLite store takes, as it grows and is shared:

    python3 benches/growth.py             measures everything, into docs/growth.json
    python3 benches/growth.py --goal      only whether 32 callers save five times as fast as one

The disk is pretended: each sync takes the same time, and nothing is synced (slow_sync.c). So the
figures do not depend on the disk of this machine, but on its processors.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from driver.local_realm import running_local_realm

DATA = ROOT / "docs" / "growth.json"
BINARIES = ROOT / "target" / os.environ.get("PROFILE", "release")
SECONDS = 3.0
# For the logins of one caller, of which the others are copies.
FILL_SECONDS = 0.5
SYNCS_MS = (0.2, 2.0, 10.0)
ACCOUNTS = (1, 1_000, 100_000)
# Processes, and callers in each.
SHARES = ((1, 1), (1, 8), (1, 32), (1, 64), (4, 1), (4, 8), (16, 1), (16, 8))
GOAL = 5.0

# Copies a login without the library: a hundred thousand commits would take long.
FILL = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
INSERT INTO entries (key, version, data, ends)
SELECT lower(hex(randomblob(32))), version, data, ends
FROM number, (SELECT * FROM entries WHERE ends IS NULL LIMIT 1)
"""


@dataclass(frozen=True)
class Point:
    """What was measured, and its figures: those of the slowest process, and the sum of all.

    `refused` is how many processes ended because the store refused an operation, which happens
    after 5 s. The other figures are of those that are left.
    """

    operation: str
    sync_ms: float
    accounts: int
    processes: int
    callers: int
    per_second: float
    median_ms: float
    most_ms: float
    processor_ms: float
    refused: int

    def __str__(self) -> str:
        return (
            f"{self.operation}, sync {self.sync_ms} ms, {self.accounts} accounts, "
            f"{self.processes} processes with {self.callers} callers: {self.per_second:.0f} a second, "
            f"{self.median_ms:.1f} ms, 99th {self.most_ms:.1f} ms, processor {self.processor_ms:.2f} ms each, "
            f"{self.refused} processes refused"
        )


class Bench:
    def __init__(self, folder: Path, realm: str) -> None:
        self._folder = folder
        self._realm = realm
        self._slow_sync = folder / "slow_sync.so"
        source = str(ROOT / "benches" / "slow_sync.c")
        warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
        library = ["-O1", "-shared", "-fPIC", source, "-o", str(self._slow_sync)]
        subprocess.run(["cc", *warnings, *library], check=True)

    def store(self, accounts: int) -> Path:
        """A store of so many logins."""
        path = self._folder / f"{accounts}.db"
        if not path.exists():
            self._run(path, 0.0, 1, 1, FILL_SECONDS, "save")
            with closing(sqlite3.connect(path)) as database, database:
                (stored,) = database.execute("SELECT count(*) FROM entries").fetchone()
                if accounts > stored:
                    database.execute(FILL, [accounts - stored])
        return path

    def measure(
        self, operation: str, sync_ms: float, accounts: int, processes: int, callers: int
    ) -> Point:
        path = self.store(accounts)
        results = self._run(path, sync_ms, processes, callers, SECONDS, operation)
        operations = sum(result["operations"] for result in results)
        processor = sum(result["processor_s"] for result in results)
        return Point(
            operation,
            sync_ms,
            accounts,
            processes,
            callers,
            operations / SECONDS,
            max((result["median_ms"] for result in results), default=0.0),
            max((result["most_ms"] for result in results), default=0.0),
            processor * 1e3 / max(1, operations),
            processes - len(results),
        )

    def _run(
        self,
        path: Path,
        sync_ms: float,
        processes: int,
        callers: int,
        seconds: float,
        operation: str,
    ) -> Sequence[dict[str, float]]:
        slow = {
            "LD_PRELOAD": str(self._slow_sync),
            "SLOW_SYNC_MICROSECONDS": f"{sync_ms * 1e3:.0f}",
        }
        realm = [self._realm] if operation == "refresh" else []
        command = [str(BINARIES / "bench-growth"), str(path)]
        started = [
            subprocess.Popen(
                [*command, str(number), str(callers), str(seconds), *realm],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, **slow},
            )
            for number in range(processes)
        ]
        ready = [process for process in started if process.stdout and process.stdout.readline()]
        for process in ready:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate()[0] for process in started]
        return [json.loads(text) for text in said if text.startswith("{")]


@contextmanager
def running_bench() -> Iterator[Bench]:
    binary = BINARIES / "sipgate-oauth2-realm"
    with tempfile.TemporaryDirectory() as folder, running_local_realm(binary) as realm:
        yield Bench(Path(folder), realm.http)


def all_points(bench: Bench) -> Iterator[Point]:
    for sync_ms in SYNCS_MS:
        for processes, callers in SHARES:
            for accounts in ACCOUNTS if processes == 1 else ACCOUNTS[-1:]:
                yield bench.measure("save", sync_ms, accounts, processes, callers)
            yield bench.measure("refresh", sync_ms, ACCOUNTS[-1], processes, callers)


def goal(bench: Bench) -> bool:
    """In turns, so that other load on the machine affects both."""
    alone, together = 0.0, 0.0
    for _ in range(3):
        alone += bench.measure("save", 2.0, 1_000, 1, 1).per_second
        together += bench.measure("save", 2.0, 1_000, 1, 32).per_second
    ratio = together / alone
    reached = ratio >= GOAL
    print(
        f"saves of 32 callers over those of one, a sync of 2 ms: {together / 3:.0f} a second, "
        f"{alone / 3:.0f}: {ratio:.1f} (goal {GOAL}) {'reached' if reached else 'MISSED'}"
    )
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goal", action="store_true", help="measures only that")
    options = parser.parse_args()
    with running_bench() as bench:
        if options.goal:
            return 0 if goal(bench) else 1
        points = []
        for point in all_points(bench):
            points.append(point)
            print(point, flush=True)
    DATA.write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
