"""A forked child starts afresh, with connections and threads of its own."""

from __future__ import annotations

import os

import pytest
from conftest import PATIENCE, Program, Realm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")


def test_a_child_uses_its_parents_client_over_its_own_connection(
    realm: Realm, program: Program
) -> None:
    before = len(realm.token_requests())
    forking = program("""
import os
def answers(who):
    # A request of its own is told by its scope; an answer meant for another process would show another one.
    for _ in range(5):
        asked = "balance:read" if who == "parent" else "profile"
        if asked not in client.refresh(tokens, scope=asked).scope.split():
            return 1
    return 0
assert answers("parent") == 0
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = answers("child")
        finally:
            os._exit(status)
    children.append(child)
status = answers("parent")
print(status, [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
""")
    output, errors = forking.communicate(timeout=PATIENCE)
    assert output == "0 [0, 0, 0, 0]\n", errors
    requests = realm.token_requests()[before:]
    of_parent: set[int] = set()
    of_children: set[int] = set()
    for request in requests:
        mine = of_children if "scope=profile" in request["body"] else of_parent
        mine.add(request["connection"])
    assert len(requests) == 30
    assert of_parent.isdisjoint(of_children)
    assert len(of_children) >= 4


def test_a_child_forked_during_a_request_has_a_request_of_its_own(
    realm: Realm, program: Program
) -> None:
    realm.fault("delay", ms=300)
    forking = program("""
import os, threading
call = threading.Thread(target=client.refresh, args=(tokens,))
call.start()
child = os.fork()
if child == 0:
    status = 2
    try:
        status = 0 if client.refresh(tokens).access_token else 1
    finally:
        os._exit(status)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
call.join()
""")
    output, errors = forking.communicate(timeout=PATIENCE)
    assert output == "0\n", errors


def test_a_child_of_an_event_loop_can_run_one_itself(program: Program) -> None:
    forking = program("""
import asyncio, os
from sipgate_oauth2 import aio
def run():
    return asyncio.run(aio.Client(client).refresh(tokens)).access_token
assert run()
child = os.fork()
if child == 0:
    status = 2
    try:
        status = 0 if run() else 1
    finally:
        os._exit(status)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    output, errors = forking.communicate(timeout=PATIENCE)
    assert output == "0\n", errors
