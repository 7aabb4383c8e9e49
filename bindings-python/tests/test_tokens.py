"""Token sets and authorization requests as Python values."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest
from conftest import Realm

from sipgate_oauth2 import AuthorizationRequest, Client, TokenSet

SAVED: dict[str, Any] = {
    "access_token": "a",
    "token_type": "bearer",
    "refresh_token": "r",
    "id_token": "i",
    "scope": ["balance:read", "sms:write"],
    "expires_at": 1_700_000_300.7,
    "refresh_expires_at": 1_702_592_000,
    "session_state": "s",
    "not-before-policy": 0,
    "nested": [None, True, -1, 2.5, 2**63, "ä", {"x": []}],
}


@pytest.mark.parametrize("kind", [dict, OrderedDict, MappingProxyType, json.dumps])
def test_tokens_are_restored_from_text_and_mappings(kind: Any) -> None:
    tokens = TokenSet.restore(kind(SAVED))
    assert (tokens.access_token, tokens.refresh_token, tokens.id_token) == ("a", "r", "i")
    assert (tokens.token_type, tokens.scope) == ("bearer", "balance:read sms:write")
    assert (tokens.expires_at, tokens.refresh_expires_at) == (1_700_000_300, 1_702_592_000)
    assert tokens.id_token_kept is False
    assert tokens.authorization_header() == "Bearer a"
    assert tokens.extra == {
        name: SAVED[name] for name in ("session_state", "not-before-policy", "nested")
    }
    assert [type(item) for item in tokens.extra["nested"]] == [
        type(item) for item in SAVED["nested"]
    ]


def test_restored_tokens_equal_the_exported_ones() -> None:
    tokens = TokenSet.restore(SAVED)
    assert TokenSet.restore(tokens.export()) == tokens
    assert TokenSet.restore({**SAVED, "access_token": "other"}) != tokens
    assert tokens != tokens.export()


def test_missing_members_are_none() -> None:
    tokens = TokenSet.restore({"access_token": "a"})
    assert tokens.refresh_token is None
    assert tokens.id_token is None
    assert tokens.scope is None
    assert tokens.expires_at is None
    assert tokens.refresh_expires_at is None
    assert tokens.extra == {}


def test_changing_extra_does_not_change_the_tokens() -> None:
    tokens = TokenSet.restore(SAVED)
    tokens.extra["session_state"] = "other"
    assert tokens.extra["session_state"] == "s"


def test_an_authorization_request_is_restored_completely(client: Client) -> None:
    request = client.authorization_request(
        "balance:read", return_to="/a?b=ä", response_mode="form_post", prompt="login"
    )
    restored = AuthorizationRequest.restore(request.export())
    for name in ("url", "state", "nonce", "redirect_uri", "scope", "return_to", "created_at"):
        assert getattr(restored, name) == getattr(request, name), name
    assert request.expires_at == request.created_at + 30 * 60
    assert request.return_to == "/a?b=ä"
    assert "response_mode=form_post" in request.url


def test_a_code_is_exchanged_without_an_authorization_request(realm: Realm, client: Client) -> None:
    request = client.authorization_request("balance:read")
    code = realm.callback(request.url).rpartition("code=")[2]
    exported = request.export()
    padded = exported + "=" * (-len(exported) % 4)
    tokens = client.exchange_code(
        code,
        code_verifier=json.loads(base64.urlsafe_b64decode(padded))["code_verifier"],
        redirect_uri=request.redirect_uri,
        scope=["balance:read"],
    )
    assert tokens.refresh_token is not None


def test_a_refresh_accepts_tokens_or_a_refresh_token(client: Client, tokens: TokenSet) -> None:
    assert tokens.refresh_token is not None
    first, second = client.refresh(tokens), client.refresh(tokens.refresh_token)
    assert first.access_token != second.access_token


def test_a_callback_may_be_bytes_as_in_some_frameworks(realm: Realm, client: Client) -> None:
    request = client.authorization_request("balance:read")
    query = realm.callback(request.url).partition("?")[2]
    assert client.exchange_callback(request, query.encode()).token_type == "Bearer"


def test_a_parsed_callback_is_refused_and_the_error_says_what_to_pass(client: Client) -> None:
    request = client.authorization_request("balance:read")
    with pytest.raises(ValueError, match=r"^callback: must be .*the query string.*not dict$"):
        client.exchange_callback(request, {"code": "c"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^callback: is not UTF-8"):
        client.exchange_callback(request, b"code=\xff")
