"""A cluster of Redis or Valkey: three primaries, each with a replica, and slots that move."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fleet.redis import ADMIN_PASSWORD, PREFIX, RIGHTS, Redis
from fleet.resp import RespError
from fleet.server import Server, ServerBroken, free_port

PRIMARIES = 3
SLOTS = 16384
# The others replace a primary that has been silent for so long.
SILENCE_MILLISECONDS = 2000
MIGRATION_MILLISECONDS = "5000"
SECONDS = 60.0


class Node(Redis):
    rights = f"{RIGHTS} +asking +cluster|slots"

    def __init__(self, name: str, server: Path, folder: Path) -> None:
        self.bus_port = free_port()
        super().__init__(
            name,
            server,
            folder,
            "cluster-enabled yes",
            f"cluster-port {self.bus_port}",
            f"cluster-node-timeout {SILENCE_MILLISECONDS}",
            f"masterauth {ADMIN_PASSWORD}",
        )

    @property
    def id(self) -> str:
        return str(self.ask("CLUSTER", "MYID"))

    def says(self, section: str, words: str) -> bool:
        """Whether this is in what it says about itself."""
        with contextlib.suppress(OSError, RespError):
            asked = ("CLUSTER", "INFO") if section == "cluster" else ("INFO", section)
            return words in str(self.ask(*asked))
        return False

    @property
    def is_primary(self) -> bool:
        return self.says("replication", "role:master")

    def all_keys(self) -> list[str]:
        found = self.ask("KEYS", f"{PREFIX}*")
        assert isinstance(found, list), found
        return [str(key) for key in found]


class Cluster(Server):
    """The URL names its first node."""

    def __init__(self, name: str, server: Path, folder: Path) -> None:
        super().__init__(name, folder)
        self._is_made = False
        self.nodes = [
            Node(f"{name}'s node {number}", server, folder / f"node-{number}")
            for number in range(2 * PRIMARIES)
        ]

    @property
    def url(self) -> str:
        return self.nodes[0].url

    @property
    def administrator_url(self) -> str:
        return self.nodes[0].administrator_url

    @property
    def primaries(self) -> list[Node]:
        return [node for node in self.nodes if node.is_primary]

    def start(self) -> None:
        try:
            for node in self.nodes:
                node.start()
            if not self._is_made:
                self._make()
                self._is_made = True
            self.await_whole()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def await_whole(self) -> None:
        """Returns once all nodes agree, and the replicas have what their primaries have."""
        self._await(lambda node: node.says("cluster", "cluster_state:ok"))
        self._await(
            lambda node: (
                node.says("replication", "state=online")
                if node.is_primary
                else node.says("replication", "master_link_status:up")
            )
        )

    def primary_of(self, slot: int) -> Node:
        """The node that has the slot, as a node says that has one itself."""
        ranges: Any = self.primaries[0].ask("CLUSTER", "SLOTS")
        for first, last, (_, port, *_), *_ in ranges:
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise ServerBroken(f"{self.name}: no node has slot {slot}")

    def slot(self, key: str) -> int:
        found = self.nodes[0].ask("CLUSTER", "KEYSLOT", key)
        assert isinstance(found, int), found
        return found

    def all_keys(self) -> set[str]:
        return {key for node in self.primaries for key in node.all_keys()}

    def key_of(self, account: str) -> str:
        """The key of the account's login."""
        for node in self.primaries:
            for key in node.all_keys():
                is_entry = node.ask("TYPE", key) == "hash"
                if is_entry and f'"{account}"' in str(node.ask("HGET", key, "d")):
                    return key
        raise ServerBroken(f"{self.name}: no key has the login of {account}")

    def moves(self, slot: int) -> Iterator[Callable[[], None]]:
        """The steps that move the slot to another primary, each to be taken by its caller."""
        source = self.primary_of(slot)
        target = next(node for node in self.primaries if node is not source)
        number = str(slot)

        def announce() -> None:
            target.ask("CLUSTER", "SETSLOT", number, "IMPORTING", source.id)
            source.ask("CLUSTER", "SETSLOT", number, "MIGRATING", target.id)

        def carry() -> None:
            keys = source.ask("CLUSTER", "GETKEYSINSLOT", number, "1000")
            if keys:
                assert isinstance(keys, list), keys
                address = ("127.0.0.1", str(target.port), "", "0", MIGRATION_MILLISECONDS)
                source.ask("MIGRATE", *address, "AUTH", ADMIN_PASSWORD, "KEYS", *map(str, keys))

        def settle() -> None:
            for node in (target, source):
                node.ask("CLUSTER", "SETSLOT", number, "NODE", target.id)

        yield from (announce, carry, settle)

    def await_copies(self, primary: Node) -> None:
        """Returns once the replica has all that the primary has."""

        def has_all() -> bool:
            replication = str(primary.ask("INFO", "replication"))
            offset = replication.partition("master_repl_offset:")[2].split()[0]
            return f"offset={offset}," in replication

        _await(f"{primary.name} has no replica that follows", has_all)

    def _make(self) -> None:
        primaries, replicas = self.nodes[:PRIMARIES], self.nodes[PRIMARIES:]
        for number, node in enumerate(primaries):
            first, last = (SLOTS * end // PRIMARIES for end in (number, number + 1))
            node.ask("CLUSTER", "ADDSLOTSRANGE", str(first), str(last - 1))
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            where = ("127.0.0.1", str(node.port), str(node.bus_port))
            self.nodes[0].ask("CLUSTER", "MEET", *where)
        # By their own names: one that another has just met has another name for a moment.
        names = [node.id for node in self.nodes]
        self._await(lambda node: all(name in str(node.ask("CLUSTER", "NODES")) for name in names))
        for replica, primary in zip(replicas, primaries, strict=True):
            replica.ask("CLUSTER", "REPLICATE", primary.id)

    def _await(self, is_so: Callable[[Node], bool]) -> None:
        _await(f"{self.name} does not become whole", lambda: all(map(is_so, self.nodes)))


@contextlib.contextmanager
def running_cluster(server: Path) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster("cluster", server, folder / "cluster")
        with cluster.running():
            yield cluster


def _await(otherwise: str, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise ServerBroken(otherwise)
        time.sleep(0.1)
