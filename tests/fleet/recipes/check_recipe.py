"""Checks one of the Python stores of `examples/stores` against a real server.

    python check_recipe.py psycopg postgresql://app:secret@127.0.0.1:5432/app

Prints the promises that it breaks, and that its keys are listed wrongly; nothing if it is correct.
It needs the driver's package and `sipgate_oauth2`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples" / "stores"))
sys.path.append(str(Path(__file__).resolve().parents[3] / "examples" / "sign_in" / "django"))

from sipgate_oauth2 import aio, check_store

KEYS = [character * 64 for character in "0123456789abcdef"]


def psycopg(url: str) -> Any:
    from psycopg_store import PsycopgStore

    return PsycopgStore(url)


def asyncpg(url: str) -> Any:
    from asyncpg_store import AsyncpgStore

    return AsyncpgStore(url)


def sqlalchemy(url: str) -> Any:
    from sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore(url.replace("postgresql:", "postgresql+psycopg:"))


def django(url: str) -> Any:
    """As a project with this database, whose migrations ran."""
    from django.conf import settings

    parts = urlsplit(url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "USER": parts.username,
        "PASSWORD": parts.password,
        "HOST": parts.hostname,
        "PORT": parts.port,
    }
    settings.configure(DATABASES={"default": database})
    import django as package

    package.setup()
    from django.db import DatabaseError, connection
    from logins.models import DjangoStore, Login

    try:
        with connection.schema_editor() as editor:
            editor.create_model(Login)
    except DatabaseError:
        # It is there from another recipe, or another process.
        assert "logins" in connection.introspection.table_names()
    return DjangoStore()


def redis(url: str) -> Any:
    from redis_store import RedisStore

    return RedisStore(url)


RECIPES = {"psycopg": psycopg, "asyncpg": asyncpg, "sqlalchemy": sqlalchemy, "django": django}
RECIPES["redis"] = redis


async def problems(store: Any) -> list[str]:
    """Of an `async` store, on this event loop."""
    found = await aio.check_store(store)
    expires_at = int(time.time()) + 60
    for key in KEYS:
        there = await store.load(key)
        await store.save(key, there and there[0], os.urandom(11).hex(), b"a", expires_at)
    listed: list[str] = []
    while page := await store.keys(listed[-1] if listed else None, 5):
        listed += page
    return found + key_problems(listed)


def problems_of_plain(store: Any) -> list[str]:
    found = check_store(store)
    if not hasattr(store, "keys"):
        return found
    expires_at = int(time.time()) + 60
    for key in KEYS:
        there = store.load(key)
        store.save(key, there and there[0], os.urandom(11).hex(), b"a", expires_at)
    listed: list[str] = []
    while page := store.keys(listed[-1] if listed else None, 5):
        assert len(page) <= 5
        listed += page
    return found + key_problems(listed)


def key_problems(listed: list[str]) -> list[str]:
    if listed == sorted(set(listed)) and set(listed) >= set(KEYS):
        return []
    return ["keys does not list each key once, in order"]


def main(recipe: str, url: str) -> int:
    if recipe == "asyncpg":
        store = RECIPES[recipe](url)

        async def checked() -> list[str]:
            try:
                return await problems(store)
            finally:
                await store.close()

        found = asyncio.run(checked())
    else:
        found = problems_of_plain(RECIPES[recipe](url))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
