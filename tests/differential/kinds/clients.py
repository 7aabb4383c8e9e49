"""Client ids and secrets with special characters, for each authentication method."""

from __future__ import annotations

from behaviour.runner.secrets import CANARY
from differential.input import Draw, Input, World, exchange_code, good_response, new_client, refresh

LETTERS = [*"abcXYZ019", *":+%€ \"'&=/?#;@*~!()-._<>{}|\\^`$,[]", "ü", "🔑", "%41", "%zz", "+", ":"]
ODD_LETTERS = ["\t", "\n", "\r", "\x7f", "\x01", "\u0085", "\u200b", "\ufeff"]
METHODS = (None, "client_secret_post", "client_secret_basic", "client_secret_basic", "none")


def make(draw: Draw, world: World) -> Input:
    letters = LETTERS + ODD_LETTERS if draw.chance(0.1) else LETTERS
    client_id = draw.choice(("1-0-a:b:c", "a" + draw.text(letters, 12), draw.text(letters, 40)))
    if draw.chance(0.1):
        client_id = "i" * draw.choice((500, 1024, 1025))
    method = draw.choice(METHODS)
    secret = None if method == "none" and draw.chance(0.7) else _secret(draw, letters)
    known = {
        "client_id": client_id,
        "client_secret": secret,
        "client_authentication": method,
    }
    return Input(
        [
            new_client(draw, world, **known),
            refresh(refresh_token=draw.secret("old-refresh")),
            exchange_code(draw),
        ],
        [good_response(draw), good_response(draw)],
    )


def _secret(draw: Draw, letters: list[str]) -> str | None:
    if draw.chance(0.15):
        return draw.choice(("", None))
    if draw.chance(0.2):
        return CANARY.ljust(draw.choice((340, 346, 500)), "€")
    return draw.text(letters, 12) + draw.secret("secret") + draw.text(letters, 30)
