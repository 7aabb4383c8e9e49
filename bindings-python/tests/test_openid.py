"""Who logged in, and how the login ends at the server."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from typing import Any

import pytest
from conftest import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Realm

from sipgate_oauth2 import (
    Client,
    LoginRequiredError,
    SecurityCheckError,
    ServerMetadata,
    Store,
    TokenSource,
    aio,
)

BYE = "http://127.0.0.1/bye"


@pytest.fixture
def user(realm: Realm) -> TokenSource:
    """The source of a user who has logged in with `openid`."""
    client = realm.client(Store.memory())
    request = client.authorization_request("openid balance:read")
    return client.complete_login(request, realm.callback(request.url))


def issuer(realm: Realm) -> str:
    return f"{realm.base}/realms/third-party"


def test_the_account_of_a_login_is_the_user(user: TokenSource) -> None:
    claims = user.claims()
    assert claims["sub"] == user.account
    assert claims["email"] == "anna@example.test"
    claims["sub"] = "changed"
    assert user.claims()["sub"] == user.account
    assert user.userinfo()["sub"] == user.account


def test_the_tokens_of_an_exchange_have_claims(realm: Realm, client: Client) -> None:
    request = client.authorization_request("openid", max_age=60, claims={"id_token": {"acr": None}})
    tokens = client.exchange_callback(request, realm.callback(request.url))
    assert tokens.id_token_verified
    assert tokens.claims is not None
    assert tokens.claims["nonce"] == request.nonce
    tokens.claims.clear()
    assert tokens.claims["sub"]
    shown = repr(tokens)
    assert tokens.claims["sub"] not in shown
    assert str(tokens.id_token) not in shown


def test_metadata_is_discovered_kept_as_json_and_makes_a_client(realm: Realm) -> None:
    found = ServerMetadata.discover(issuer(realm))
    assert isinstance(found, ServerMetadata)
    kept = json.loads(json.dumps(found))
    assert found == kept
    for metadata in (found, kept, pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        client = Client(
            metadata,
            CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
            store=Store.memory(),
        )
        assert client.metadata == found
        assert isinstance(client.metadata, ServerMetadata)
        request = client.authorization_request("openid")
        client.complete_login(request, realm.callback(request.url))


def test_a_logout_at_the_server_returns_with_its_state(realm: Realm, user: TokenSource) -> None:
    client = realm.client(Store.memory())
    url = client.logout_url(user, post_logout_redirect_uri=BYE, state="kept")
    assert "id_token_hint=ey" in url
    assert "id_token_hint" not in client.logout_url()
    client.check_logout_response("state=kept", "kept")
    client.check_logout_response(b"state=kept", "kept")
    with pytest.raises(SecurityCheckError) as caught:
        client.check_logout_response("state=another", "kept")
    assert caught.value.code == "SIPGATE_STATE_MISMATCH"


def test_a_logout_token_ends_the_login(realm: Realm) -> None:
    client = realm.client(Store.memory())
    request = client.authorization_request("openid")
    source = client.complete_login(request, realm.callback(request.url), "anna")
    order = {"client": CLIENT_ID, "sid": source.claims()["sid"]}
    token = realm.post("logout_token", order)["logout_token"]
    assert client.accept_logout_token(token) == ["anna"]
    with pytest.raises(LoginRequiredError):
        source.access_token()
    with pytest.raises(SecurityCheckError) as caught:
        client.accept_logout_token(token)
    assert not caught.value.retryable


def test_a_token_is_introspected_and_revoked(client: Client, tokens: Any) -> None:
    assert client.introspect("no token") == {"active": False}
    assert client.revoke(tokens.refresh_token) is None  # type: ignore[func-returns-value]
    with pytest.raises(LoginRequiredError):
        client.refresh(tokens)


def test_everything_is_awaited(realm: Realm) -> None:
    async def life() -> None:
        found = await aio.ServerMetadata.discover(issuer(realm))
        assert isinstance(found, aio.ServerMetadata)
        client = aio.Client(
            found,
            CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
            store=Store.memory(),
        )
        request = client.authorization_request("openid")
        callback = await asyncio.to_thread(realm.callback, request.url)
        source = await client.complete_login(request, callback)
        claims = await source.claims()
        assert source.account == claims["sub"] == (await source.userinfo())["sub"]
        assert "id_token_hint=ey" in await client.logout_url(source, state="kept")
        assert "id_token_hint" not in await client.logout_url()
        client.check_logout_response("state=kept", "kept")
        assert (await client.introspect(await source.access_token()))["active"] is False
        order = {"client": CLIENT_ID, "sid": claims["sid"]}
        notice = await asyncio.to_thread(realm.post, "logout_token", order)
        assert await client.accept_logout_token(notice["logout_token"]) == [source.account]
        with pytest.raises(LoginRequiredError):
            await source.claims()
        await client.revoke("no token")

    asyncio.run(life())
