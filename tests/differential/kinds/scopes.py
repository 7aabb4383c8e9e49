"""Scopes, as text and as a list: in an authorization URL, at an exchange and at a refresh."""

from __future__ import annotations

from differential.input import (
    Call,
    Draw,
    Input,
    World,
    exchange_code,
    good_response,
    new_client,
    refresh,
)

NAMES = (
    "balance:read",
    "sms",
    "openid",
    "offline_access",
    "a",
    "!#$%&'()*+,-./",
    "~",
    "[]",
    "x" * 300,
)
ODD_NAMES = (
    "",
    " ",
    "a b",
    " a",
    'a"b',
    "a\\b",
    "a\tb",
    "a\nb",
    "ä",
    "🔑",
    "\x7f",
    "\x01",
    "\u00a0",
    "a  b",
)


def make(draw: Draw, world: World) -> Input:
    names = [
        draw.choice(ODD_NAMES if draw.chance(0.2) else NAMES) for _ in range(draw.randint(0, 5))
    ]
    text = draw.choice((" ", " ", "  ", ",")).join(names)
    scope = names if draw.chance(0.5) else text
    asked = {"client": "client", "name": "request", "scope": scope, "state": "the-state"}
    return Input(
        [
            new_client(draw, world),
            Call("client.authorization_request", asked),
            exchange_code(draw, scope=text),
            refresh(refresh_token=draw.secret("old-refresh"), scope=scope),
        ],
        [good_response(draw), good_response(draw)],
    )
