"""Custom stores."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import CLIENT_ID, CLIENT_SECRET, PATIENCE, Program, Realm
from test_threads import wait_for_requests

from sipgate_oauth2 import (
    LoginRequiredError,
    SipgateOAuth2Error,
    Store,
    StoreError,
    TemporaryError,
    aio,
    check_store,
)

Entry = tuple[str, bytes, int | None]


class Custom:
    """A minimal custom store."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.swapping = threading.Lock()
        self.raising: BaseException | None = None

    def load(self, key: str) -> Any:
        if self.raising:
            raise self.raising
        return self.entries.get(key)

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> Any:
        if self.raising:
            raise self.raising
        with self.swapping:
            there = self.entries.get(key)
            if (there and there[0]) != expected:
                return False
            self.entries[key] = version, data, expires_at
            return True


class Awaited:
    """An async store that runs on any event loop."""

    def __init__(self, custom: Custom) -> None:
        self.custom = custom
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def load(self, key: str) -> Any:
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return self.custom.load(key)

    async def save(self, key: str, *entry: Any) -> Any:
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return self.custom.save(key, *entry)


class Table:
    """A database table, with the two statements of the guide."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with contextlib.closing(self.connected()) as database:
            database.execute(
                "CREATE TABLE logins (key TEXT PRIMARY KEY, version TEXT, data BLOB, expires_at INTEGER)"
            )

    def connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, isolation_level=None)
        database.row_factory = sqlite3.Row
        return database

    def load(self, key: str) -> Any:
        query = "SELECT version, data, expires_at FROM logins WHERE key = ?"
        with contextlib.closing(self.connected()) as database:
            return database.execute(query, (key,)).fetchone()

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        update = (
            "UPDATE logins SET version = ?, data = ?, expires_at = ? WHERE key = ? AND version = ?"
        )
        insert = "INSERT INTO logins VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        with contextlib.closing(self.connected()) as database:
            if expected is None:
                done = database.execute(insert, (key, version, data, expires_at))
            else:
                done = database.execute(update, (version, data, expires_at, key, expected))
            return done.rowcount == 1


def test_a_login_is_kept_in_the_custom_store(strict: Realm, tmp_path: Path) -> None:
    table = Table(tmp_path / "application.db")
    source = strict.source(strict.client(Store(table, recheck=0)))
    token = source.access_token()
    other = strict.client(Store(table)).token_source("anna")
    assert other.access_token() == token
    assert other.refresh() == source.access_token() != token
    source.logout()
    assert (strict.counters()["refresh_grants"], strict.counters()["invalid_grant"]) == (1, 0)


@pytest.mark.parametrize("kind", ["a dict", "a table"])
def test_a_correct_store_passes_the_check(kind: str, tmp_path: Path) -> None:
    custom = Custom() if kind == "a dict" else Table(tmp_path / "application.db")
    assert check_store(custom) == []


def test_an_async_store_is_checked_on_its_event_loop() -> None:
    awaited = Awaited(Custom())

    async def main() -> asyncio.AbstractEventLoop:
        assert await aio.check_store(awaited) == []
        return asyncio.get_running_loop()

    assert awaited.loops == {asyncio.run(main())}


class Forgetful(Custom):
    def save(self, *entry: Any) -> Any:
        return True


class Overwriting(Custom):
    def save(self, key: str, expected: str | None, *entry: Any) -> Any:
        self.entries[key] = entry
        return True


class Trimming(Custom):
    def load(self, key: str) -> Any:
        found = super().load(key)
        return found and (found[0], found[1].rstrip(b"\0"), found[2])


class Endless(Custom):
    def load(self, key: str) -> Any:
        found = super().load(key)
        return found and (found[0], found[1], None)


class Vague(Custom):
    def save(self, *entry: Any) -> Any:
        super().save(*entry)


@pytest.mark.parametrize(
    ("custom", "broken"),
    [
        (Forgetful(), "stores if there is none"),
        (Overwriting(), "a conflict changes nothing"),
        (Trimming(), "come back as they were given"),
        (Endless(), "come back as they were given"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_rule_is_named(custom: Custom, broken: str) -> None:
    assert any(broken in violation for violation in check_store(custom))


class Misspelt(Custom):
    def load(self, key: str) -> Any:
        return self.entires.get(key)  # type: ignore[attr-defined]


class OfAnotherShape(Custom):
    def save(self, key: str, version: str, data: bytes) -> Any:  # type: ignore[override]
        return True


class Awaiting(Custom):
    async def load(self, key: str) -> Any:
        return None


MISTAKES = {
    "an attribute that is not there": (Misspelt(), "load raised AttributeError", "entires"),
    "other arguments": (OfAnotherShape(), "save raised TypeError", "positional argument"),
    "nothing returned": (Vague(), "save raised TypeError", "save must return True"),
    "async where nothing awaits": (Awaiting(), "load raised NotImplementedError", "aio"),
}


@pytest.mark.parametrize(("custom", "said", "cause"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_bug_in_the_code_of_a_store_is_reported_as_one(
    strict: Realm, custom: Custom, said: str, cause: str
) -> None:
    def log_in_with(custom: Custom) -> None:
        strict.source(strict.client(Store(custom)))

    for use in (check_store, log_in_with):
        with pytest.raises(StoreError, match=said) as caught:
            use(custom)
        assert (caught.value.code, caught.value.remedy) == (
            "SIPGATE_STORE_UNAVAILABLE",
            "fix_configuration",
        )
        assert cause in str(caught.value.__cause__)


def test_an_exception_from_a_store_ends_its_check() -> None:
    custom = Custom()
    custom.raising = sqlite3.OperationalError("no such table: logins")
    with pytest.raises(StoreError, match="load raised OperationalError; see the cause") as caught:
        check_store(custom)
    assert caught.value.__cause__ is custom.raising


@pytest.mark.parametrize(
    "data", [bytes, bytearray, memoryview], ids=["bytes", "bytearray", "memoryview"]
)
def test_an_entry_is_any_sequence_of_three_and_data_any_bytes(data: Any) -> None:
    class Rows(Custom):
        def load(self, key: str) -> Any:
            found = super().load(key)
            return found and [found[0], data(found[1]), found[2]]

    assert check_store(Rows()) == []


@pytest.mark.parametrize(
    "entry",
    [
        5,
        "abc",
        (),
        ("v", b"d"),
        ("v", "d", None),
        (1, b"d", None),
        ("v", b"d", "1"),
        ("v", 3, None),
    ],
    ids=repr,
)
def test_an_invalid_entry_is_an_error_that_describes_a_valid_one(strict: Realm, entry: Any) -> None:
    custom = Custom()
    source = strict.client(Store(custom)).token_source("anna")
    custom.load = lambda key: entry  # type: ignore[method-assign]
    with pytest.raises(StoreError) as caught:
        source.access_token()
    assert caught.value.code == "SIPGATE_STORE_UNAVAILABLE"
    assert isinstance(caught.value.__cause__, TypeError)
    assert "(version, data, expires_at)" in str(caught.value.__cause__)


class Listing(Custom):
    """Lists its keys, in a way that can be set."""

    def __init__(self, listed: Any = None) -> None:
        super().__init__()
        self.listed = listed

    def keys(self, after: str | None, limit: int) -> Any:
        if self.listed is not None:
            return self.listed
        return sorted(key for key in self.entries if after is None or key > after)[:limit]


class Inclusive(Listing):
    """Begins with the key that it is to begin after."""

    def keys(self, after: str | None, limit: int) -> Any:
        return sorted(key for key in self.entries if after is None or key >= after)[:limit]


def test_the_check_tests_the_function_that_lists_keys() -> None:
    assert check_store(Listing()) == []
    (broken,) = check_store(Inclusive())
    assert "keys are listed in their order" in broken


@pytest.mark.parametrize("listed", [5, "", [1], ["not a key"], {"a": 1}])
def test_an_invalid_list_of_keys_is_an_error_that_describes_a_valid_one(
    strict: Realm, listed: Any
) -> None:
    client = strict.client(Store(Listing(listed)))
    with pytest.raises(StoreError, match="keys raised TypeError") as caught:
        list(client.accounts())
    assert caught.value.remedy == "fix_configuration"
    assert "keys must return" in str(caught.value.__cause__)


def test_a_store_without_the_function_says_so(strict: Realm) -> None:
    with pytest.raises(SipgateOAuth2Error, match="keys\\(after, limit\\)") as caught:
        strict.client(Store(Custom())).keep_alive()
    assert caught.value.code == "SIPGATE_UNSUPPORTED"


def test_a_stores_exception_is_the_cause_and_its_text_is_not_repeated(strict: Realm) -> None:
    custom = Custom()
    source = strict.client(Store(custom)).token_source("anna")
    custom.raising = ZeroDivisionError("a secret in it")
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(source.access_token) for _ in range(8)]
    for call in calls:
        error = call.exception()
        assert isinstance(error, StoreError)
        assert error.code == "SIPGATE_STORE_UNAVAILABLE"
        assert error.retryable
        assert error.__cause__ is custom.raising
        assert "a secret in it" not in str(error)
    assert strict.counters()["token_requests"] == 0


def test_a_valid_token_is_returned_while_the_store_fails(strict: Realm) -> None:
    custom = Custom()
    source = strict.source(strict.client(Store(custom, recheck=0)))
    token = source.access_token()
    custom.raising = OSError("gone")
    assert source.access_token() == token
    with pytest.raises(StoreError):
        source.refresh()
    assert strict.counters()["refresh_grants"] == 0


def test_tokens_that_cannot_be_saved_are_returned_and_reported_as_unsaved(strict: Realm) -> None:
    custom = Custom()
    source = strict.source(strict.client(Store(custom)))
    first = source.access_token()
    source.ensure_saved()
    strict.fault("delay", ms=300)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(source.refresh)
        wait_for_requests(strict, 2)
        custom.raising = OSError("disk full")
        second = call.result()
    assert second != first
    with pytest.raises(StoreError) as caught:
        source.ensure_saved()
    assert caught.value.code == "SIPGATE_UNSAVED"
    assert source.status().unsaved
    custom.raising = None
    deadline = time.monotonic() + PATIENCE
    while source.status().unsaved:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    source.ensure_saved()
    assert strict.client(Store(custom)).token_source("anna").access_token() == second


def test_entries_of_a_custom_store_are_encrypted_too(strict: Realm) -> None:
    custom = Custom()
    store = Store(custom, encryption_keys=["0b" * 32])
    token = strict.source(strict.client(store)).access_token()
    assert custom.entries
    assert all(token.encode() not in entry[1] for entry in custom.entries.values())


def test_an_event_loop_ends_only_after_its_store_has_saved_a_refresh(strict: Realm) -> None:
    store = Awaited(Custom())
    client = aio.Client.from_client(strict.client(Store(store)))

    async def log_in() -> None:
        request = client.authorization_request("balance:read")
        callback = await asyncio.to_thread(strict.callback, request.url)
        await client.complete_login(request, callback, account="anna")

    async def leave() -> None:
        with pytest.raises(TemporaryError):
            await client.token_source("anna").refresh(timeout=0.3)

    async def use() -> int:
        source = client.token_source("anna")
        await source.refresh()
        return (await source.status()).generation

    asyncio.run(log_in())
    strict.fault("delay", ms=800)
    asyncio.run(leave())
    assert asyncio.run(use()) == 3
    assert strict.counters()["invalid_grant"] == 0


def test_an_async_store_runs_on_the_loop_that_its_client_is_used_on(strict: Realm) -> None:
    awaited = Awaited(Custom())
    client = aio.Client.from_client(strict.client(Store(awaited, recheck=0)))

    async def log_in() -> asyncio.AbstractEventLoop:
        request = client.authorization_request("balance:read")
        callback = await asyncio.to_thread(strict.callback, request.url)
        source = await client.complete_login(request, callback, "anna")
        first = await source.access_token()
        assert await source.refresh() != first
        return asyncio.get_running_loop()

    async def use() -> asyncio.AbstractEventLoop:
        source = client.token_source("anna")
        assert len(set(await asyncio.gather(*(source.access_token() for _ in range(20))))) == 1
        assert (await source.status()).generation == 2
        await source.logout()
        return asyncio.get_running_loop()

    assert awaited.loops == {asyncio.run(log_in())}
    awaited.loops.clear()
    assert awaited.loops == {asyncio.run(use())}


def test_thread_local_data_of_a_store_lasts_as_long_as_the_thread(strict: Realm) -> None:
    """An ORM keeps its database connections this way."""

    class Connection:
        pass

    class PerThread(Custom):
        def __init__(self) -> None:
            super().__init__()
            self.local = threading.local()
            self.calls = 0
            self.threads: set[int] = set()
            self.connections: weakref.WeakSet[Connection] = weakref.WeakSet()
            self.made = 0

        def connect(self) -> None:
            self.calls += 1
            self.threads.add(threading.get_native_id())
            if not hasattr(self.local, "connection"):
                self.local.connection = Connection()
                self.connections.add(self.local.connection)
                self.made += 1

        def load(self, key: str) -> Any:
            self.connect()
            return super().load(key)

        def save(self, key: str, *entry: Any) -> Any:
            self.connect()
            return super().save(key, *entry)

    custom = PerThread()
    client = strict.client(Store(custom))
    for number in range(20):
        strict.source(client, f"user-{number}")
    assert custom.calls > 100
    assert custom.made == len(custom.threads)
    # It lasts no longer: idle threads end after a while.
    deadline = time.monotonic() + PATIENCE
    while custom.connections:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_async_stores_exception_is_the_cause(strict: Realm) -> None:
    awaited = Awaited(Custom())
    awaited.custom.raising = ZeroDivisionError("a secret in it")
    source = aio.Client.from_client(strict.client(Store(awaited))).token_source("anna")
    with pytest.raises(StoreError) as caught:
        asyncio.run(source.access_token())
    assert caught.value.__cause__ is awaited.custom.raising
    assert "a secret in it" not in str(caught.value)


def test_an_async_store_without_an_event_loop_is_an_error_that_says_so(
    strict: Realm, recwarn: pytest.WarningsRecorder
) -> None:
    source = strict.client(Store(Awaited(Custom()))).token_source("anna")
    with pytest.raises(StoreError) as caught:
        source.access_token()
    assert "sipgate_oauth2.aio" in str(caught.value.__cause__)
    assert not recwarn.list


def test_an_async_store_whose_event_loop_is_closed_is_an_error_that_says_so(
    strict: Realm, recwarn: pytest.WarningsRecorder
) -> None:
    source = strict.client(Store(Awaited(Custom()))).token_source("anna")
    assert asyncio.run(aio.TokenSource(source).status()).state == "absent"
    with pytest.raises(StoreError) as caught:
        source.refresh()
    assert "closed" in str(caught.value.__cause__)
    assert not recwarn.list


def test_an_awaitable_that_is_not_a_coroutine_is_an_error(strict: Realm) -> None:
    class Odd:
        def __await__(self) -> Any:
            raise AssertionError

    custom = Custom()
    custom.load = lambda key: Odd()  # type: ignore[method-assign]
    source = aio.Client.from_client(strict.client(Store(custom))).token_source("anna")
    with pytest.raises(StoreError) as caught:
        asyncio.run(source.access_token())
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_loop_that_ends_during_a_store_call_does_no_harm(strict: Realm) -> None:
    class Stuck(Awaited):
        async def load(self, key: str) -> Any:
            asked.set()
            await asyncio.sleep(PATIENCE)

    asked = threading.Event()
    awaited = Stuck(Custom())
    client = strict.client(Store(awaited))

    async def main() -> None:
        call = asyncio.create_task(
            aio.Client.from_client(client).token_source("anna").access_token()
        )
        await asyncio.to_thread(asked.wait, PATIENCE)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())
    # The unfinished call of the last loop does not delay the next one.
    awaited.load = Awaited(Custom()).load  # type: ignore[method-assign]
    with pytest.raises(LoginRequiredError):
        while True:
            with contextlib.suppress(StoreError):
                asyncio.run(aio.Client.from_client(client).token_source("anna").access_token())


STORE = f"""
import threading, time, asyncio
from sipgate_oauth2 import aio
entries = {{}}
class Custom:
    def load(self, key):
        return entries.get(key)
    def save(self, key, expected, *entry):
        if (entries.get(key) or [None])[0] != expected:
            return False
        entries[key] = entry
        return True
class Slow(Custom):
    def load(self, key):
        print("asked", flush=True)
        time.sleep(0.3)
        return super().load(key)
def quietly(function, *arguments):
    try:
        function(*arguments)
    except SipgateOAuth2Error:
        pass
class Never:
    async def load(self, key):
        print("asked", flush=True)
        await asyncio.sleep({PATIENCE})
    async def save(self, *entry):
        return True
"""

BLOCKED = {
    "a store that never returns": """
class Blocked(Custom):
    def load(self, key):
        print("asked", flush=True)
        threading.Event().wait()
source = keeping(Blocked()).token_source("anna")
threading.Thread(target=lambda: quietly(source.access_token), daemon=True).start()
time.sleep(0.3)
""",
    "a store that tries for ever": """
class Trying(Custom):
    def load(self, key):
        print("asked", flush=True)
        while True:
            time.sleep(0.001)
source = keeping(Trying()).token_source("anna")
threading.Thread(target=lambda: quietly(source.access_token), daemon=True).start()
time.sleep(0.3)
""",
    "an event handler that tries for ever": """
def trying(event):
    print("asked", flush=True)
    while True:
        time.sleep(0.001)
source = keeping(Custom(), on_event=trying).token_source("anna")
source.save(tokens, timeout=1)
""",
    "an event handler that never returns": """
def blocked(event):
    print("asked", flush=True)
    threading.Event().wait()
source = keeping(Custom(), on_event=blocked).token_source("anna")
source.save(tokens, timeout=1)
""",
}

ENDINGS = {
    "while its store works": """
source = keeping(Slow()).token_source("anna")
threading.Thread(target=lambda: quietly(source.access_token), daemon=True).start()
time.sleep(0.1)
""",
    "while a loop works on its store": """
source = aio.Client.from_client(keeping(Never())).token_source("anna")
threading.Thread(target=lambda: quietly(asyncio.run, source.access_token()), daemon=True).start()
time.sleep(0.3)
""",
}


@pytest.mark.parametrize(
    "ending", [*ENDINGS.values(), *BLOCKED.values()], ids=[*ENDINGS.keys(), *BLOCKED.keys()]
)
def test_an_interpreter_ends_quietly(realm: Realm, program: Program, ending: str) -> None:
    process = program(f"""{STORE}
def keeping(custom, **options):
    return Client.keycloak({realm.base!r}, "third-party", {CLIENT_ID!r}, client_secret={CLIENT_SECRET!r}, store=Store(custom), **options)
{ending}""")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors, process.returncode) == ("asked\n", "", 0)
