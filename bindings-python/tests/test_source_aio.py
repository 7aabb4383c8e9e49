"""The asyncio token source."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import PATIENCE, Realm
from test_aio import sent
from test_bad_input import parameters
from test_threads import wait_for_requests

from sipgate_oauth2 import LoginRequiredError, Store, TemporaryError, TokenSource, aio


def test_a_login_is_awaited_from_beginning_to_end(strict: Realm) -> None:
    async def life() -> None:
        client = aio.Client.from_client(strict.client(Store.memory()))
        request = client.authorization_request("balance:read")
        callback = await asyncio.to_thread(strict.callback, request.url)
        source = await client.complete_login(request, callback, account="anna")
        first = await source.access_token()
        assert source.account == "anna"
        assert source.peek() == first
        assert await client.token_source("anna").access_token() == first
        assert await source.authorization_header() == f"Bearer {first}"
        assert await source.access_token(min_validity=60) == first
        second = await source.refresh()
        assert second != first
        source.invalidate(second)
        assert await source.access_token() == second, "a moment old"
        assert (await source.status()).generation == 2
        source.ensure_saved()
        await source.logout()
        with pytest.raises(LoginRequiredError):
            await source.access_token()
        tokens = await asyncio.to_thread(strict.log_in, strict.client(Store.memory()))
        await source.save(tokens)
        assert await source.access_token() not in (first, second)

    asyncio.run(life())


def test_a_token_in_memory_is_returned_without_yielding(source: TokenSource) -> None:
    """It does not use the event loop, so no other task runs in between."""
    coroutine = aio.TokenSource(source).access_token()
    with pytest.raises(StopIteration) as given:
        coroutine.send(None)
    assert given.value.value == source.access_token()


def test_threads_and_tasks_join_one_refresh(strict: Realm, source: TokenSource) -> None:
    first = source.access_token()
    source.invalidate(first)
    strict.fault("delay", ms=300)

    async def main() -> list[str]:
        awaited = aio.TokenSource(source)
        return await asyncio.gather(*(awaited.access_token() for _ in range(100)))

    with ThreadPoolExecutor(8) as threads:
        blocking = [threads.submit(source.access_token) for _ in range(8)]
        wait_for_requests(strict, 2)
        tokens = {*asyncio.run(main()), *(call.result() for call in blocking)}
    assert len(tokens) == 1
    assert first not in tokens
    counters = strict.counters()
    assert (counters["refresh_grants"], counters["invalid_grant"]) == (1, 0)


def test_a_cancelled_task_does_not_affect_the_refresh_of_the_others(
    strict: Realm, source: TokenSource
) -> None:
    first = source.access_token()
    strict.fault("delay", ms=300)

    async def main() -> str:
        awaited = aio.TokenSource(source)
        tasks = [asyncio.create_task(awaited.refresh(timeout=PATIENCE)) for _ in range(2)]
        await sent(strict, 2)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        return await tasks[1]

    assert asyncio.run(main()) != first
    assert strict.counters()["refresh_grants"] == 1


def test_a_timeout_ends_the_wait_for_a_new_token(strict: Realm, source: TokenSource) -> None:
    strict.fault("silent")
    awaited = aio.TokenSource(source)
    source.invalidate(source.access_token())
    for renewed in (awaited.refresh, awaited.access_token):
        with pytest.raises(TemporaryError) as caught:
            asyncio.run(renewed(timeout=0.2))
        assert caught.value.code == "SIPGATE_TIMEOUT"


def test_a_thousand_waiters_need_no_python_thread(strict: Realm, source: TokenSource) -> None:
    source.invalidate(source.access_token())
    strict.fault("delay", ms=300)

    async def main() -> int:
        awaited = aio.TokenSource(source)
        calls = [asyncio.create_task(awaited.access_token()) for _ in range(1000)]
        await asyncio.sleep(0)
        threads = pythons_threads()
        assert len(set(await asyncio.gather(*calls))) == 1
        return threads

    assert asyncio.run(main()) == pythons_threads()


def pythons_threads() -> int:
    """Without the library's threads, which Python lists once they have logged something."""
    return sum(not isinstance(one, threading._DummyThread) for one in threading.enumerate())


def test_both_apis_have_the_same_names_and_parameters() -> None:
    public = {name for name in dir(TokenSource) if not name.startswith("_")}
    awaited = {name for name in dir(aio.TokenSource) if not name.startswith("_")}
    # requests cannot be awaited.
    assert public - awaited == {"requests_auth"}
    for name in awaited - {"account", "account_hash"}:
        blocking = parameters(getattr(TokenSource, name)) - {"cancel"}
        assert parameters(getattr(aio.TokenSource, name)) == blocking, name
    awaits = list(inspect.signature(aio.Client.complete_login).parameters)
    assert awaits == ["self", "request", "callback", "account", "timeout"]


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_source_shows_no_token_and_is_not_pickled(source: TokenSource, copied: Any) -> None:
    awaited = aio.TokenSource(source)
    assert repr(awaited) == "aio.TokenSource(account='anna', …)"
    with pytest.raises(TypeError, match="make another"):
        copied(awaited)
