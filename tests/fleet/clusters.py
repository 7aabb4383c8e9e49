"""Rows of the failure table about clusters of Redis or Valkey, each on a cluster of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fleet.cluster import running_cluster
from fleet.redis import Redis
from fleet.scene import Process, Scene


def slot_moves(scene: Scene) -> Iterator[str]:
    """All slots that have keys move, while logins are refreshed: each refresh succeeds at once."""
    assert isinstance(scene.server, Redis)
    with running_cluster(scene.server.program) as cluster:
        processes = scene.logged_in(url=cluster.url)
        for slot in sorted(map(cluster.slot, cluster.all_keys())):
            for step in cluster.moves(slot):
                yield from _refresh(processes, step)
                yield from _refresh(processes)
        yield from scene.nothing_lost()
        for process in processes:
            # Its login is written where its slot is moving to: it is not where it was.
            key = cluster.key_of(process.account)
            slot = cluster.slot(key)
            source, (announce, *steps) = cluster.primary_of(slot), list(cluster.moves(slot))
            announce()
            source.ask("DEL", key)
            process.log_in()
            yield from _refresh([process])
            if key in source.all_keys():
                yield process.says("its login was written where its slot moves away from")
            for step in steps:
                step()
            yield from _refresh([process])
        for process in processes:
            process.member.stop()


def fails_over(scene: Scene) -> Iterator[str]:
    """The primary of each login dies in turn. It is also the node that a URL names."""
    assert isinstance(scene.server, Redis)
    with running_cluster(scene.server.program) as cluster:
        processes = scene.logged_in(url=cluster.url)
        token = {process.account: process.token() for process in processes}
        for process in list(processes):
            primary = cluster.primary_of(cluster.slot(cluster.key_of(process.account)))
            neighbour = scene.process(process.language, process.account, primary.url)
            neighbour.token()
            cluster.await_copies(primary)
            primary.kill()
            for each in (process, neighbour):
                yield from each.hands_out(token[process.account])
            for each in [*processes, neighbour]:
                yield from each.recovers()
            primary.start()
            cluster.await_whole()
            token = {process.account: process.token() for process in processes}
            neighbour.member.stop()
        yield from scene.nothing_lost()
        for process in processes:
            process.member.stop()


def _refresh(
    processes: Sequence[Process], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[str]:
    calls = [process.member.begin("source.refresh", source="source") for process in processes]
    meanwhile()
    for process, call in zip(processes, calls, strict=True):
        reply = process.member.end(call)
        if "ok" not in reply:
            yield process.says(f"does not refresh: {reply.get('error')}")
