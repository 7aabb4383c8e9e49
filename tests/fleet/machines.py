"""Contention between machines: network namespaces with a slow cable that is pulled out."""

from __future__ import annotations

import argparse
import itertools
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.contention import Place, fight_at
from driver.installed import Missing
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS
from fleet.certificate import certificate
from fleet.machine import Machine
from fleet.postgres import Postgres
from fleet.proxy import Proxy
from fleet.redis import Redis
from fleet.scene import STORE_UNAVAILABLE
from fleet.server import free_port
from fleet.servers import debian_postgres, debian_redis, folder_of_servers

MACHINES = 2
SECONDS = 60.0
# In each direction: 20 ms there and back.
DELAY_SECONDS = 0.01
LOSS_PERCENT = 2
PULLED_SECONDS = 4.0
# What callers get whose token has expired while the cable was out, or who wait for a machine that
# is not heard of.
WHILE_PULLED = (STORE_UNAVAILABLE, "SIPGATE_BUSY")


def between_machines(languages: Sequence[str], seconds: float = SECONDS) -> list[str]:
    problems: list[str] = []
    with ExitStack() as stack:
        folder = stack.enter_context(folder_of_servers())
        try:
            machines = [
                stack.enter_context(Machine(number).running()) for number in range(1, MACHINES + 1)
            ]
            made = certificate(folder / "tls", [machine.here for machine in machines])
            servers: list[Postgres | Redis] = [
                debian_postgres(folder / "postgres", made),
                debian_redis(folder / "redis", made),
            ]
        except Missing as reason:
            print(f"between machines: SKIPPED, because {reason}", flush=True)
            return []
        loses = _lose(machines)
        pem = made.authority.read_text()
        for server in servers:
            stack.enter_context(server.running())
            for pulls in (False, True):
                with running_realm(REALM_PROGRAM) as realm, ExitStack() as reach:
                    _reach(realm, machines, reach)
                    places = []
                    for machine in machines:
                        port = _delayed(machine, server.tls_port, reach)
                        url = server.url_at(machine.here, port)
                        places.append(Place({"url": url, "ca_certificates": pem}, machine.under))
                    fought = fight_at(
                        realm,
                        places=places,
                        languages=languages,
                        seconds=seconds,
                        during=partial(_pull, machines) if pulls else None,
                    )
                noticed = STORE_UNAVAILABLE in fought.errors()
                cable = "a cable that is pulled out" if pulls else "a cable"
                print(f"{MACHINES} machines, {server.name}, {cable}: {fought}", flush=True)
                problems += [
                    f"{MACHINES} machines, {server.name}, {cable}: {problem}"
                    for problem in fought.problems(WHILE_PULLED if pulls else ())
                ]
                if pulls and not noticed:
                    problems.append(f"{MACHINES} machines, {server.name}: no caller noticed it")
        if loses:
            lost = [machine.lost() for machine in machines]
            print(f"{MACHINES} machines lost {sum(lost)} packets", flush=True)
            if not all(lost):
                problems.append(f"{MACHINES} machines: no packet was lost on one of the cables")
    return problems


def _lose(machines: Sequence[Machine]) -> bool:
    try:
        for machine in machines:
            machine.lose(LOSS_PERCENT)
    except Missing as reason:
        print(f"between machines: NO LOSS, because {reason}", flush=True)
        return False
    return True


def _reach(realm: Realm, machines: Sequence[Machine], stack: ExitStack) -> None:
    """Makes the realm reachable on each machine, at its own address there."""
    port = urlsplit(realm.ready["http"]).port
    assert port is not None, "the realm has a port"
    for machine in machines:
        stack.enter_context(Proxy(port, machine.listening(port)).running())


def _delayed(machine: Machine, port: int, stack: ExitStack) -> int:
    """The port of a proxy that delays, as this cable cannot."""
    listening = socket.create_server((machine.here, free_port()))
    proxy = stack.enter_context(Proxy(port, listening).running())
    proxy.delay(DELAY_SECONDS)
    return proxy.port


def _pull(machines: Sequence[Machine], ended: threading.Event) -> None:
    """Pulls one cable after the other, until the event is set."""
    for machine in itertools.cycle(machines):
        if ended.wait(PULLED_SECONDS):
            return
        machine.pull()
        time.sleep(PULLED_SECONDS)
        machine.plug()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(SHIMS))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    problems = between_machines(options.languages.split(","), options.seconds)
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
