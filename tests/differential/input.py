"""One input: the realm's responses, and the calls that receive them.

An input depends only on the seed and its number.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from behaviour.runner.secrets import CANARY
from behaviour.runner.values import FUNCTIONS

REDIRECT_URI = "https://example.com/auth"

# The minimum length of a verifier (RFC 7636, section 4.1).
VERIFIER_LENGTH = 43


@dataclass(frozen=True)
class World:
    """What an input needs to know about its run; none of it is random."""

    base: str
    issuer: str
    exported: str


@dataclass(frozen=True)
class Call:
    op: str
    args: Mapping[str, Any]


@dataclass(frozen=True)
class Input:
    calls: Sequence[Call]
    responses: Sequence[Mapping[str, Any]]


class Draw(random.Random):
    """Random numbers, and what all kinds of input draw."""

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def secret(self, what: str) -> str:
        """A text that occurs nowhere by chance, and is searched for in all output."""
        return f"{CANARY}-{self.getrandbits(40):010x}-{what}"

    def verifier(self) -> str:
        return self.secret("verifier").ljust(VERIFIER_LENGTH, "~")

    def text(self, letters: Sequence[str], longest: int) -> str:
        return "".join(self.choices(letters, k=self.randint(0, longest)))


def response(body: bytes, **members: Any) -> dict[str, Any]:
    encoded = base64.b64encode(body).decode()
    return {"on": "token", "kind": "answer", "body_base64": encoded, **members}


def good_response(draw: Draw) -> dict[str, Any]:
    tokens = {
        "access_token": draw.secret("access"),
        "refresh_token": draw.secret("refresh"),
        "id_token": draw.secret("id"),
        "token_type": "Bearer",
        "expires_in": 300,
    }
    return {"on": "token", "kind": "answer", "json": tokens}


def new_client(draw: Draw, world: World, **settings: Any) -> Call:
    usual = {
        "client_id": "1000001-0-test:third-party",
        "client_secret": draw.secret("secret"),
        "redirect_uri": REDIRECT_URI,
    }
    place = {"kind": "keycloak", "base": world.base, "realm": "third-party"}
    return Call("client.new", {"name": "client", **place, **usual, **settings})


def new_client_that_requires_iss(draw: Draw, world: World) -> Call:
    endpoints = {
        "kind": "metadata",
        "issuer": world.issuer,
        "authorization_endpoint": f"{world.issuer}/protocol/openid-connect/auth",
        "token_endpoint": f"{world.issuer}/protocol/openid-connect/token",
        "authorization_response_iss_parameter_supported": True,
    }
    return new_client(draw, world, **endpoints, base=None, realm=None)


def restore_request(draw: Draw, world: World, **members: Any) -> Call:
    """An authorization request that is the same in every language, including its verifier."""
    changed = {"code_verifier": draw.verifier(), **members}
    exported = FUNCTIONS["$edited_export"]((world.exported, changed))
    return Call("request.restore", {"name": "request", "exported": exported})


def restore_tokens(draw: Draw) -> Call:
    known = {
        "access_token": draw.secret("old-access"),
        "refresh_token": draw.secret("old-refresh"),
        "id_token": draw.secret("old-id"),
        "token_type": "Bearer",
        "scope": "old:scope",
        "expires_at": 1700000300,
        "refresh_expires_at": 4000000000,
        "session_state": "old",
    }
    return Call("tokens.restore", {"name": "tokens", "json": json.dumps(known)})


def exchange_code(draw: Draw, **args: Any) -> Call:
    sent = {"code": draw.secret("code"), "code_verifier": draw.verifier(), **args}
    return Call("client.exchange_code", {"client": "client", "tokens": "tokens", **sent})


def exchange_callback(callback: str) -> Call:
    args = {"client": "client", "request": "request", "tokens": "tokens", "callback": callback}
    return Call("client.exchange_callback", args)


def refresh(**args: Any) -> Call:
    return Call("client.refresh", {"client": "client", "tokens": "tokens", **args})


EXPORT_TOKENS = Call("tokens.export", {"tokens": "tokens"})


def redeeming(draw: Draw, world: World, scope: str | None = None) -> list[Call]:
    """Calls that send a token request, with what they need. An unused login is tried again."""
    way = draw.randrange(4)
    if way == 0:
        return [exchange_code(draw, scope=scope)]
    if way == 1:
        state = draw.secret("state").removeprefix(CANARY)
        callback = f"state={state}&code={draw.secret('code')}"
        restored = restore_request(draw, world, state=state, scope=scope or "balance:read")
        return [restored, exchange_callback(callback), exchange_callback(callback)]
    if way == 2:
        return [refresh(refresh_token=draw.secret("old-refresh"), scope=scope)]
    return [restore_tokens(draw), refresh(**{"from": "tokens"}, scope=scope)]
