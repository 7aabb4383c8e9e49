"""A custom store: logins in a table of your application's database, through SQLAlchemy.

    engine = create_engine("postgresql+psycopg://…")
    client = Client.sipgate(…, store=Store(SqlAlchemyStore(engine)))

Each call is its own transaction: do not pass it the session of the current request.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

metadata = MetaData()
logins = Table(
    "logins",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("version", String(22), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("expires_at", BigInteger),
)


class SqlAlchemyStore:
    """Expired logins may be deleted at any time: `DELETE FROM logins WHERE expires_at < now`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        wanted = select(logins.c.version, logins.c.data, logins.c.expires_at).where(
            logins.c.key == key
        )
        with self._engine.connect() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else (row.version, row.data, row.expires_at)

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        values = {"version": version, "data": data, "expires_at": expires_at}
        if expected is not None:
            there = (logins.c.key == key) & (logins.c.version == expected)
            with self._engine.begin() as connection:
                changed = connection.execute(update(logins).where(there).values(values)).rowcount
            return changed == 1
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(logins).values(key=key, **values))
        except IntegrityError:
            return False
        return True
