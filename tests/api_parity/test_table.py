"""A table that cannot fail would be none: each kind of mistake is planted here."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api_parity.table import Table

EVERYWHERE: Mapping[str, set[str]] = {
    "rust": {"TokenSet::expires_at", "ErrorCode::LoginRequired", "Client::start_refresh"},
    "python": {"TokenSet.expires_at", "ErrorCode='SIPGATE_LOGIN_REQUIRED'", "Client.refresh"},
    "aio": {"TokenSet.expires_at", "ErrorCode='SIPGATE_LOGIN_REQUIRED'", "Client.refresh"},
    "node": {"TokenSet.expiresAt", "ErrorCode='SIPGATE_LOGIN_REQUIRED'", "Client.refresh"},
    "c": {
        "sipgate_oauth2_token_set_expires_at()",
        "sipgate_oauth2_code.SIPGATE_LOGIN_REQUIRED",
        "sipgate_oauth2_client_refresh()",
        "sipgate_oauth2_client",
        "sipgate_oauth2_client_free()",
        "sipgate_oauth2_token_set",
        "sipgate_oauth2_code",
    },
}
HANDLES = {
    "c": [
        "sipgate_oauth2_client",
        "sipgate_oauth2_client_free()",
        "sipgate_oauth2_token_set",
        "sipgate_oauth2_code",
    ]
}
KNOWN: Mapping[str, Any] = {
    "aliases": {"c": {"sipgate_oauth2_code": "ErrorCode"}},
    "keywords": {"ClientOptions": {"of": ["Client.sipgate", "Client.keycloak"]}},
    "same": [],
    "only": [{"why": "handles", **HANDLES}],
}


def problems(
    more: Mapping[str, set[str]] | None = None,
    same: list[Any] | None = None,
    only: list[Any] | None = None,
) -> list[str]:
    offered = {
        language: items | (more or {}).get(language, set())
        for language, items in EVERYWHERE.items()
    }
    known = copy.deepcopy(dict(KNOWN))
    known["same"] += same or []
    known["only"] += only or []
    return Table(offered, known).problems


def test_names_that_follow_the_rules_of_their_language_are_one_thing() -> None:
    assert problems() == []


def test_what_one_language_has_alone_is_an_error_until_it_is_explained() -> None:
    more = {"rust": {"Client::revoke"}}
    (problem,) = problems(more)
    assert problem.startswith("Client.revoke: not in python, aio, node, c")
    assert problems(more, only=[{"why": "so", "rust": ["Client::revoke"]}]) == []


def test_an_exception_for_one_item_does_not_cover_the_next() -> None:
    more = {"rust": {"Client::revoke", "Client::revoke_all"}}
    (problem,) = problems(more, only=[{"why": "so", "rust": ["Client::revoke"]}])
    assert problem.startswith("Client.revoke_all")


def test_an_exception_for_what_is_not_there_is_an_error() -> None:
    assert (
        "names Client::revoke of rust"
        in problems(only=[{"why": "so", "rust": ["Client::revoke"]}])[0]
    )
    assert (
        "names Client::revoke of rust"
        in problems(same=[{"name": "x", "rust": "Client::revoke"}])[0]
    )


def test_an_exception_for_what_every_language_has_by_now_is_an_error() -> None:
    items = {"rust": ["Client::start_refresh"], "c": ["sipgate_oauth2_client_refresh()"]}
    everywhere = {language: ["Client.refresh"] for language in ("python", "aio", "node")}
    found = problems(only=[{"why": "so", **items, **everywhere}])
    assert found == ["Client.refresh: explained, but every language has it"]


def test_an_exception_must_name_each_language_that_has_the_thing() -> None:
    more = {"rust": {"Client::revoke"}, "node": {"Client.revoke"}}
    found = problems(more, only=[{"why": "so", "rust": ["Client::revoke"]}])
    assert "node Client.revoke is the same, and not named" in found[0]


def test_a_keyword_that_one_constructor_lacks_is_an_error() -> None:
    more = {
        "rust": {"ClientOptions::proxy"},
        "python": {"Client.sipgate(proxy)"},
        "aio": {"Client.sipgate(proxy)", "Client.keycloak(proxy)"},
        "node": {"ClientOptions.proxy"},
        "c": {"sipgate_oauth2_client_options_set_proxy()"},
    }
    found = problems(more | {"c": more["c"] | {"sipgate_oauth2_client_options"}})
    assert any(
        one.startswith("ClientOptions.proxy: not in python: Client.keycloak, but") for one in found
    )
