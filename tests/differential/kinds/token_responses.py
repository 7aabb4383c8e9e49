"""Token responses with wrong types, missing, nested or repeated members, odd values, or truncated.

They are assembled as text, because no JSON library writes invalid JSON.
"""

from __future__ import annotations

import json

from differential.input import (
    EXPORT_TOKENS,
    Draw,
    Input,
    World,
    good_response,
    new_client,
    redeeming,
    response,
)

# Names and values, both as JSON text.
Members = list[tuple[str, str]]

SECRETS = ("access_token", "refresh_token", "id_token")
NUMBERS = (
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "59",
    "299.9",
    "0.1",
    "3e2",
    "3E+2",
    "1e999",
    "-1e999",
    "1e-400",
    "315360000",
    "315360001",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1" * 400,
    "0." + "3" * 60,
)
NUMBER_TEXTS = (
    '"300"',
    '" 300"',
    '"300.0"',
    '"3e2"',
    '"-5"',
    '"+5"',
    '"007"',
    '"9999999999999999999"',
    '"٣"',
    '""',
)
OTHERS = (
    "null",
    "true",
    "false",
    "[]",
    "{}",
    '["a","b c"]',
    '[1,"a"]',
    '{"a":{"b":[1,2.0]}}',
    '"text"',
    "[[[[[]]]]]",
)
TOKEN_TYPES = ('"Bearer"', '"bearer"', '"BEARER"', '"DPoP"', '"mac"', '""', '"bearer "', '"bèarer"')
SCOPES = (
    '"balance:read sms"',
    '""',
    '"  a  b "',
    '["a","b"]',
    '["a b","c"]',
    "[]",
    '["a",1]',
    '"ü\\n"',
    '"a\\"b"',
)
NAMES = (
    '"session_state"',
    '"not-before-policy"',
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"1"',
    '""',
    '"ü€🔑"',
    '"a\\u0000b"',
    '"expires_at"',
    '"error"',
    '"\\u0061ccess_token"',
    '"Access_Token"',
)
# Content of strings: plain, escaped, and in forms that JSON forbids.
ODD_TEXTS = (
    "ü€🔑",
    "\\u00fc",
    "\\ud83d\\udd11",
    "\\ud800",
    "\\u0000",
    "\\n",
    "\\/",
    "\\x",
    "\t",
    "\x01",
    " ",
    "\x7f",
    '\\"',
    "\u2028",
)


def make(draw: Draw, world: World) -> Input:
    members = [
        ('"access_token"', json.dumps(draw.secret("access"))),
        ('"token_type"', '"Bearer"'),
        ('"expires_in"', "300"),
        ('"refresh_token"', json.dumps(draw.secret("refresh"))),
        ('"refresh_expires_in"', "2592000"),
        ('"scope"', '"balance:read"'),
        ('"id_token"', json.dumps(draw.secret("id"))),
    ]
    for _ in range(draw.choice((0, 1, 2, 3, 5))):
        draw.choice(CHANGES)(draw, members)
    scope = draw.choice((None, "balance:read", "openid balance:read"))
    calls = [new_client(draw, world), *redeeming(draw, world, scope), EXPORT_TOKENS]
    return Input(calls, [response(_body(draw, members)), good_response(draw)])


def _body(draw: Draw, members: Members) -> bytes:
    comma, colon = draw.choice(((",", ":"), (", ", ": "), ("\r\n,\t", " : ")))
    body = ("{" + comma.join(f"{name}{colon}{value}" for name, value in members) + "}").encode()
    if draw.chance(0.8):
        return body
    at = draw.randrange(len(body))
    return draw.choice(
        (
            body[:at],
            b"\xef\xbb\xbf" + body,
            b" \n" + body + b"\n",
            body + body,
            body + b"x",
            b"[" + body + b"]",
            body[:at] + b"\xff" + body[at:],
            body[:at] + b"\x00" + body[at:],
            body.replace(b'"', b"'"),
            body[:-1] + b",}",
            body.decode().encode("utf-16"),
            b"",
            b"null",
            body.ljust(1 << 20),
            body.ljust((1 << 20) + 1),
        )
    )


def _value(draw: Draw) -> str:
    depth = draw.choice((5, 31, 32, 200))
    nested = "[" * depth + "]" * depth
    return draw.choice(
        (draw.choice(NUMBERS), draw.choice(NUMBER_TEXTS), draw.choice(OTHERS), nested)
    )


def _drop(draw: Draw, members: Members) -> None:
    if members:
        members.remove(draw.choice(members))


def _swap_type(draw: Draw, members: Members) -> None:
    if members:
        at = draw.randrange(len(members))
        members[at] = (members[at][0], _value(draw))


def _odd_number(draw: Draw, members: Members) -> None:
    name = draw.choice(('"expires_in"', '"refresh_expires_in"'))
    _replace(members, name, draw.choice(NUMBERS + NUMBER_TEXTS))


def _odd_text(draw: Draw, members: Members) -> None:
    name = draw.choice(SECRETS)
    odd = draw.choice((*ODD_TEXTS, "x" * 65_000, "x" * 66_000))
    _replace(members, f'"{name}"', f'"{draw.secret(name)}{odd}"')


def _odd_word(draw: Draw, members: Members) -> None:
    if draw.chance(0.5):
        _replace(members, '"token_type"', draw.choice(TOKEN_TYPES))
    else:
        _replace(members, '"scope"', draw.choice(SCOPES))


def _double(draw: Draw, members: Members) -> None:
    if members:
        name, value = draw.choice(members)
        members.insert(draw.randint(0, len(members)), (name, draw.choice((value, _value(draw)))))


def _add(draw: Draw, members: Members) -> None:
    value = draw.choice((_value(draw), f'"{draw.choice(ODD_TEXTS)}"'))
    members.insert(draw.randint(0, len(members)), (draw.choice(NAMES), value))


def _shuffle(draw: Draw, members: Members) -> None:
    draw.shuffle(members)


def _replace(members: Members, name: str, value: str) -> None:
    members[:] = [(known, value if known == name else old) for known, old in members]


CHANGES = (
    _drop,
    _swap_type,
    _odd_number,
    _odd_number,
    _odd_text,
    _odd_word,
    _double,
    _add,
    _add,
    _shuffle,
)
