"""The compact form: bits, dots, and what other decoders of base64 let pass."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial

from openid.corpus.draft import PARTS, Draft, text_of
from openid.corpus.keys import base64url
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _flip_bit(part: int, d: Draft) -> None:
    def flipped(token: str) -> str:
        parts = token.split(".")
        data = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
        bit = d.draw.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        parts[part] = base64url(bytes(data))
        return ".".join(parts)

    d.after = flipped


def _change_character(part: int, d: Draft) -> None:
    def changed(token: str) -> str:
        parts = token.split(".")
        at = d.draw.randrange(len(parts[part]))
        # Of the last character, some bits mean nothing: those have a mutation of their own.
        other = d.draw.choice([c for c in ALPHABET if ord(c) ^ ord(parts[part][at]) > 3])
        parts[part] = parts[part][:at] + other + parts[part][at + 1 :]
        return ".".join(parts)

    d.after = changed


def _truncate(part: int, d: Draft) -> None:
    def truncated(token: str) -> str:
        parts = token.split(".")
        parts[part] = parts[part][: d.draw.randrange(len(parts[part]))]
        return ".".join(parts)

    d.after = truncated


for _number, _name in enumerate(PARTS):
    # More of these: each bit counts.
    for _round in ("once", "again", "and again"):
        MUTATIONS.add("a bit flipped", f"{_name}, {_round}", partial(_flip_bit, _number))
    MUTATIONS.add("a character changed", _name, partial(_change_character, _number))
    MUTATIONS.add("truncated", _name, partial(_truncate, _number))


@MUTATIONS.named("truncated", "the token")
def _truncate_token(d: Draft) -> None:
    d.after = lambda token: token[: d.draw.randrange(len(token))]


SHAPES: dict[str, Callable[[list[str]], str]] = {
    "a dot before": lambda parts: "." + ".".join(parts),
    "a dot behind": lambda parts: ".".join(parts) + ".",
    "two parts": lambda parts: ".".join(parts[:2]),
    "one part": lambda parts: parts[0],
    "four parts": lambda parts: ".".join([*parts, parts[2]]),
    "five parts": lambda parts: ".".join([*parts, parts[2], parts[2]]),
    "two dots in the middle": lambda parts: f"{parts[0]}..{parts[1]}.{parts[2]}",
    "an empty header": lambda parts: f".{parts[1]}.{parts[2]}",
    "an empty payload": lambda parts: f"{parts[0]}..{parts[2]}",
    "dots only": lambda parts: "..",
    "a thousand dots": lambda parts: ".".join(parts) + "." * 1000,
    "nothing": lambda parts: "",
    "parts in another order": lambda parts: f"{parts[1]}.{parts[0]}.{parts[2]}",
    "twice": lambda parts: f"{'.'.join(parts)}.{'.'.join(parts)}",
    "a Bearer before": lambda parts: "Bearer " + ".".join(parts),
    "quotes around": lambda parts: '"' + ".".join(parts) + '"',
}


def _shape(make: Callable[[list[str]], str], d: Draft) -> None:
    d.after = lambda token: make(token.split("."))


for _what, _make in SHAPES.items():
    MUTATIONS.add("not three parts", _what, partial(_shape, _make))


@MUTATIONS.named("JSON serialization", "flattened")
def _flattened(d: Draft) -> None:
    names = ("protected", "payload", "signature")
    d.after = lambda token: json.dumps(dict(zip(names, token.split("."), strict=True)))


@MUTATIONS.named("JSON serialization", "general")
def _general(d: Draft) -> None:
    def general(token: str) -> str:
        protected, payload, signature = token.split(".")
        signatures = [{"protected": protected, "signature": signature}]
        return json.dumps({"payload": payload, "signatures": signatures})

    d.after = general


@MUTATIONS.named("an encrypted token", "around a plain one")
def _encrypted(d: Draft) -> None:
    header = base64url(text_of({"alg": "RSA-OAEP", "enc": "A128GCM", "kid": d.key.kid}))

    def wrapped(token: str) -> str:
        return ".".join([header, base64url(b"k" * 256), "aXY", base64url(token.encode()), "dGFn"])

    d.after = wrapped


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _standard(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


def _trailing_bits(text: str) -> str:
    """The same bytes, if nobody looks at the bits that are left over."""
    if len(text) % 4 not in (2, 3):
        return text
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) ^ 1]


LAX: dict[str, Callable[[str], str]] = {
    "padding": _padded,
    "too much padding": lambda text: text + "====",
    "one =": lambda text: text + "=",
    "the standard alphabet": _standard,
    "left-over bits": _trailing_bits,
    "a space before": lambda text: " " + text,
    "a space behind": lambda text: text + " ",
    "a line break behind": lambda text: text + "\n",
    "a line break inside": lambda text: text[:9] + "\r\n" + text[9:],
    "a tab inside": lambda text: text[:5] + "\t" + text[5:],
    "a strange character": lambda text: text[:7] + "!" + text[7:],
    "a zero byte": lambda text: text + "\0",
    "a character beyond ASCII": lambda text: text[:7] + "ſ" + text[7:],
    "percent-encoded": lambda text: "%" + f"{ord(text[0]):02x}" + text[1:],
}


def _lax(part: str, change: Callable[[str], str], d: Draft) -> None:
    """What is signed is the text as it is sent, so a lax decoder finds a good token."""
    if change is _standard:
        d.header["x"] = d.claims["x"] = "???>>>~~~ü?ü>"
    if change is _trailing_bits and part != "signature":
        _end_with_left_over_bits(part, d)
    if change is _trailing_bits and part == "signature":
        # 256 bytes leave bits over; 64 do as well.
        d.use(d.draw.choice(("RS256", "ES256", "EdDSA")))
    if change is _padded and part != "signature":
        _end_with_left_over_bits(part, d)
    d.post[part] = change


def _end_with_left_over_bits(part: str, d: Draft) -> None:
    if d.hashed and isinstance(d.claims, dict):
        d.token()
        d.hashed = False
    members = d.header if part == "header" else d.claims
    while len(text_of(members)) % 3 == 0:
        members["pad"] = members.get("pad", "") + "x"


for _part in PARTS:
    for _what, _change in LAX.items():
        MUTATIONS.add(f"base64url: {_what}", _part, partial(_lax, _part, _change))


SPACES = (" ", "\n", "\t", "\r\n", "\ufeff", "\u00a0", "\0")


def _around(before: str, behind: str, d: Draft) -> None:
    d.after = lambda token: before + token + behind


for _space in SPACES:
    MUTATIONS.add(
        "white space around the token", f"{_space!r} before", partial(_around, _space, "")
    )
    MUTATIONS.add(
        "white space around the token", f"{_space!r} behind", partial(_around, "", _space)
    )
