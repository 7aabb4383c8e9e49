"""HTTP responses with any status, content type and body, as servers and proxies send them."""

from __future__ import annotations

import json
from typing import Any

from differential.input import (
    EXPORT_TOKENS,
    Call,
    Draw,
    Input,
    World,
    good_response,
    new_client,
    redeeming,
    response,
)

SUCCESSES = (200, 200, 201)
STATUSES = (
    *(202, 204, 206, 299),
    *(300, 301, 302, 303, 304, 307, 308),
    *(
        400,
        400,
        400,
        401,
        401,
        402,
        403,
        403,
        404,
        405,
        407,
        408,
        409,
        410,
        413,
        415,
        418,
        422,
        425,
        429,
        451,
        499,
    ),
    *(500, 501, 502, 503, 504, 511, 599, 600, 999),
)
CONTENT_TYPES = (
    None,
    "application/json",
    "application/json;charset=UTF-8",
    "text/html",
    "text/plain; charset=latin1",
    "application/problem+json",
    "application/octet-stream",
    "nonsense",
)
ERRORS = (
    "invalid_grant",
    "invalid_client",
    "invalid_scope",
    "invalid_request",
    "unauthorized_client",
    "unsupported_grant_type",
    "access_denied",
    "not_allowed",
    "temporarily_unavailable",
    "server_error",
    "Realm does not exist",
    "slow_down",
    "",
    "ü\n",
    "e" * 3000,
)
NO_ERRORS: tuple[Any, ...] = (None, 1, True, [], ["invalid_grant"], {"code": "invalid_grant"})
BODIES = (
    b"",
    b" ",
    b"<html><title>Maintenance</title></html>",
    b"Bad Gateway",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b'"invalid_grant"',
    b"error=invalid_grant",
)
RETRY_AFTER = (
    "5",
    "0",
    "-1",
    "1.5",
    " 7 ",
    "007",
    "99999999999999999999",
    "86401",
    "soon",
    "",
    "Wed, 21 Oct 2015 07:28:00 GMT",
)


def make(draw: Draw, world: World) -> Input:
    scope = draw.choice((None, None, "balance:read"))
    client = new_client(draw, world)
    calls = redeeming(draw, world, scope)
    headers: dict[str, Any] = {}
    content_type = draw.choice(CONTENT_TYPES)
    if content_type is not None:
        headers["content-type"] = content_type
    if draw.chance(0.4):
        headers["retry-after"] = draw.choice((*RETRY_AFTER, ["3", "9"]))
    if draw.chance(0.1):
        headers["www-authenticate"] = draw.choice(
            ('Basic realm="x"', 'Bearer error="invalid_token"')
        )
    if draw.chance(0.1):
        headers["location"] = f"{world.base}/elsewhere"
    body = _body(draw, _secrets_of([client, *calls]))
    status = draw.choice(SUCCESSES if draw.chance(0.25) else STATUSES)
    scripted = response(body, status=status, headers=headers)
    return Input([client, *calls, EXPORT_TOKENS], [scripted, good_response(draw)])


def _secrets_of(calls: list[Call]) -> list[str]:
    """Secrets that these calls send and a server might repeat."""
    names = ("client_secret", "code", "code_verifier", "refresh_token")
    return [str(call.args[name]) for call in calls for name in names if name in call.args]


def _body(draw: Draw, repeated: list[str]) -> bytes:
    if draw.chance(0.25):
        return draw.choice(BODIES)
    members: dict[str, Any] = {}
    if draw.chance(0.85):
        members["error"] = draw.choice(NO_ERRORS if draw.chance(0.15) else ERRORS)
    if draw.chance(0.5):
        members["error_description"] = _description(draw, repeated)
    if draw.chance(0.2):
        members["error_uri"] = draw.choice(
            ("https://example.com/why", "javascript:1", 5, "u" * 3000)
        )
    if draw.chance(0.4):
        members["access_token"] = draw.choice(
            (draw.secret("access"), draw.secret("access"), "", 1, None)
        )
    if draw.chance(0.1):
        members["refresh_token"] = draw.secret("refresh")
    return json.dumps(members, ensure_ascii=draw.chance(0.5)).encode()


def _description(draw: Draw, repeated: list[str]) -> Any:
    plain = (
        "Code not valid",
        "Session not active",
        "a\r\nb\x00c",
        "\u202eright",
        "€" * 1200,
        "",
        5,
        ["a"],
    )
    if draw.chance(0.4):
        return f"you sent {draw.choice(repeated)}, did you not?"
    return draw.choice(plain)
