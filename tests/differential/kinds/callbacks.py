"""Callbacks: parameters in any order, unknown, repeated, encoded or broken, and other addresses."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from behaviour.runner.secrets import CANARY
from differential.input import (
    Draw,
    Input,
    World,
    exchange_callback,
    good_response,
    new_client,
    new_client_that_requires_iss,
    restore_request,
)

Parameters = list[tuple[str, str]]

ERRORS = (
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
    "server_error",
    "temporarily_unavailable",
    "invalid_scope",
    "unauthorized_client",
    "Access_Denied",
    "ünknown\n",
    "",
)
ADDRESSES = (
    "",
    "?",
    "/auth?",
    "https://example.com/auth?",
    "HTTPS://EXAMPLE.COM:443/auth?",
    "https://example.com/%61uth?",
    "https://example.com/x/../auth?",
)
FOREIGN_ADDRESSES = (
    "/other?",
    "/auth/?",
    "//example.com/auth?",
    "http://example.com/auth?",
    "https://example.com:8443/auth?",
    "https://evil.example/auth?",
    "https://evil.example/other?",
    "https://example.com@evil.example/auth?",
    "https://[::1/auth?",
    "auth?",
    " ?",
)
FRAGMENTS = (
    "",
    "#",
    "#_=_",
    "#top",
    "#code=x",
    "#a&state=y",
    "#error",
    "#access_token=z",
    "#%63ode=x",
)
ODD = (
    "a+b",
    "ü€",
    "🔑",
    "a=b",
    "a&b",
    "a;b",
    "a\r\nb",
    "\x7f",
    "\x01",
    "..",
    "%25",
    "a\\b",
    "\u2028",
)
BROKEN = (
    "%",
    "%4",
    "%zz",
    "%ff",
    "%C3",
    "%ED%A0%80",
    "%u0041",
    "%C0%AF",
    "%F5%80%80%80",
    "\x07",
    "&&",
    "=",
    "%00",
)


def make(draw: Draw, world: World) -> Input:
    state = draw.text("abcdefghijkXYZ0189-._~", 30) or "s"
    code = draw.secret("code")
    parameters = [("state", state), ("code", code)]
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        draw.choice(CHANGES)(draw, world, parameters)
    if draw.chance(0.5):
        draw.shuffle(parameters)
    query = "&".join(_written(draw, name, value) for name, value in parameters)
    if draw.chance(0.15):
        at = draw.randint(0, len(query))
        query = query[:at] + draw.choice(BROKEN) + query[at:]
    address = draw.choice(FOREIGN_ADDRESSES if draw.chance(0.15) else ADDRESSES)
    fragment = draw.choice(FRAGMENTS) if draw.chance(0.15) else ""
    required = draw.chance(0.2)
    make_client = new_client_that_requires_iss if required else new_client
    past = {"created_at": 1700000000, "expires_at": 1700001800} if draw.chance(0.05) else {}
    restored = restore_request(draw, world, state=state, iss_required=required, **past)
    # The second callback works only if the authorization request is still usable.
    second = f"state={state}&code={code}&iss={quote(world.issuer, safe='')}"
    return Input(
        [
            make_client(draw, world),
            restored,
            exchange_callback(address + query + fragment),
            exchange_callback(second),
        ],
        [good_response(draw), good_response(draw)],
    )


def _written(draw: Draw, name: str, value: str) -> str:
    return f"{_encoded(draw, name)}={_encoded(draw, value)}"


def _encoded(draw: Draw, text: str) -> str:
    """The text as some browser might encode it.

    Some escape more than necessary, in either case, and a space in one of two ways.
    """
    eager = draw.choice((0.0, 0.0, 0.2))
    return "".join(_character(draw, character, eager) for character in text)


def _character(draw: Draw, character: str, eager: float) -> str:
    if character == " ":
        return draw.choice(("+", "%20"))
    must = not (character.isascii() and character.isalnum()) and character not in "-._~"
    if not must and not draw.chance(eager):
        return character
    escaped = "".join(f"%{byte:02X}" for byte in character.encode())
    return escaped.lower() if draw.chance(0.3) else escaped


def _add_unknown(draw: Draw, world: World, parameters: Parameters) -> None:
    names = ("x", "scope", "redirect_uri", "client_secret", "kc_action_status", "", "State", "ü")
    for _ in range(draw.randint(1, 3)):
        parameters.append((draw.choice(names), draw.choice(ODD)))


def _double(draw: Draw, world: World, parameters: Parameters) -> None:
    if parameters:
        name, value = draw.choice(parameters)
        parameters.append((name, draw.choice((value, "other", ""))))


def _drop(draw: Draw, world: World, parameters: Parameters) -> None:
    if parameters:
        parameters.remove(draw.choice(parameters))


def _spoil(draw: Draw, world: World, parameters: Parameters) -> None:
    if not parameters:
        return
    at = draw.randrange(len(parameters))
    name, value = parameters[at]
    changed = ("", value[:-1], f"{value}x", value.upper(), f"{value} ", *ODD)
    parameters[at] = (name, draw.choice(changed))


def _add_error(draw: Draw, world: World, parameters: Parameters) -> None:
    parameters.append(("error", draw.choice(ERRORS)))
    if draw.chance(0.5):
        parameters.append(("error_description", draw.choice(("not today", *ODD, "d" * 2000))))
    if draw.chance(0.3):
        parameters.append(("error_uri", "https://example.com/why"))


def _add_issuer(draw: Draw, world: World, parameters: Parameters) -> None:
    issuer = world.issuer
    parameters.append(
        ("iss", draw.choice((issuer, issuer, issuer, f"{issuer}/", issuer.upper(), "")))
    )


def _add_session_state(draw: Draw, world: World, parameters: Parameters) -> None:
    parameters.append(("session_state", f"{draw.getrandbits(64):x}"))


def _add_foreign(draw: Draw, world: World, parameters: Parameters) -> None:
    parameters.append((draw.choice(("response", "access_token", "id_token")), f"{CANARY}-foreign"))


def _odd_code(draw: Draw, world: World, parameters: Parameters) -> None:
    """It contains a canary, so that output is searched for it."""
    odd = draw.choice((*ODD, " ", "c" * 4096, "c" * 4000, "c" * 20000))
    parameters[:] = [
        (name, f"{value}{odd}" if name == "code" else value) for name, value in parameters
    ]


CHANGES: tuple[Callable[[Draw, World, Parameters], None], ...] = (
    _add_unknown,
    _double,
    _drop,
    _spoil,
    _add_error,
    _add_error,
    _add_issuer,
    _add_session_state,
    _add_foreign,
    _odd_code,
)
