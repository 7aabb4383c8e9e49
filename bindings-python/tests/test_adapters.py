"""`requests_auth()` and `httpx_auth()`."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import trio
from conftest import PATIENCE, ROOT, Realm

from sipgate_oauth2 import Client, Store, TemporaryError, TokenSet, TokenSource, aio

Response = tuple[int, str]
"""The status, and the `Authorization` header of the last request."""

Ask = Callable[..., Response]


def with_requests(source: TokenSource, origins: list[str] | None) -> Ask:
    auth = source.requests_auth(origins=origins)

    def ask(url: str, content: Any = None) -> Response:
        with requests.Session() as session:
            session.trust_env = False
            response = session.request("POST" if content else "GET", url, data=content, auth=auth)
        return response.status_code, response.request.headers.get("Authorization", "")

    return ask


def with_httpx(source: TokenSource, origins: list[str] | None) -> Ask:
    auth = source.httpx_auth(origins=origins)

    def ask(url: str, content: Any = None) -> Response:
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            response = client.request("POST" if content else "GET", url, content=content, auth=auth)
        return response.status_code, response.request.headers.get("Authorization", "")

    return ask


def with_async_httpx(
    source: TokenSource, origins: list[str] | None, run: Callable[..., Response] | None = None
) -> Ask:
    auth = source.httpx_auth(origins=origins)

    async def awaited(url: str, content: Any) -> Response:
        if isinstance(content, Iterator):
            content = given_slowly(content)
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
            method = "POST" if content else "GET"
            response = await client.request(method, url, content=content, auth=auth)
        return response.status_code, response.request.headers.get("Authorization", "")

    async def given_slowly(parts: Iterator[bytes]) -> Any:
        for part in parts:
            yield part

    def ask(url: str, content: Any = None) -> Response:
        return run(awaited, url, content) if run else asyncio.run(awaited(url, content))

    return ask


def with_trio(source: TokenSource, origins: list[str] | None) -> Ask:
    return with_async_httpx(source, origins, trio.run)


ADAPTERS: dict[str, Callable[..., Ask]] = {
    "requests": with_requests,
    "httpx": with_httpx,
    "async httpx": with_async_httpx,
    "httpx under trio": with_trio,
}


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS.keys())
def ask(request: pytest.FixtureRequest, strict: Realm, source: TokenSource) -> Ask:
    adapter: Callable[[TokenSource, list[str] | None], Ask] = request.param
    return adapter(source, [strict.http])


def authorization(request: dict[str, Any]) -> list[str]:
    return [value for name, value in request["headers"] if name.lower() == "authorization"]


def refuse(realm: Realm, status: int = 401, times: int = 1) -> None:
    fault = {"on": "balance", "kind": "answer", "status": status, "json": {}, "times": times}
    realm.post("faults", fault)


def test_a_request_has_the_token(strict: Realm, source: TokenSource, ask: Ask) -> None:
    assert ask(f"{strict.http}/v2/balance") == (200, f"Bearer {source.access_token()}")
    assert len(strict.requests("balance")) == 1


def test_a_401_causes_one_refresh_and_one_more_request(
    strict: Realm, source: TokenSource, ask: Ask
) -> None:
    first = source.access_token()
    refuse(strict)
    status, header = ask(f"{strict.http}/v2/balance")
    second = source.access_token()
    assert (status, header) == (200, f"Bearer {second}")
    sent = [authorization(request) for request in strict.requests("balance")]
    assert sent == [[f"Bearer {first}"], [f"Bearer {second}"]]
    assert strict.counters()["refresh_grants"] == 1


def test_a_401_to_the_new_token_is_passed_on(strict: Realm, ask: Ask) -> None:
    refuse(strict, times=3)
    assert ask(f"{strict.http}/v2/balance")[0] == 401
    assert len(strict.requests("balance")) == 2
    # A token that was just refreshed after a refusal is not refreshed again.
    assert ask(f"{strict.http}/v2/balance")[0] == 401
    assert len(strict.requests("balance")) == 3
    assert strict.counters()["refresh_grants"] == 1


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_a_403_uses_a_token_that_another_process_has_stored_and_refreshes_nothing(
    strict: Realm, tmp_path: Path, adapter: Callable[[TokenSource, list[str]], Ask]
) -> None:
    database = str(tmp_path / "tokens.db")
    # The refusal leads to the other token, however slow the machine is: not a look at the store.
    source = strict.source(strict.client(Store.sqlite(database, recheck=3600)))
    ask = adapter(source, [strict.http])
    first = source.access_token()
    second = strict.source(strict.client(Store.sqlite(database))).access_token()
    assert source.peek() == first != second
    refuse(strict, 403)
    assert ask(f"{strict.http}/v2/balance", b"a body")[1] == f"Bearer {second}"
    sent = [(authorization(each), each["body"]) for each in strict.requests("balance")]
    assert sent == [([f"Bearer {first}"], "a body"), ([f"Bearer {second}"], "a body")]
    refuse(strict, 403)
    assert ask(f"{strict.http}/v2/balance")[0] == 403
    assert len(strict.requests("balance")) == 3
    assert strict.counters()["refresh_grants"] == 0


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_a_403_is_passed_on_if_the_store_fails(
    strict: Realm, tmp_path: Path, adapter: Callable[[TokenSource, list[str]], Ask]
) -> None:
    database = tmp_path / "tokens.db"
    source = strict.source(strict.client(Store.sqlite(str(database))))
    source.access_token()
    database.write_bytes(b"not a database" * 1000)
    refuse(strict, 403)
    assert adapter(source, [strict.http])(f"{strict.http}/v2/balance")[0] == 403
    assert len(strict.requests("balance")) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_no_other_status_refreshes(strict: Realm, ask: Ask, status: int) -> None:
    refuse(strict, status)
    assert ask(f"{strict.http}/v2/balance")[0] == status
    assert len(strict.requests("balance")) == 1
    assert strict.counters()["refresh_grants"] == 0


def test_another_origin_gets_no_token(strict: Realm, ask: Ask) -> None:
    port = strict.http.rpartition(":")[2]
    # The same server, by a name that is not in the origins.
    with pytest.warns(UserWarning, match=rf"localhost:{port} gets no token.*origins="):
        assert ask(f"http://localhost:{port}/v2/balance") == (401, "")
    assert authorization(strict.requests("balance")[0]) == []
    assert strict.counters()["refresh_grants"] == 0


def test_a_redirect_to_another_origin_does_not_have_the_token(strict: Realm, ask: Ask) -> None:
    port = strict.http.rpartition(":")[2]
    location = f"http://localhost:{port}/v2/balance?redirected"
    redirect = {"on": "balance", "kind": "redirect", "status": 302, "location": location}
    strict.post("faults", redirect)
    assert ask(f"{strict.http}/v2/balance") == (401, "")
    sent = [len(authorization(request)) for request in strict.requests("balance")]
    assert sent == [1, 0]
    assert strict.counters()["refresh_grants"] == 0


def test_a_401_after_a_redirect_is_passed_on(strict: Realm, ask: Ask) -> None:
    location = f"{strict.http}/v2/balance?redirected"
    redirect = {"on": "balance", "kind": "redirect", "status": 302, "location": location}
    strict.post("faults", redirect)
    refuse(strict)
    assert ask(f"{strict.http}/v2/balance")[0] == 401
    assert len(strict.requests("balance")) == 2
    assert strict.counters()["refresh_grants"] == 0


def test_a_body_that_can_be_sent_twice_is_sent_twice(strict: Realm, ask: Ask) -> None:
    refuse(strict)
    ask(f"{strict.http}/v2/balance", b"a body")
    assert [request["body"] for request in strict.requests("balance")] == ["a body"] * 2


def test_a_body_that_was_consumed_is_not_sent_twice_and_the_next_request_has_a_new_token(
    strict: Realm, source: TokenSource, ask: Ask
) -> None:
    first = source.access_token()
    refuse(strict)
    assert ask(f"{strict.http}/v2/balance", iter([b"a ", b"body"]))[0] == 401
    assert len(strict.requests("balance")) == 1
    assert ask(f"{strict.http}/v2/balance") == (200, f"Bearer {source.access_token()}")
    assert source.access_token() != first


def test_a_file_is_rewound_by_requests(strict: Realm, source: TokenSource) -> None:
    refuse(strict)
    file = io.BytesIO(b"skipped, sent")
    file.seek(9)
    with_requests(source, [strict.http])(f"{strict.http}/v2/balance", file)
    assert [request["body"] for request in strict.requests("balance")] == ["sent"] * 2


def test_if_there_is_no_token_the_librarys_error_is_raised(strict: Realm, ask: Ask) -> None:
    refuse(strict)
    strict.fault("answer", status=503)
    with pytest.raises(TemporaryError):
        ask(f"{strict.http}/v2/balance")


@pytest.fixture
def at_sipgate() -> TokenSource:
    source = Client.sipgate("1-0-a:third-party", store=Store.memory()).token_source("anna")
    source.save(TokenSet.restore({"access_token": "a-token", "expires_at": 4_000_000_000}))
    return source


def test_without_origins_the_token_is_only_for_sipgate(at_sipgate: TokenSource) -> None:
    here = requests.Request("GET", "https://api.sipgate.com/v2/balance").prepare()
    assert at_sipgate.requests_auth()(here).headers["Authorization"] == "Bearer a-token"
    for url in (
        "http://api.sipgate.com/v2/balance",
        "https://api.sipgate.com:8443/v2/balance",
        "https://api.sipgate.com.example.com/",
        "https://example.com/api.sipgate.com",
        "https://api.sipgate.com@example.com/",
    ):
        elsewhere = requests.Request("GET", url).prepare()
        with pytest.warns(UserWarning, match="gets no token"):
            assert "Authorization" not in at_sipgate.requests_auth()(elsewhere).headers, url
        flow = at_sipgate.httpx_auth().sync_auth_flow(httpx.Request("GET", url))
        with pytest.warns(UserWarning, match="gets no token"):
            assert "Authorization" not in next(flow).headers, url


def test_a_request_with_its_own_authorization_causes_no_warning(
    at_sipgate: TokenSource,
) -> None:
    headers = {"Authorization": "Basic YTpi"}
    request = requests.Request("GET", "https://example.com/", headers=headers).prepare()
    assert at_sipgate.requests_auth()(request).headers["Authorization"] == "Basic YTpi"


def test_the_origins_for_the_token_of_another_server_are_required(source: TokenSource) -> None:
    for auth in (source.requests_auth, source.httpx_auth, aio.TokenSource(source).httpx_auth):
        with pytest.raises(ValueError, match=r"^origins: is missing; .*origins=\["):
            auth()


def test_adapters_have_the_types_of_their_packages_and_show_no_token(source: TokenSource) -> None:
    of_requests = source.requests_auth(origins=["https://a.example"])
    of_httpx = source.httpx_auth(origins=["https://a.example"])
    assert isinstance(of_requests, requests.auth.AuthBase)
    assert isinstance(of_httpx, httpx.Auth)
    for adapter in (of_requests, of_httpx):
        assert source.access_token() not in repr(adapter)
        assert "account='anna'" in repr(adapter)


def test_neither_package_is_imported_before_its_adapter_is_created() -> None:
    body = f"""
import sys; sys.path.insert(0, {str(ROOT / "target" / "python")!r})
import sipgate_oauth2, sipgate_oauth2.aio
client = sipgate_oauth2.Client.sipgate("1-0-a", store=sipgate_oauth2.Store.memory())
source = client.token_source("anna")
print("requests" in sys.modules, "httpx" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", body], check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stdout == "False False\n"


def test_a_session_that_no_longer_has_a_login_says_so(strict: Realm) -> None:
    source = strict.client(Store.memory()).token_source("nobody")
    with pytest.raises(Exception, match="log in"):
        with_requests(source, [strict.http])(f"{strict.http}/v2/balance")
