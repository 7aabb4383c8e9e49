"""A waiting call on the main thread lets signal handlers run."""

from __future__ import annotations

import signal
import sys

import pytest
from conftest import PATIENCE, Program, Realm
from test_threads import wait_for_requests

# A background program of a shell starts with Ctrl-C ignored.
HONORING_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


def test_ctrl_c_ends_a_call_to_a_silent_server(realm: Realm, program: Program) -> None:
    before = len(realm.token_requests())
    realm.fault("silent")
    waiting = program(f"""{HONORING_CTRL_C}
try:
    client.refresh(tokens, timeout={PATIENCE})
except KeyboardInterrupt:
    print("interrupted")
""")
    wait_for_requests(realm, before + 1)
    waiting.send_signal(signal.SIGINT)
    output, errors = waiting.communicate(timeout=PATIENCE)
    assert (output, errors, waiting.returncode) == ("interrupted\n", "", 0)


def test_ctrl_c_ends_a_program_at_a_silent_server(realm: Realm, program: Program) -> None:
    before = len(realm.token_requests())
    realm.fault("silent")
    waiting = program(f"{HONORING_CTRL_C}client.refresh(tokens, timeout={PATIENCE})")
    wait_for_requests(realm, before + 1)
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=PATIENCE)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert waiting.returncode == -signal.SIGINT


def test_after_a_handler_returns_the_call_still_waits_and_the_handler_can_cancel_it(
    realm: Realm, program: Program
) -> None:
    before = len(realm.token_requests())
    realm.fault("silent")
    waiting = program(f"""
import signal
cancel, handled = CancelToken(), []
def handler(number, frame):
    handled.append(number)
    if len(handled) == 2:
        cancel.cancel()
    print("handled", flush=True)
signal.signal(signal.SIGUSR1, handler)
print("ready", flush=True)
try:
    client.refresh(tokens, timeout={PATIENCE}, cancel=cancel)
except SipgateOAuth2Error as error:
    print(error.code, len(handled))
""")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "ready\n"
    wait_for_requests(realm, before + 1)
    for _ in range(2):
        waiting.send_signal(signal.SIGUSR1)
        assert waiting.stdout.readline() == "handled\n"
    assert waiting.stdout.readline() == "SIPGATE_CANCELLED 2\n"
    assert waiting.wait(timeout=PATIENCE) == 0
