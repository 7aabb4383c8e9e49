"""Threads do not wait for one another, and their waits can be cancelled."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PATIENCE, Realm

from sipgate_oauth2 import CancelToken, Client, SipgateOAuth2Error, TemporaryError, TokenSet


def wait_for_requests(realm: Realm, number: int) -> None:
    """Waits until the realm has received this many more requests."""
    deadline = time.monotonic() + PATIENCE
    while len(realm.token_requests()) < number:
        assert time.monotonic() < deadline, f"only {len(realm.token_requests())} requests came"
        time.sleep(0.01)


def test_eight_threads_have_their_requests_in_flight_at_once(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    before = len(realm.token_requests())
    realm.fault("silent", times=8)
    cancel = CancelToken()
    with ThreadPoolExecutor(8) as threads:
        calls = [
            threads.submit(client.refresh, tokens, timeout=PATIENCE, cancel=cancel)
            for _ in range(8)
        ]
        try:
            wait_for_requests(realm, before + 8)
            assert not any(call.done() for call in calls)
        finally:
            cancel.cancel()
    assert len({request["connection"] for request in realm.token_requests()[before:]}) == 8
    for call in calls:
        error = call.exception()
        assert isinstance(error, SipgateOAuth2Error)
        assert error.code == "SIPGATE_CANCELLED"


def test_another_thread_cancels_the_main_threads_call(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    before = len(realm.token_requests())
    realm.fault("silent")
    cancel = CancelToken()

    def cancel_once_sent() -> None:
        wait_for_requests(realm, before + 1)
        cancel.cancel()

    canceller = threading.Thread(target=cancel_once_sent)
    canceller.start()
    with pytest.raises(SipgateOAuth2Error) as caught:
        client.refresh(tokens, timeout=PATIENCE, cancel=cancel)
    canceller.join()
    assert type(caught.value) is SipgateOAuth2Error
    assert caught.value.code == "SIPGATE_CANCELLED"
    assert cancel.cancelled


def test_a_token_cancelled_before_the_call_sends_nothing(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    before = len(realm.token_requests())
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(SipgateOAuth2Error, match="nothing was sent"):
        client.refresh(tokens, cancel=cancel)
    assert len(realm.token_requests()) == before


@pytest.mark.parametrize("on_main_thread", [True, False], ids=["main thread", "other thread"])
def test_a_timeout_ends_the_wait(
    realm: Realm, client: Client, tokens: TokenSet, on_main_thread: bool
) -> None:
    realm.fault("silent")
    with pytest.raises(TemporaryError) as caught:
        if on_main_thread:
            client.refresh(tokens, timeout=0.3)
        else:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(client.refresh, tokens, timeout=0.3).result()
    assert caught.value.code == "SIPGATE_OUTCOME_UNKNOWN"
    assert caught.value.retryable


def test_a_client_is_used_by_many_threads_at_once(client: Client, tokens: TokenSet) -> None:
    with ThreadPoolExecutor(8) as threads:
        refreshed = list(threads.map(lambda _: client.refresh(tokens), range(32)))
    assert len({new.access_token for new in refreshed}) == 32


def test_a_timeout_before_anything_was_sent_is_pythons_timeout_error_too(
    tokens: TokenSet,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimeoutError) as caught:
            Client.keycloak(base, "r", "client").refresh(tokens, timeout=0.2)
    assert isinstance(caught.value, TemporaryError)
    assert caught.value.code == "SIPGATE_TIMEOUT"
