"""A custom store: logins in a table of your application's database, through SQLAlchemy 2.

    client = Client.sipgate(…, store=Store(SqlAlchemyStore("postgresql+psycopg://app@db/app")))

Each statement commits by itself, on a connection of the store's own engine: never in the session of
a request. In PostgreSQL, `synchronous_commit` must be on for the role, as it is by default. Once
expired, entries may be deleted: `DELETE FROM logins WHERE expires_at < …`.
"""

from __future__ import annotations

import os

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

metadata = MetaData()
logins = Table(
    "logins",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("version", String(22), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("expires_at", BigInteger),
)

# What drivers need beside the URL: without named statements, pgbouncer may stand between.
DRIVERS = {"psycopg": {"prepare_threshold": None}, "pysqlite": {"timeout": 30}}


class SqlAlchemyStore:
    def __init__(self, url: str) -> None:
        # An exception must not show what was to be stored.
        self._engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args=DRIVERS.get(make_url(url).get_dialect().driver, {}),
        )
        if hasattr(os, "register_at_fork"):
            # A forked child leaves its parent's connections alone.
            os.register_at_fork(after_in_child=lambda: self._engine.dispose(close=False))
        try:
            metadata.create_all(self._engine)
        except DBAPIError:
            # Another process may have created it meanwhile.
            metadata.create_all(self._engine)

    def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        wanted = select(logins.c.version, logins.c.data, logins.c.expires_at)
        with self._engine.connect() as connection:
            row = connection.execute(wanted.where(logins.c.key == key)).first()
        return None if row is None else (row.version, row.data, row.expires_at)

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        values = {"version": version, "data": data, "expires_at": expires_at}
        with self._engine.connect() as connection:
            if expected is not None:
                there = (logins.c.key == key) & (logins.c.version == expected)
                changed = connection.execute(update(logins).where(there).values(values))
                return changed.rowcount == 1
            try:
                connection.execute(insert(logins).values(key=key, **values))
            except IntegrityError:
                return False
            return True

    def keys(self, after: str | None, limit: int) -> list[str]:
        wanted = select(logins.c.key).where(logins.c.key > (after or "")).order_by(logins.c.key)
        with self._engine.connect() as connection:
            return list(connection.execute(wanted.limit(limit)).scalars())
