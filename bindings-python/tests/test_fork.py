"""A forked child has its own connections and threads."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from conftest import CLIENT_ID, CLIENT_SECRET, PATIENCE, Program, Realm
from test_threads import wait_for_requests

from sipgate_oauth2 import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")


def test_a_child_uses_its_parents_client_over_its_own_connection(
    realm: Realm, program: Program
) -> None:
    before = len(realm.token_requests())
    forking = program("""
import os
def responds(who):
    # A request is recognized by its scope. A response for another process would have another scope.
    for _ in range(5):
        asked = "balance:read" if who == "parent" else "profile"
        if asked not in client.refresh(tokens, scope=asked).scope.split():
            return 1
    return 0
assert responds("parent") == 0
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = responds("child")
        finally:
            os._exit(status)
    children.append(child)
status = responds("parent")
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


def test_a_child_forked_during_a_request_sends_its_own_request(
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


def test_a_child_of_an_event_loop_can_run_its_own(program: Program) -> None:
    forking = program("""
import asyncio, os
from sipgate_oauth2 import aio
def run():
    return asyncio.run(aio.Client.from_client(client).refresh(tokens)).access_token
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


def forking_source(realm: Realm, folder: Path) -> str:
    """A source over a database, its login, and a function that uses it in a child."""
    realm.post("settings", {"rotation": True})
    realm.source(realm.client(Store.sqlite(folder / "logins.db")))
    return f"""
import os, threading, traceback
keeping = Client.keycloak({realm.base!r}, "third-party", {CLIENT_ID!r}, client_secret={CLIENT_SECRET!r},
    store=Store.sqlite({str(folder / "logins.db")!r}))
source = keeping.token_source("anna")
def child(work):
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if work() else 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child
def ended(children):
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
"""


def test_children_forked_during_a_refresh_use_the_same_login(
    realm: Realm, program: Program, tmp_path: Path
) -> None:
    head = forking_source(realm, tmp_path)
    before = realm.counters()["token_requests"]
    realm.fault("delay", ms=500)
    forking = program(f"""{head}
first = source.access_token()
source.invalidate(first)
callers = [threading.Thread(target=source.access_token) for _ in range(8)]
for caller in callers:
    caller.start()
sys.stdin.readline()
def work():
    source.invalidate(first)
    tokens = []
    mine = [threading.Thread(target=lambda: tokens.append(source.access_token())) for _ in range(8)]
    for caller in mine:
        caller.start()
    for caller in mine:
        caller.join()
    return len(tokens) == 8 and len(set(tokens)) == 1 and tokens[0] != first
children = [child(work) for _ in range(4)]
for caller in callers:
    caller.join()
renewed = source.access_token() != first
print(renewed, ended(children), source.status().generation)
""")
    wait_for_requests(realm, before + 1)
    assert forking.stdin is not None
    forking.stdin.write("\n")
    forking.stdin.flush()
    output, errors = forking.communicate(timeout=PATIENCE)
    assert (output, errors) == ("True [0, 0, 0, 0] 2\n", "")
    counters = realm.counters()
    assert (counters["refresh_grants"], counters["invalid_grant"]) == (1, 0)


def test_after_a_child_is_killed_the_others_can_use_the_login(
    realm: Realm, program: Program, tmp_path: Path
) -> None:
    """It is killed while it waits for its parent's request. Its locks are released."""
    head = forking_source(realm, tmp_path)
    before = realm.counters()["token_requests"]
    realm.fault("delay", ms=500)
    forking = program(f"""{head}
import signal, time
first = source.access_token()
caller = threading.Thread(target=source.refresh)
caller.start()
sys.stdin.readline()
def work():
    source.refresh()
doomed = child(work)
time.sleep(0.1)
os.kill(doomed, signal.SIGKILL)
caller.join()
def use():
    return source.access_token() != first
print(ended([doomed, child(use)]), source.refresh() != first)
""")
    wait_for_requests(realm, before + 1)
    assert forking.stdin is not None
    forking.stdin.write("\n")
    forking.stdin.flush()
    output, errors = forking.communicate(timeout=PATIENCE)
    assert (output, errors) == ("[-9, 0] True\n", "")
    assert realm.counters()["invalid_grant"] == 0


def test_a_child_with_a_custom_store_continues(realm: Realm, program: Program) -> None:
    realm.post("settings", {"rotation": True})
    forking = program(f"""
import os, threading
class Custom:
    entries = {{}}
    swapping = threading.Lock()
    def load(self, key):
        return self.entries.get(key)
    def save(self, key, expected, *entry):
        with self.swapping:
            if (self.entries.get(key) or [None])[0] != expected:
                return False
            self.entries[key] = entry
            return True
keeping = Client.keycloak({realm.base!r}, "third-party", {CLIENT_ID!r}, client_secret={CLIENT_SECRET!r},
    store=Store(Custom()), on_event=print)
source = keeping.token_source("anna")
source.save(tokens)
child = os.fork()
if child == 0:
    os._exit(0 if source.access_token() == tokens.access_token else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    output, errors = forking.communicate(timeout=PATIENCE)
    assert errors == ""
    assert output.splitlines()[-1] == "0"


def test_children_forked_while_threads_use_the_database_use_it_at_once(
    realm: Realm, program: Program, tmp_path: Path
) -> None:
    head = forking_source(realm, tmp_path)
    forking = program(f"""{head}
going = True
def look():
    while going:
        source.status()
lookers = [threading.Thread(target=look) for _ in range(3)]
for looker in lookers:
    looker.start()
codes = []
for _ in range(20):
    codes += ended([child(lambda: source.status().state == "active") for _ in range(3)])
going = False
for looker in lookers:
    looker.join()
print(set(codes))
""")
    output, errors = forking.communicate(timeout=PATIENCE)
    assert (output, errors) == ("{0}\n", "")


def test_children_forked_while_threads_save_together_save_at_once(
    realm: Realm, program: Program, tmp_path: Path
) -> None:
    """A child has nothing of what its parent's threads are about to commit."""
    head = forking_source(realm, tmp_path)
    forking = program(f"""{head}
going, saved = True, []
def save(name):
    keeping.token_source(name).save(tokens)
    return keeping.token_source(name).status().state == "active"
def save_often(thread):
    number = 0
    while going:
        saved.append(save(f"{{thread}}-{{number % 5}}"))
        number += 1
savers = [threading.Thread(target=save_often, args=(thread,)) for thread in range(8)]
for saver in savers:
    saver.start()
codes = []
for number in range(5):
    codes += ended([child(lambda: save(f"child-{{number}}")) for _ in range(2)])
going = False
for saver in savers:
    saver.join()
print(set(codes), set(saved))
""")
    output, errors = forking.communicate(timeout=PATIENCE)
    assert (output, errors) == ("{0} {True}\n", "")


def test_a_killed_parents_child_keeps_no_lock(
    realm: Realm, program: Program, tmp_path: Path
) -> None:
    """The child was forked during its parent's request, and does not use the library."""
    head = forking_source(realm, tmp_path)
    before = realm.counters()["token_requests"]
    realm.fault("silent")
    forking = program(f"""{head}
threading.Thread(target=source.refresh).start()
sys.stdin.readline()
child = os.fork()
if child == 0:
    os.close(1)
    os.close(2)
    while True:
        threading.Event().wait()
print(child, flush=True)
""")
    wait_for_requests(realm, before + 1)
    assert forking.stdin is not None
    assert forking.stdout is not None
    forking.stdin.write("\n")
    forking.stdin.flush()
    child = int(forking.stdout.readline())
    try:
        forking.kill()
        forking.wait()
        source = realm.client(Store.sqlite(tmp_path / "logins.db")).token_source("anna")
        # Less than the lease of a claim whose owner may still be running.
        assert source.refresh(timeout=30)
    finally:
        os.kill(child, signal.SIGKILL)
    assert realm.counters()["invalid_grant"] == 0
