"""An interpreter that exits during a request does so at once and without output."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import CLIENT_ID, CLIENT_SECRET, PATIENCE, ROOT, Program, Realm
from test_threads import wait_for_requests

from sipgate_oauth2 import Store

ENDINGS = {
    "a daemon thread waits": f"""
import threading
threading.Thread(target=client.refresh, args=(tokens,), kwargs=dict(timeout={PATIENCE}), daemon=True).start()
sent()
""",
    "an event loop in a daemon thread waits": f"""
import asyncio, threading
from sipgate_oauth2 import aio
call = lambda: asyncio.run(aio.Client.from_client(client).refresh(tokens, timeout={PATIENCE}))
threading.Thread(target=call, daemon=True).start()
sent()
""",
    "a task is left behind": f"""
import asyncio
from sipgate_oauth2 import aio
async def main():
    task = asyncio.create_task(aio.Client.from_client(client).refresh(tokens, timeout={PATIENCE}))
    await asyncio.to_thread(sent)
asyncio.run(main())
""",
}

SENT = """
def sent():
    print("started", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
@pytest.mark.parametrize("fault", [{"kind": "silent"}, {"kind": "delay", "ms": 50}], ids=str)
def test_the_interpreter_exits_during_a_request(
    realm: Realm, program: Program, ending: str, fault: dict[str, Any]
) -> None:
    before = len(realm.token_requests())
    realm.fault(**fault)
    log = "import logging; logging.basicConfig(level=logging.DEBUG, filename='/dev/null')\n"
    process = program(SENT + log + ending)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "started\n"
    wait_for_requests(realm, before + 1)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.wait(timeout=PATIENCE) == 0
    assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_the_interpreter_waits_for_a_thread_that_is_not_a_daemon(program: Program) -> None:
    process = program("""
import threading
threading.Thread(target=lambda: print(client.refresh(tokens).token_type)).start()
""")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors, process.returncode) == ("Bearer\n", "", 0)


@pytest.mark.parametrize("own", ["", ", on_event=print"])
def test_a_sub_interpreter_that_is_never_closed_ends(program: Program, own: str) -> None:
    """Python 3.12 and newer refuse to load the package there."""
    sub = f"""
import sys
sys.path.insert(0, {str(ROOT / "target" / "python")!r})
from sipgate_oauth2 import *
client = Client.sipgate("1-0-a:third-party", redirect_uri="https://example.com/auth", store=Store.memory(){own})
client.token_source("anna").status()
print("used", flush=True)
"""
    process = program(f"""
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    print("used")
else:
    interpreter = interpreters.create()
    interpreters.run_string(interpreter, {sub!r})
""")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors, process.returncode) == ("used\n", "", 0)


CHILDREN = {
    "Process": """
    child = context.Process(target=work)
    child.start()
    child.join()
""",
    "ProcessPoolExecutor": """
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        executor.submit(work).result()
""",
}

IMPORTED = "from sipgate_oauth2 import Client, Store, TemporaryError"


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN.keys())
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.parametrize("imported", ["by the program", "by the child"])
def test_a_child_of_multiprocessing_stores_what_it_has_started(
    realm: Realm, tmp_path: Path, child: str, method: str, imported: str
) -> None:
    realm.post("settings", {"rotation": True})
    source = realm.source(realm.client(Store.sqlite(tmp_path / "logins.db")))
    realm.fault("delay", ms=700)
    by_program, by_child = (IMPORTED, "") if imported == "by the program" else ("", IMPORTED)
    script = tmp_path / "program.py"
    script.write_text(f"""
import concurrent.futures, multiprocessing, sys
sys.path.insert(0, {str(ROOT / "target" / "python")!r})
{by_program}
def work():
    {by_child}
    client = Client.keycloak({realm.base!r}, "third-party", {CLIENT_ID!r}, client_secret={CLIENT_SECRET!r},
        store=Store.sqlite({str(tmp_path / "logins.db")!r}))
    try:
        client.token_source("anna").refresh(timeout=0.1)
    except TemporaryError:
        pass
def main():
    context = multiprocessing.get_context({method!r})
{child}
if __name__ == "__main__":
    main()
""")
    ended = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert source.status().generation == 2
    source.refresh()
    assert realm.counters()["invalid_grant"] == 0
