"""Rows of the failure table in which a write, a response or the whole store is lost."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fleet.postgres import TABLE, Postgres
from fleet.redis import APP, PASSWORD, PREFIX, SENTINEL_NAME, SENTINELS, Redis
from fleet.resp import Value
from fleet.scene import (
    FIX_CONFIGURATION,
    LOGIN_REQUIRED,
    TRY_LATER,
    Process,
    Refusal,
    Scene,
)
from fleet.server import handed_over

# For how long others leave a refresh to the process that has claimed it.
LEASE_SECONDS = 75
# Long enough for others to see the claim before the response arrives.
LATE_MILLISECONDS = 4000
WATCHING_SECONDS = 1.5
# Others watch a claim for 5 s without a gap before they take it over, and then wait for another
# 5 s. Without either, they would have sent a request within this.
TAKEOVER_SECONDS = 7.0
SECONDS = 30.0
ENDED = Refusal(LOGIN_REQUIRED, "log_in_again")


def response_lost(scene: Scene) -> Iterator[str]:
    """The store has the write, and nobody hears of it. The process looks, and goes on."""
    write = b"INSERT" if isinstance(scene.server, Postgres) else b"EVAL"
    for process in scene.logged_in():
        for _ in range(2):
            scene.proxy.lose_responses(b"UPDATE" if isinstance(scene.server, Postgres) else write)
            call = process.member.begin("source.refresh", source="source", timeout=SECONDS)
            end = time.monotonic() + SECONDS
            while not scene.proxy.loses_responses and time.monotonic() < end:
                time.sleep(0.01)
            if not scene.proxy.loses_responses:
                yield process.says("wrote nothing")
            time.sleep(0.2)
            scene.proxy.restore()
            process.member.end(call)
            yield from process.recovers()
    yield from scene.nothing_lost()


def slow_network(scene: Scene) -> Iterator[str]:
    scene.proxy.delay(0.1)
    try:
        for process in scene.logged_in():
            yield from process.recovers()
    finally:
        scene.proxy.restore()
    yield from scene.nothing_lost()


def outlasts_the_lease(scene: Scene) -> Iterator[str]:
    """The store goes away between a token request and its commit, for longer than the lease.

    The process that refreshed has the only good token. It is even stopped when the store is back:
    the others, who saw its claim before, must not take the time of the outage for the lease.
    """
    owners = scene.logged_in(url=scene.server.url)
    watchers = [
        scene.process(other.language, owner.account, scene.server.url)
        for owner, other in zip(owners, [*owners[1:], owners[0]], strict=True)
    ]
    first = [process.token() for process in owners]
    for watcher in watchers:
        watcher.token()
    requests = scene.realm.counters()["token_requests"]
    scene.realm.order(
        "faults", {"on": "token", "kind": "late", "ms": LATE_MILLISECONDS, "times": len(owners)}
    )
    calls = [
        owner.member.begin("source.refresh", source="source", timeout=SECONDS) for owner in owners
    ]
    scene.realm.await_token_requests(requests + len(owners), SECONDS)
    waiting = [
        watcher.member.begin("source.refresh", source="source", timeout=SECONDS)
        for watcher in watchers
    ]
    # They see the claim, and wait.
    time.sleep(WATCHING_SECONDS)
    scene.server.kill()
    began = time.monotonic()
    second = []
    for owner, call in zip(owners, calls, strict=True):
        reply = owner.member.end(call)
        second.append(reply.get("ok", {}).get("access_token"))
        if second[-1] is None:
            yield owner.says(f"the caller who waited got no token: {reply.get('error')}")
    for watcher, call in zip(watchers, waiting, strict=True):
        watcher.member.end(call)
    while time.monotonic() < began + LEASE_SECONDS + 10:
        for watcher, token in zip(watchers, first, strict=True):
            reply = watcher.ask()
            if reply.get("ok", {}).get("access_token") != token:
                yield watcher.says(f"lost its token meanwhile: {reply.get('error')}")
                scene.server.start()
                return
        time.sleep(1)
    for owner in owners:
        os.kill(owner.member.process_id, signal.SIGSTOP)
    scene.server.start()
    sent = scene.realm.counters()["token_requests"]
    calls = [
        watcher.member.begin("source.refresh", source="source", timeout=TAKEOVER_SECONDS)
        for watcher in watchers
    ]
    for call, watcher in zip(calls, watchers, strict=True):
        watcher.member.end(call)
    if scene.realm.counters()["token_requests"] != sent:
        yield "a refresh was taken over, although its owner had no time to store it"
    for owner in owners:
        os.kill(owner.member.process_id, signal.SIGCONT)
    for process in [*owners, *watchers]:
        yield from process.recovers()
    yield from scene.nothing_lost()


def rewound_and_seen(scene: Scene) -> Iterator[str]:
    """A failover loses the last commits; a process that saw them writes them again."""
    for process in scene.logged_in():
        saved = Saved(scene)
        yield from process.recovers()
        saved.restore()
        yield from process.recovers()
    yield from scene.nothing_lost()


def rewound_and_unseen(scene: Scene) -> Iterator[str]:
    """… and no process lives that saw them. A strict server ends the session: not prevented."""
    for process in scene.logged_in():
        saved = Saved(scene)
        yield from process.recovers()
        process.member.kill()
        saved.restore()
        heir = scene.process(process.language, process.account)
        yield from heir.refuses("source.refresh", ENDED)


def emptied(scene: Scene) -> Iterator[str]:
    """It is not taken for a logout of everybody."""
    processes = scene.logged_in()
    tokens = [process.token() for process in processes]
    saved = Saved(scene)
    server = scene.server
    if isinstance(server, Postgres):
        server.sql(f"TRUNCATE {TABLE}")
    else:
        server.ask("FLUSHALL")
    for process, token in zip(processes, tokens, strict=True):
        yield from process.hands_out(token)
        yield from process.refuses("source.refresh", Refusal(remedy=FIX_CONFIGURATION))
    saved.restore()
    for process in processes:
        yield from process.recovers()
    yield from scene.nothing_lost()


def failed_over(scene: Scene) -> Iterator[str]:
    """A standby responds: it is never believed. It is promoted: all continue."""
    processes = scene.logged_in()
    with _copied(scene.server) as other:
        standing = _others(scene, processes, other)
        for process in standing:
            yield from process.refuses("source.access_token", Refusal(remedy=TRY_LATER))
        _await_copy(scene.server, other)
        _promote(other)
        for process in standing:
            yield from process.recovers()
        if scene.since("invalid_grant"):
            yield f"{scene.since('invalid_grant')} invalid_grant"
        for process in [*standing, *processes]:
            process.member.kill()


def split_brain(scene: Scene) -> Iterator[str]:
    """A standby is promoted while its primary still accepts writes: no store can tell.

    Both sides refresh, which only a server lets pass that accepts a refresh token repeatedly.
    """
    processes = scene.logged_in()
    with _copied(scene.server) as other:
        _await_copy(scene.server, other)
        _promote(other)
        pairs = list(zip(processes, _others(scene, processes, other), strict=True))
        scene.accepts_refresh_tokens(repeatedly=True)
        for here, there in pairs:
            for process in (here, there, here):
                yield from process.recovers()
        if scene.since("invalid_grant"):
            yield f"{scene.since('invalid_grant')} invalid_grant, although none was used up"
        scene.accepts_refresh_tokens(repeatedly=False)
        for here, there in pairs:
            yield from here.recovers()
            for process in (there, here):
                yield from process.refuses("source.refresh", ENDED)
            here.log_in()
            yield from here.recovers()
        for process in itertools.chain(*pairs):
            process.member.kill()


def sentinels_fail_over(scene: Scene) -> Iterator[str]:
    """The primary dies, and Sentinels promote its replica: all continue there by themselves."""
    assert isinstance(scene.server, Redis)
    with tempfile.TemporaryDirectory(prefix="fleet-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        primary = scene.server.another("primary", folder / "primary")
        stack.enter_context(primary.running())
        replica = primary.replica(folder / "replica")
        stack.enter_context(replica.running())
        primary.await_replica()
        sentinels = [primary.sentinel(folder / f"sentinel-{n}") for n in range(SENTINELS)]
        for sentinel in sentinels:
            stack.enter_context(sentinel.running())
        _await("the Sentinels do not meet", lambda: all(one.sees_all() for one in sentinels))
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        url = f"redis+sentinel://{APP}:{PASSWORD}@{hosts}/{SENTINEL_NAME}"
        processes = scene.logged_in(url=url)
        tokens = [process.token() for process in processes]
        _await_copy(primary, replica)
        primary.kill()
        for process, token in zip(processes, tokens, strict=True):
            yield from process.hands_out(token)
        for process in processes:
            yield from process.recovers()
        for process in processes:
            heir = scene.process(process.language, process.account, url)
            if heir.token() != process.token():
                yield process.says("another process does not see its refresh")
            heir.member.stop()
        yield from scene.nothing_lost()
        for process in processes:
            process.member.stop()


@contextlib.contextmanager
def _copied(primary: Postgres | Redis) -> Iterator[Postgres | Redis]:
    """A standby that follows the server."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        Path(name).chmod(0o755)
        folder = handed_over(Path(name) / "standby")
        other = (
            primary.standby(folder) if isinstance(primary, Postgres) else primary.replica(folder)
        )
        with other.running():
            if isinstance(primary, Redis):
                primary.await_replica()
            yield other


def _others(scene: Scene, processes: Sequence[Process], server: Postgres | Redis) -> list[Process]:
    """For each process, one with the same account that uses this server."""
    return [scene.process(process.language, process.account, server.url) for process in processes]


def _promote(standby: Postgres | Redis) -> None:
    if isinstance(standby, Redis):
        standby.ask("REPLICAOF", "NO", "ONE")
    else:
        standby.sql("SELECT pg_promote()", "postgres")


def _await_copy(primary: Postgres | Redis, other: Postgres | Redis) -> None:
    _await("the standby does not follow", lambda: _content(primary) == _content(other))


def _await(otherwise: str, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


def _content(server: Postgres | Redis) -> str:
    if isinstance(server, Redis):
        keys = server.ask("KEYS", f"{PREFIX}*")
        assert isinstance(keys, list)
        return " ".join(sorted(f"{key} {_value(server, str(key))}" for key in keys))
    return server.sql(f"SELECT key, version FROM {TABLE} ORDER BY key")


def _value(server: Redis, key: str) -> Value:
    if server.ask("TYPE", key) == "hash":
        return server.ask("HGET", key, "v")
    return server.ask("GET", key)


class Saved:
    """What the store has now, to be put back later."""

    def __init__(self, scene: Scene) -> None:
        self._server = scene.server
        if isinstance(self._server, Postgres):
            self._server.sql(f"CREATE TABLE saved AS SELECT * FROM {TABLE}")
            scene.defer(self._drop)
            return
        keys = self._server.ask("KEYS", f"{PREFIX}*")
        assert isinstance(keys, list)
        self._dumps = {str(key): str(self._server.ask("DUMP", str(key))) for key in keys}

    def restore(self) -> None:
        if isinstance(self._server, Postgres):
            self._server.sql(
                f"BEGIN; DELETE FROM {TABLE}; INSERT INTO {TABLE} SELECT * FROM saved; COMMIT"
            )
            self._drop()
            return
        for key, dump in self._dumps.items():
            self._server.ask("RESTORE", key, "0", dump, "REPLACE")

    def _drop(self) -> None:
        assert isinstance(self._server, Postgres)
        self._server.sql("DROP TABLE IF EXISTS saved")
