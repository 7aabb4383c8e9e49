"""The asyncio client."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import queue
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Realm
from test_bad_input import parameters

from sipgate_oauth2 import (
    Client,
    LoginRequiredError,
    SipgateOAuth2Error,
    TemporaryError,
    TokenSet,
    aio,
)


async def sent(realm: Realm, number: int) -> None:
    """Waits until the realm has received this many requests."""
    deadline = time.monotonic() + PATIENCE
    while len(await asyncio.to_thread(realm.token_requests)) < number:
        assert time.monotonic() < deadline, "too few requests came"
        await asyncio.sleep(0.01)


def test_a_complete_login_is_awaited(realm: Realm, client: Client) -> None:
    async def login() -> tuple[TokenSet, TokenSet]:
        awaited = aio.Client.from_client(client)
        request = awaited.authorization_request("balance:read")
        callback = await asyncio.to_thread(realm.callback, request.url)
        tokens = await awaited.exchange_callback(request, callback)
        return tokens, await awaited.refresh(tokens)

    first, second = asyncio.run(login())
    assert first.access_token != second.access_token


def test_an_error_is_raised_where_it_is_awaited(client: Client) -> None:
    with pytest.raises(LoginRequiredError) as caught:
        asyncio.run(aio.Client.from_client(client).refresh("not a refresh token"))
    assert caught.value.oauth_error == "invalid_grant"


def test_a_failed_call_leaves_nothing_to_the_garbage_collector(client: Client) -> None:
    class Watched(aio.Client):
        pass

    async def fail(watched: Watched) -> None:
        with contextlib.suppress(LoginRequiredError):
            await watched.refresh("not a refresh token")

    async def main() -> weakref.ref[Watched]:
        watched = Watched.from_client(client)
        await fail(watched)
        return weakref.ref(watched)

    gc.disable()
    try:
        kept = asyncio.run(main())
        deadline = time.monotonic() + PATIENCE
        # The library's thread may still be about to release the error.
        while kept() is not None:
            assert time.monotonic() < deadline, "the client is kept"
            time.sleep(0.01)
    finally:
        gc.enable()


def test_twenty_requests_are_in_flight_on_one_python_thread(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    before = len(realm.token_requests())
    realm.fault("silent", times=20)

    async def main() -> int:
        calls = [
            asyncio.create_task(aio.Client.from_client(client).refresh(tokens, timeout=PATIENCE))
            for _ in range(20)
        ]
        await asyncio.sleep(0)
        threads = threading.active_count()
        await sent(realm, before + 20)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)
        return threads

    assert asyncio.run(main()) == threading.active_count()


def test_cancelling_the_task_ends_the_wait_but_not_the_request(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    before = len(realm.token_requests())
    realm.fault("silent")

    async def main() -> None:
        call = asyncio.create_task(aio.Client.from_client(client).refresh(tokens, timeout=PATIENCE))
        await sent(realm, before + 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())


def test_a_task_cancelled_before_it_ran_sends_nothing(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    before = len(realm.token_requests())

    async def main() -> None:
        call = asyncio.create_task(aio.Client.from_client(client).refresh(tokens))
        call.cancel()
        await asyncio.wait([call])

    asyncio.run(main())
    assert len(realm.token_requests()) == before


def test_the_calls_own_timeout_ends_the_wait_and_the_error_tells_the_outcome(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    realm.fault("silent")
    with pytest.raises(TemporaryError) as caught:
        asyncio.run(aio.Client.from_client(client).refresh(tokens, timeout=0.2))
    assert caught.value.code == "SIPGATE_OUTCOME_UNKNOWN"


def test_a_timeout_around_the_call_raises_asyncios_error(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    realm.fault("silent")

    async def main() -> None:
        await asyncio.wait_for(
            aio.Client.from_client(client).refresh(tokens, timeout=PATIENCE), 0.2
        )

    with pytest.raises(asyncio.TimeoutError) as caught:
        asyncio.run(main())
    assert not isinstance(caught.value, SipgateOAuth2Error)


class WatchesNoSockets(asyncio.SelectorEventLoop):
    """As the event loop of Windows. Keeps why it could not be woken."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: queue.Queue[BaseException] = queue.Queue()

    def add_reader(self, *args: Any) -> None:  # type: ignore[override]
        raise NotImplementedError

    def call_soon_threadsafe(  # type: ignore[override]
        self, *args: Any, **kwargs: Any
    ) -> asyncio.Handle:
        try:
            return super().call_soon_threadsafe(*args, **kwargs)
        except RuntimeError as error:
            self.refused.put(error)
            raise


def test_a_loop_that_was_closed_during_a_call_does_no_harm(
    realm: Realm, client: Client, tokens: TokenSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    watches_none = WatchesNoSockets()
    for loop in (asyncio.SelectorEventLoop(), watches_none):
        before = len(realm.token_requests())
        realm.fault("delay", ms=200)
        coroutine = aio.Client.from_client(client).refresh(tokens)
        loop.create_task(coroutine)
        loop.run_until_complete(sent(realm, before + 1))
        loop.close()
        # It ends after the other.
        realm.fault("delay", ms=400)
        assert asyncio.run(aio.Client.from_client(client).refresh(tokens)) != tokens
        coroutine.close()
    assert "closed" in str(watches_none.refused.get(timeout=PATIENCE))
    assert unraisable == []


def test_a_loop_that_watches_no_sockets_is_told_all_outcomes(
    client: Client, tokens: TokenSet
) -> None:
    async def main() -> list[TokenSet]:
        awaited = aio.Client.from_client(client)
        return await asyncio.gather(*(awaited.refresh(tokens) for _ in range(20)))

    loop = WatchesNoSockets()
    assert len({tokens.access_token for tokens in loop.run_until_complete(main())}) == 20
    loop.close()


class InterruptedOnce(asyncio.SelectorEventLoop):
    """As if a signal came while it is told an outcome."""

    interrupted = False

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        return super().call_soon(callback, *args, context=context)


def test_a_signal_that_comes_while_outcomes_are_told_ends_the_loop(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    loop = InterruptedOnce()

    async def main() -> None:
        realm.fault("delay", ms=300)
        refresh = loop.create_task(aio.Client.from_client(client).refresh(tokens))
        await sent(realm, before + 1)
        loop.interrupted = True
        await refresh

    before = len(realm.token_requests())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(main())
    loop.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_loops_that_have_ended_keep_no_descriptors(client: Client, tokens: TokenSet) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    for _ in range(10):
        asyncio.run(aio.Client.from_client(client).refresh(tokens))
    # A connection may be about to be closed.
    deadline = time.monotonic() + PATIENCE
    while descriptors() > before:
        assert time.monotonic() < deadline, "descriptors stay open"
        time.sleep(0.01)


def test_clients_of_two_loops_share_one_client(client: Client, tokens: TokenSet) -> None:
    shared = aio.Client.from_client(client)
    results: list[TokenSet] = []
    threads = [
        threading.Thread(target=lambda: results.append(asyncio.run(shared.refresh(tokens))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tokens.access_token for tokens in results}) == 4


def test_both_apis_have_the_same_names_and_parameters() -> None:
    public = {name for name in dir(Client) if not name.startswith("_")}
    awaited = {name for name in dir(aio.Client) if not name.startswith("_")}
    assert awaited - public == {"from_client"}
    assert public <= awaited
    waits = {name for name in public if inspect.iscoroutinefunction(getattr(aio.Client, name))}
    assert {"exchange_callback", "complete_login", "logout_url", "introspect"} <= waits
    for name in waits:
        blocking = parameters(getattr(Client, name)) - {"cancel"}
        assert parameters(getattr(aio.Client, name)) == blocking, name
    for name in ("authorization_request", "keycloak", "sipgate", "from_env"):
        assert getattr(aio.Client, name).__doc__ == getattr(Client, name).__doc__, name


def test_no_executor_is_used(client: Client, tokens: TokenSet) -> None:
    class Loop(asyncio.SelectorEventLoop):
        def run_in_executor(self, *args: Any) -> Any:  # type: ignore[override]
            raise AssertionError("an executor's thread was asked for")

    loop = Loop()
    assert loop.run_until_complete(aio.Client.from_client(client).refresh(tokens)) != tokens
    loop.close()
