"""No save is acknowledged before it is on the disk, also if many are committed together.

Threads of one process save at the same time. A preloaded library (`sync_order.c`) appends to a file
when a commit becomes durable, and the threads append when a save begins and when it is
acknowledged. Between these two there must be a whole commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from chaos.preload import compiled
from driver.programs import environment

THREADS = 24
SAVES = 20
WORKER = "worker"
TOKENS = {"access_token": "canary", "refresh_token": "canary-refresh", "expires_at": 4_000_000_000}
LIMIT_SECONDS = 600.0


def work(path: Path, order: Path) -> None:
    """The process: each thread saves logins of its own."""
    from sipgate_oauth2 import Client, Store, TokenSet

    client = Client.keycloak(
        "http://127.0.0.1:1/auth", "realm", "client", client_secret="s", store=Store.sqlite(path)
    )
    tokens = TokenSet.restore(json.dumps(TOKENS))
    descriptor = os.open(order, os.O_WRONLY | os.O_APPEND)

    def save_often(thread: int) -> None:
        for save in range(SAVES):
            name = f"{thread}-{save}"
            source = client.token_source(name)
            os.write(descriptor, f"began {name}\n".encode())
            source.save(tokens)
            os.write(descriptor, f"acknowledged {name}\n".encode())

    threads = [threading.Thread(target=save_often, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def early(lines: Sequence[str]) -> Iterator[str]:
    """The saves that were acknowledged without a whole commit since they began."""
    made, removed, durable = 0, 0, 0
    # The commit that each save needs: one that was not under way when it began.
    needed: dict[str, int] = {}
    for line in lines:
        what, _, name = line.partition(" ")
        if line == "journal made":
            made += 1
        elif line == "journal removed":
            removed += 1
        elif line == "directory synced":
            durable = removed
        elif what == "began":
            needed[name] = made + 1
        elif what == "acknowledged" and durable < needed[name]:
            yield name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(WORKER, nargs="*", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args().worker
    if arguments:
        work(*arguments)
        return 0
    commit = ["journal made", "directory synced", "journal removed"]
    planted = ["began a", *commit, "acknowledged a", "directory synced"]
    assert list(early(planted)) == ["a"], "an early acknowledgement is not found"
    with tempfile.TemporaryDirectory() as scratch:
        folder, order = Path(scratch), Path(scratch) / "order"
        order.touch()
        under = {"LD_PRELOAD": str(compiled("sync_order", folder)), "SYNC_ORDER": str(order)}
        store = folder / "store" / "logins.db"
        subprocess.run(
            [sys.executable, str(Path(__file__)), str(store), str(order)],
            env={**os.environ, **environment(), **under},
            timeout=LIMIT_SECONDS,
            check=True,
        )
        lines = order.read_text().splitlines()
    saves = sum(line.startswith("acknowledged") for line in lines)
    commits = lines.count("journal removed")
    found = list(early(lines))
    print(f"syncs: {saves} saves in {commits} commits, {len(found)} acknowledged too early")
    if found:
        print(f"FAILED: acknowledged before the sync: {', '.join(found[:5])}")
    if saves != THREADS * SAVES:
        print(f"FAILED: {THREADS * SAVES - saves} saves are missing")
    if commits >= saves:
        print("FAILED: no two saves were committed together, so this proves nothing")
    return 1 if found or saves != THREADS * SAVES or commits >= saves else 0


if __name__ == "__main__":
    sys.exit(main())
