"""A custom store: logins in PostgreSQL through psycopg 3.

    client = Client.sipgate(…, store=Store(PsycopgStore("postgresql://app@db/app")))

Each call commits by itself, on a connection that belongs to the store: never to a request's
transaction. `synchronous_commit` must be on for the role, as it is by default. Named prepared
statements are off, so that pgbouncer may stand between. Once expired, entries may be deleted:
`DELETE FROM logins WHERE expires_at < extract(epoch FROM now())`.
"""

from __future__ import annotations

import os
import threading

import psycopg

# The lock lets one of several processes create the table.
TABLE = """
SELECT pg_advisory_xact_lock(hashtext('sipgate-oauth2 logins'));
CREATE TABLE IF NOT EXISTS logins (
    key text COLLATE "C" PRIMARY KEY, version text NOT NULL, data bytea NOT NULL, expires_at bigint)
"""
INSERT = """
INSERT INTO logins (key, version, data, expires_at)
VALUES (%(key)s, %(version)s, %(data)s, %(expires_at)s) ON CONFLICT DO NOTHING
"""
UPDATE = """
UPDATE logins SET version = %(version)s, data = %(data)s, expires_at = %(expires_at)s
WHERE key = %(key)s AND version = %(expected)s
"""


class PsycopgStore:
    def __init__(self, url: str) -> None:
        self._url = url
        self._of_thread = threading.local()
        self._connection().execute(TABLE)

    def _connection(self) -> psycopg.Connection:
        """That of this thread, in this process: a forked child leaves its parent's alone."""
        kept = getattr(self._of_thread, "connection", None)
        if kept is None or kept.closed or self._of_thread.process != os.getpid():
            kept = psycopg.connect(
                self._url, autocommit=True, prepare_threshold=None, connect_timeout=5
            )
            self._of_thread.connection, self._of_thread.process = kept, os.getpid()
        return kept

    def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        wanted = "SELECT version, data, expires_at FROM logins WHERE key = %s"
        return self._connection().execute(wanted, (key,)).fetchone()

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        row = {"key": key, "version": version, "data": data, "expires_at": expires_at}
        statement = INSERT if expected is None else UPDATE
        return self._connection().execute(statement, {**row, "expected": expected}).rowcount == 1

    def keys(self, after: str | None, limit: int) -> list[str]:
        wanted = "SELECT key FROM logins WHERE key > %s ORDER BY key LIMIT %s"
        return [key for (key,) in self._connection().execute(wanted, (after or "", limit))]
