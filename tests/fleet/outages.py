"""Rows of the failure table in which the store is away for a while, and returns with all it had.

They differ in how it goes away. Each time, callers get the token in memory at once, also past the
recheck; nothing is sent that could not be stored; and all continue when the store is back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fleet.postgres import APP, TABLE, Postgres
from fleet.redis import Redis
from fleet.resp import RespError
from fleet.scene import TRY_LATER, Process, Refusal, Scene
from fleet.server import free_port

SHORT_LIFE_SECONDS = 2
# Smaller and smaller entries, until none fits.
FILL = f"""
DO $$
DECLARE size integer := 4000;
BEGIN
  WHILE size > 0 LOOP
    BEGIN
      INSERT INTO {TABLE} VALUES (md5(random()::text), 'filler', decode(repeat('00', size), 'hex'));
    EXCEPTION WHEN disk_full THEN
      size := size / 2;
    END;
  END LOOP;
END $$
"""

Fault = Callable[[Scene], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class Outage:
    """`refusal` is what a caller gets who needs the store."""

    fault: Fault
    refusal: Refusal = field(default_factory=Refusal)
    # Through the proxy, a dead server looks alive for a moment.
    proxied: bool = True

    def __call__(self, scene: Scene) -> Iterator[str]:
        url = scene.proxied_url if self.proxied else scene.server.url
        fresh = scene.logged_in(url=url)
        tokens = [process.token() for process in fresh]
        scene.lives(SHORT_LIFE_SECONDS)
        expired = scene.logged_in(url=url)
        time.sleep(SHORT_LIFE_SECONDS)
        sent = scene.since("token_requests")
        with self.fault(scene):
            for process, token in zip(fresh, tokens, strict=True):
                yield from process.hands_out(token)
                yield from process.refuses("source.refresh", self.refusal)
            for process in expired:
                yield from process.refuses("source.access_token", self.refusal)
            if scene.since("token_requests") != sent:
                yield "a token request was sent, although its outcome could not be stored"
        scene.lives(300)
        yield from recovered([*fresh, *expired])
        yield from scene.nothing_lost()


def recovered(processes: list[Process]) -> Iterator[str]:
    for process in processes:
        yield from process.recovers()


@contextlib.contextmanager
def killed(scene: Scene) -> Iterator[None]:
    scene.server.kill()
    try:
        yield
    finally:
        scene.server.start()


@contextlib.contextmanager
def frozen(scene: Scene) -> Iterator[None]:
    scene.server.freeze()
    try:
        yield
    finally:
        scene.server.thaw()


@contextlib.contextmanager
def silent(scene: Scene) -> Iterator[None]:
    scene.proxy.silence()
    try:
        yield
    finally:
        scene.proxy.restore()


@contextlib.contextmanager
def cut(scene: Scene) -> Iterator[None]:
    scene.proxy.cut()
    try:
        yield
    finally:
        scene.proxy.restore()


@contextlib.contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    server = scene.server
    if isinstance(server, Redis):
        # A replica whose primary does not exist keeps what it has.
        server.ask("REPLICAOF", "127.0.0.1", str(free_port()))
    else:
        _set_read_only(server, "on")
    try:
        yield
    finally:
        if isinstance(server, Redis):
            server.ask("REPLICAOF", "NO", "ONE")
        else:
            _set_read_only(server, "off")


def _set_read_only(server: Postgres, value: str) -> None:
    # The administrator writes in any case.
    server.sql(f"ALTER ROLE {APP} SET default_transaction_read_only = {value}")
    server.disconnect_all()


@contextlib.contextmanager
def memory_full(scene: Scene) -> Iterator[None]:
    assert isinstance(scene.server, Redis), "only Redis says that its memory is full"
    scene.server.set("maxmemory", "1")
    try:
        yield
    finally:
        scene.server.set("maxmemory", "0")


@contextlib.contextmanager
def disk_full(scene: Scene) -> Iterator[None]:
    """Moves the table to a small disk, and fills what its pages have left."""
    server = scene.server
    assert isinstance(server, Postgres), "Redis writes a log only"
    with server.small_disk() as disk:
        server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
        server.sql(f"ALTER TABLE {TABLE} SET (fillfactor = 100), SET TABLESPACE small")
        server.sql(FILL)
        try:
            yield
        finally:
            server.sql(f"DELETE FROM {TABLE} WHERE version = 'filler'")
            server.sql(f"ALTER TABLE {TABLE} SET (fillfactor = 50), SET TABLESPACE pg_default")
            server.sql("DROP TABLESPACE small")


@contextlib.contextmanager
def too_many_connections(scene: Scene) -> Iterator[None]:
    server = scene.server
    if isinstance(server, Postgres):
        server.sql(f"ALTER ROLE {APP} CONNECTION LIMIT 0")
        server.disconnect_all()
        try:
            yield
        finally:
            server.sql(f"ALTER ROLE {APP} CONNECTION LIMIT -1")
        return
    with server.connection() as administrator:
        limit = str(administrator.ask("CONFIG", "GET", "maxclients")[1])  # type: ignore[index]
        administrator.ask("CONFIG", "SET", "maxclients", "1")
        with contextlib.suppress(RespError):
            administrator.ask("CLIENT", "KILL", "USER", APP)
        try:
            yield
        finally:
            administrator.ask("CONFIG", "SET", "maxclients", limit)


KILLED = Outage(killed, proxied=False)
FROZEN = Outage(frozen)
SILENT = Outage(silent)
CUT = Outage(cut)
READ_ONLY = Outage(read_only)
MEMORY_FULL = Outage(memory_full, Refusal(remedy=TRY_LATER))
DISK_FULL = Outage(disk_full)
TOO_MANY = Outage(too_many_connections)
