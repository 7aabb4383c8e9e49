"""One login that all threads use."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import CLIENT_ID, CLIENT_SECRET, PATIENCE, Program, Realm
from test_signals import HONORING_CTRL_C
from test_threads import wait_for_requests

from sipgate_oauth2 import (
    CancelToken,
    LoginRequiredError,
    SipgateOAuth2Error,
    Store,
    TemporaryError,
    TokenSource,
    TokenStatus,
)


def test_a_login_returns_its_token_from_memory_and_to_other_sources(strict: Realm) -> None:
    client = strict.client(Store.memory())
    source = strict.source(client)
    token = source.access_token()
    assert source.access_token(timeout=0) == source.peek() == token
    assert source.authorization_header() == f"Bearer {token}"
    assert client.token_source("anna").access_token() == token
    assert client.token_source("berta").peek() is None
    with pytest.raises(LoginRequiredError):
        client.token_source("berta").access_token()
    assert source.account == "anna"
    assert strict.counters()["token_requests"] == 1


def test_a_token_in_memory_is_one_string_until_it_is_replaced(strict: Realm) -> None:
    source = strict.source(strict.client(Store.memory(recheck=3600)))
    first = source.access_token()
    assert source.access_token() is source.peek() is first
    second = source.refresh()
    assert second != first
    assert source.access_token() == source.peek() == second
    source.logout()
    assert source.peek() is None


def test_sixty_four_threads_at_the_moment_of_expiry_cause_one_request(strict: Realm) -> None:
    strict.post("settings", {"access_token_lifespan": 1})
    source = strict.source(strict.client(Store.memory()))
    first = source.access_token()
    time.sleep(1.1)
    strict.post("settings", {"access_token_lifespan": 300})
    with ThreadPoolExecutor(64) as threads:
        tokens = set(threads.map(lambda _: source.access_token(), range(64)))
    assert len(tokens) == 1
    assert first not in tokens
    counters = strict.counters()
    assert (counters["refresh_grants"], counters["invalid_grant"]) == (1, 0)


def test_a_callback_that_is_loaded_twice_at_once_creates_one_login(strict: Realm) -> None:
    client = strict.client(Store.memory())
    request = client.authorization_request("balance:read")
    callback = strict.callback(request.url)
    with ThreadPoolExecutor(4) as threads:
        sources = threads.map(
            lambda _: client.complete_login(request, callback, account="anna"), range(4)
        )
        assert len({source.access_token() for source in sources}) == 1
    assert strict.counters()["token_requests"] == 1


def test_late_refusals_of_one_token_cause_one_refresh(strict: Realm, source: TokenSource) -> None:
    first = source.access_token()
    for _ in range(20):
        source.invalidate(first)
        assert source.access_token() != first
    assert strict.counters()["refresh_grants"] == 1


def test_a_token_that_would_expire_too_soon_is_refreshed(strict: Realm) -> None:
    strict.post("settings", {"access_token_lifespan": 5})
    source = strict.source(strict.client(Store.memory()))
    first = source.access_token()
    time.sleep(1.2)
    strict.post("settings", {"access_token_lifespan": 300})
    assert source.access_token(min_validity=1) == first
    second = source.access_token(min_validity=60)
    assert second != first
    assert source.access_token(min_validity=60) == second
    assert strict.counters()["refresh_grants"] == 1


def test_tokens_obtained_elsewhere_are_a_login(strict: Realm) -> None:
    client = strict.client(Store.memory())
    tokens = strict.log_in(client)
    source = client.token_source("anna")
    source.save(tokens)
    assert source.access_token() == tokens.access_token
    assert source.refresh() != tokens.access_token


def test_a_logout_ends_the_login_locally_and_at_the_server(
    strict: Realm, source: TokenSource
) -> None:
    source.logout()
    with pytest.raises(LoginRequiredError):
        source.access_token()
    assert source.peek() is None
    assert source.status().state == "logged_out"
    assert strict.counters()["sessions_ended"] == 1


def test_the_status_describes_the_login(strict: Realm, source: TokenSource) -> None:
    status = source.status()
    assert (status.state, status.generation) == ("active", 1)
    assert status.scope is not None
    assert "balance:read" in status.scope.split()
    assert status.expires_at is not None
    assert status.refresh_expires_at is not None
    assert (status.last_error, status.unsaved) == (None, False)
    strict.post("settings", {"user": "anna", "enabled": False})
    with pytest.raises(LoginRequiredError):
        source.refresh()
    refused = source.status()
    assert refused.state == "rejected"
    assert isinstance(refused.last_error, LoginRequiredError)
    assert "last_error=SIPGATE_LOGIN_REQUIRED" in repr(refused)
    with pytest.raises(AttributeError):
        refused.state = "active"  # type: ignore[misc]


def test_the_status_is_a_value(source: TokenSource) -> None:
    status = source.status()
    assert status == source.status() == dataclasses.replace(status)
    assert status == TokenStatus(**dataclasses.asdict(status))
    assert hash(status) == hash(source.status())
    assert len({status, source.status()}) == 1
    assert status != dataclasses.replace(status, generation=2)
    assert status != dataclasses.asdict(status)


def test_a_waiting_thread_does_not_hold_the_interpreter(strict: Realm, source: TokenSource) -> None:
    before = len(strict.token_requests())
    strict.fault("silent")
    cancel = CancelToken()
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(source.refresh, timeout=PATIENCE, cancel=cancel)
        # This thread continues, or it could not see the request arrive.
        wait_for_requests(strict, before + 1)
        assert not call.done()
        cancel.cancel()
        error = call.exception()
    assert isinstance(error, SipgateOAuth2Error)
    assert error.code == "SIPGATE_CANCELLED"


def test_a_callers_timeout_does_not_affect_the_refresh_of_the_others(
    strict: Realm, source: TokenSource
) -> None:
    first = source.access_token()
    strict.fault("delay", ms=400)
    with ThreadPoolExecutor(2) as threads:
        patient = threads.submit(source.refresh)
        wait_for_requests(strict, 2)
        assert source.access_token(timeout=0.01) == first, "the token in hand"
        for renewed in (source.refresh, source.access_token):
            source.invalidate(first)
            with pytest.raises(TemporaryError) as caught:
                renewed(timeout=0.01)
            assert caught.value.code == "SIPGATE_TIMEOUT"
        assert patient.result() != first
    assert strict.counters()["refresh_grants"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_ends_the_wait_for_a_token(strict: Realm, program: Program) -> None:
    before = len(strict.token_requests())
    strict.fault("silent")
    waiting = program(f"""{HONORING_CTRL_C}
keeping = Client.keycloak({strict.base!r}, "third-party", {CLIENT_ID!r}, client_secret={CLIENT_SECRET!r}, store=Store.memory())
source = keeping.token_source("anna")
source.save(tokens)
try:
    source.refresh(timeout={PATIENCE})
except KeyboardInterrupt:
    print("interrupted", source.access_token() == tokens.access_token)
""")
    wait_for_requests(strict, before + 1)
    waiting.send_signal(signal.SIGINT)
    output, errors = waiting.communicate(timeout=PATIENCE)
    assert (output, errors, waiting.returncode) == ("interrupted True\n", "", 0)


def test_a_source_shows_no_token_and_is_not_pickled(source: TokenSource, tmp_path: Path) -> None:
    token = source.access_token()
    for shown in (repr(source), str(source), repr(dir(source)), repr(source.status())):
        assert token not in shown
    assert repr(source) == "TokenSource(account='anna', …)"
    store = Store.sqlite(tmp_path / "logins.db", encryption_keys=["ab" * 32])
    assert "ab" * 32 not in repr(store)
    for secretive in (source, store):
        for copied in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="make another"):
                copied(secretive)
        with pytest.raises(AttributeError):
            secretive.something_new = 1  # type: ignore[union-attr]


def test_a_source_is_created_in_one_thread_and_used_in_another(source: TokenSource) -> None:
    tokens: list[str] = []
    thread = threading.Thread(target=lambda: tokens.append(source.access_token()))
    thread.start()
    thread.join()
    assert tokens == [source.access_token()]
