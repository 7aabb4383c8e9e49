"""A custom store for `sipgate_oauth2.aio`: logins in PostgreSQL through asyncpg.

    client = aio.Client.sipgate(…, store=aio.Store(AsyncpgStore("postgresql://app@db/app")))

The connections belong to the store, never to a request. `synchronous_commit` must be on for the
role, as it is by default. Statements have no names and run in a transaction of their own, so that
pgbouncer may stand between. Once expired, entries may be deleted:
`DELETE FROM logins WHERE expires_at < extract(epoch FROM now())`.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

# The lock lets one of several processes create the table.
TABLE = """
SELECT pg_advisory_xact_lock(hashtext('sipgate-oauth2 logins'));
CREATE TABLE IF NOT EXISTS logins (
    key text COLLATE "C" PRIMARY KEY, version text NOT NULL, data bytea NOT NULL, expires_at bigint)
"""
INSERT = """
INSERT INTO logins (key, version, data, expires_at)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true
"""
UPDATE = """
UPDATE logins SET version = $2, data = $3, expires_at = $4
WHERE key = $1 AND version = $5 RETURNING true
"""


class AsyncpgStore:
    def __init__(self, url: str) -> None:
        self._url = url
        self._has_table = False
        # A connection works on the event loop that it was made on.
        self._pools: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            self._pools[loop] = asyncpg.create_pool(
                self._url, min_size=0, max_size=4, statement_cache_size=0, timeout=5
            )
        pool = await self._pools[loop]
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            if not self._has_table:
                await connection.execute(TABLE)
            yield connection
        self._has_table = True

    async def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        wanted = "SELECT version, data, expires_at FROM logins WHERE key = $1"
        async with self._transaction() as transaction:
            row = await transaction.fetchrow(wanted, key)
        return None if row is None else tuple(row)

    async def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        row = (key, version, data, expires_at)
        async with self._transaction() as transaction:
            if expected is None:
                stored = await transaction.fetchval(INSERT, *row)
            else:
                stored = await transaction.fetchval(UPDATE, *row, expected)
        return stored is True

    async def keys(self, after: str | None, limit: int) -> list[str]:
        wanted = "SELECT key FROM logins WHERE key > $1 ORDER BY key LIMIT $2"
        async with self._transaction() as transaction:
            rows = await transaction.fetch(wanted, after or "", limit)
        return [row["key"] for row in rows]

    async def close(self) -> None:
        """Closes the connections of this event loop."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()
