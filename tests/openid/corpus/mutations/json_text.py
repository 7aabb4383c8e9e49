"""The JSON in a token, in forms that other parsers let pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from openid.corpus.draft import Draft, Json, Members, text_of
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()

Change = Callable[[bytes], bytes]


def _inside(members: bytes) -> Change:
    """The object with more text before its end."""
    return lambda text: text.rstrip()[:-1] + members + b"}"


TEXTS: dict[str, dict[str, Change]] = {
    "JSON: not an object": {
        "an array around": lambda text: b"[" + text + b"]",
        "a string": lambda text: b'"text"',
        "null": lambda text: b"null",
        "a number": lambda text: b"1",
        "true": lambda text: b"true",
        "nothing": lambda text: b"",
        "an empty object": lambda text: b"{}",
        "not JSON": lambda text: b"text",
    },
    "JSON: malformed": {
        "something behind": lambda text: text + b"x",
        "a second object": lambda text: text + text,
        "a comma at the end": _inside(b","),
        "a comment": lambda text: b"/* */" + text,
        "quotes of the other kind": lambda text: text.replace(b'"', b"'"),
        "a control character": _inside(b', "x": "a\nb"'),
        "a zero byte behind": lambda text: text + b"\0",
        "an unfinished object": lambda text: text[:-1],
        "an escape that is none": _inside(b', "x": "\\x41"'),
        "a number with a zero before": _inside(b', "x": 01'),
        "a number with a plus": _inside(b', "x": +1'),
        "a form feed": lambda text: text + b"\x0c",
    },
    "JSON: not a number": {
        "NaN": _inside(b', "x": NaN'),
        "Infinity": _inside(b', "x": -Infinity'),
    },
    "JSON: too large a number": {
        "an exponent": _inside(b', "x": 1e400'),
        "digits": _inside(b', "x": ' + b"9" * 5000),
    },
    "JSON: a byte order mark": {"at the beginning": lambda text: b"\xef\xbb\xbf" + text},
    "JSON: not UTF-8": {
        "Latin 1": _inside(b', "x": "\xfc"'),
        "a surrogate": _inside(b', "x": "\xed\xa0\x80"'),
        "overlong": _inside(b', "x": "\xc0\xaf"'),
        "UTF-16": lambda text: text.decode().encode("utf-16"),
        "UTF-16, no mark": lambda text: text.decode().encode("utf-16-le"),
        "UTF-32": lambda text: text.decode().encode("utf-32"),
    },
    "JSON: half a surrogate pair": {"escaped": _inside(b', "x": "\\ud800"')},
    "JSON: deep": {
        "a hundred": _inside(b', "x": ' + b"[" * 100 + b"]" * 100),
        "two thousand": _inside(b', "x": ' + b"[" * 2000 + b"]" * 2000),
    },
}


def _text(part: str, change: Change, d: Draft) -> None:
    d.token()
    d.hashed = False
    if part == "header":
        d.header = change(text_of(d.header))
    else:
        d.claims = change(text_of(d.claims))


for _group, _texts in TEXTS.items():
    for _part in ("header", "payload"):
        for _what, _change in _texts.items():
            MUTATIONS.add(_group, f"{_part}: {_what}", partial(_text, _part, _change))


def _twice(name: str, value: Json, first: bool, d: Draft) -> None:
    d.token()
    d.hashed = False
    wrong = [(name, value)]
    pairs = list(d.claims.items())
    d.claims = Members([*wrong, *pairs] if first else [*pairs, *wrong])


WRONG: dict[str, Json] = {
    "iss": "https://evil.example",
    "sub": "somebody-else",
    "aud": "another-client",
    "exp": 1,
    "nonce": "another",
    "azp": "another-client",
    "email": "mallory@example.com",
}
for _name, _value in WRONG.items():
    MUTATIONS.add("a claim twice", f"{_name}, first", partial(_twice, _name, _value, True))
    MUTATIONS.add("a claim twice", f"{_name}, last", partial(_twice, _name, _value, False))


@MUTATIONS.named("a claim twice", "the same value")
def _same(d: Draft) -> None:
    _twice("iss", d.claims["iss"], d.draw.random() < 0.5, d)


@MUTATIONS.named("a claim twice", "escaped")
def _escaped(d: Draft) -> None:
    _text("payload", _inside(b', "\\u0069ss": "https://evil.example"'), d)


@MUTATIONS.named("a member twice, deep inside", "in a claim")
def _deep(d: Draft) -> None:
    d.claims["address"] = Members([("country", "DE"), ("country", "FR")])


@MUTATIONS.named("a header member twice", "kid")
def _kid_twice(d: Draft) -> None:
    d.header = Members([*d.header.items(), ("kid", d.draw.choice((d.key.kid, "x")))])
    if d.draw.random() < 0.5:
        d.header.reverse()


@MUTATIONS.named("a header member twice", "typ")
def _typ_twice(d: Draft) -> None:
    d.header = Members([*d.header.items(), ("typ", d.draw.choice(("JWT", "at+jwt")))])
    if d.draw.random() < 0.5:
        d.header.reverse()
