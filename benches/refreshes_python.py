"""Refreshes over TLS for `benches/refreshes.py`, as `benches/rust/src/bin/refreshes.rs` says. With
the argument `aio`, an event loop makes them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

from sipgate_oauth2 import Client, aio

TOKEN = os.environ["REFRESH_TOKEN"]


def main() -> None:
    if "aio" in sys.argv:
        asyncio.run(with_await())
        return
    client = Client.from_env()

    def refresh(times: int) -> None:
        for _ in range(times):
            client.refresh(TOKEN)

    for line in sys.stdin:
        callers, refreshes = map(int, line.split())
        started = time.process_time()
        if callers == 1:
            refresh(refreshes)
        else:
            threads = [
                threading.Thread(target=refresh, args=(refreshes // callers,))
                for _ in range(callers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        print(time.process_time() - started, flush=True)


async def with_await() -> None:
    client = aio.Client.from_env()

    async def refresh(times: int) -> None:
        for _ in range(times):
            await client.refresh(TOKEN)

    for line in sys.stdin:
        callers, refreshes = map(int, line.split())
        started = time.process_time()
        await asyncio.gather(*(refresh(refreshes // callers) for _ in range(callers)))
        print(time.process_time() - started, flush=True)


if __name__ == "__main__":
    main()
