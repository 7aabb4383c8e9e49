"""Signatures that are nearly right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from openid.corpus.draft import Draft
from openid.corpus.keys import integer
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()

ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
}
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def _other_key(d: Draft) -> None:
    alg = d.alg
    d.signature = lambda data: d.keys.for_algorithm(alg, "other").sign(alg, data)


MUTATIONS.add("another key", "of the same type", _other_key)


@MUTATIONS.named("another key", "that the server published before")
def _removed(d: Draft) -> None:
    alg, other = d.alg, d.keys.for_algorithm(d.alg, "other")
    d.header["kid"] = other.kid
    d.signature = lambda data: other.sign(alg, data)


@MUTATIONS.named("another key", "the same kid, no kid in the token")
def _no_kid(d: Draft) -> None:
    _other_key(d)
    del d.header["kid"]


@MUTATIONS.named("signature: of something else", "of the payload alone")
def _payload_alone(d: Draft) -> None:
    sign = d.signature
    d.signature = lambda data: sign(data.split(b".")[1])


@MUTATIONS.named("signature: of something else", "of another token")
def _another_token(d: Draft) -> None:
    sign = d.signature
    d.signature = lambda data: sign(data + b"x")


def _changed(
    change: Callable[[Draft, bytes], bytes], algorithms: tuple[str, ...], d: Draft
) -> None:
    d.use(d.draw.choice(algorithms))
    sign = d.signature
    d.signature = lambda data: change(d, sign(data))


RSA = ("RS256", "RS384", "PS256", "PS512")
EC = ("ES256", "ES384", "ES512")
CURVE = ("ES256", "ES384")


def _halves(signature: bytes) -> tuple[bytes, bytes]:
    middle = len(signature) // 2
    return signature[:middle], signature[middle:]


def _negated(d: Draft, signature: bytes) -> bytes:
    """Anyone who has one ECDSA signature has this one too. It is as valid."""
    r, s = _halves(signature)
    other = ORDERS[d.alg] - int.from_bytes(s, "big")
    return r + other.to_bytes(len(s), "big")


def _beyond_the_order(d: Draft, signature: bytes) -> bytes:
    r, s = _halves(signature)
    number = int.from_bytes(s, "big") + ORDERS[d.alg]
    length = max(len(s), -(-number.bit_length() // 8))
    return r + number.to_bytes(length, "big")


def _numbers(r: int, s: int) -> Callable[[Draft, bytes], bytes]:
    return lambda d, signature: b"".join(
        number.to_bytes(len(signature) // 2, "big") for number in (r, s)
    )


def _ed_malleable(d: Draft, signature: bytes) -> bytes:
    """S + L (RFC 8032, section 8.4)."""
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + s.to_bytes(32, "little")


WAYS: tuple[tuple[str, str, tuple[str, ...], Callable[[Draft, bytes], bytes]], ...] = (
    ("length", "a zero byte before, RSA", RSA, lambda d, s: b"\0" + s),
    ("length", "a zero byte before, EC", EC, lambda d, s: b"\0" + s),
    (
        "length",
        "zero bytes before both halves",
        EC,
        lambda d, s: b"\0" + _halves(s)[0] + b"\0" + _halves(s)[1],
    ),
    ("length", "a byte behind, RSA", RSA, lambda d, s: s + b"\0"),
    ("length", "a byte behind, EC", EC, lambda d, s: s + b"\0"),
    ("length", "a byte behind, EdDSA", ("EdDSA",), lambda d, s: s + b"\0"),
    ("length", "a byte less", (*RSA, *EC, "EdDSA"), lambda d, s: s[:-1]),
    ("length", "twice", (*RSA, *EC, "EdDSA"), lambda d, s: s + s),
    ("numbers", "r and s are 0", EC, _numbers(0, 0)),
    ("numbers", "r and s are 1", EC, _numbers(1, 1)),
    ("numbers", "r is 0", EC, lambda d, s: bytes(len(s) // 2) + _halves(s)[1]),
    ("numbers", "r and s are swapped", EC, lambda d, s: _halves(s)[1] + _halves(s)[0]),
    ("numbers", "s beyond the order", CURVE, _beyond_the_order),
    ("numbers", "S + L, EdDSA", ("EdDSA",), _ed_malleable),
    ("numbers", "zeros, EdDSA", ("EdDSA",), lambda d, s: bytes(64)),
    ("numbers", "zeros, RSA", RSA, lambda d, s: bytes(len(s))),
    ("numbers", "one, RSA", RSA, lambda d, s: bytes(len(s) - 1) + b"\1"),
    ("numbers", "ones, RSA", RSA, lambda d, s: b"\xff" * len(s)),
)
for _group, _what, _algorithms, _change in WAYS:
    MUTATIONS.add(f"signature: {_group}", _what, partial(_changed, _change, _algorithms))
MUTATIONS.add("signature: n - s", "ECDSA", partial(_changed, _negated, CURVE))


@MUTATIONS.named("signature: DER", "ECDSA")
def _der(d: Draft) -> None:
    d.use(d.draw.choice(EC))
    key, alg = d.key, d.alg
    d.signature = lambda data: key.der_signature(alg, data)


@MUTATIONS.named("signature: another salt", "PSS")
def _salt(d: Draft) -> None:
    d.use(d.draw.choice(("PS256", "PS384", "PS512")))
    key, alg, length = d.key, d.alg, d.draw.choice((0, 20, 100))
    d.signature = lambda data: key.sign(alg, data, length)


@MUTATIONS.named("signature: another hash", "the same key")
def _other_hash(d: Draft) -> None:
    d.use(d.draw.choice(("RS256", "PS256")))
    key, alg = d.key, d.alg[:2] + d.draw.choice(("384", "512"))
    d.signature = lambda data: key.sign(alg, data)


def _forged(d: Draft, data: bytes) -> bytes:
    """The padded hash itself: with an exponent of 1 it is the signature (RFC 8017, 8.2.2)."""
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    end = b"\0" + prefix + hashlib.sha256(data).digest()
    return b"\0\1" + b"\xff" * (256 - 2 - len(end)) + end


@MUTATIONS.named("key: an exponent below 3", "e is 1, and the signature is nobody's")
def _exponent_1(d: Draft) -> None:
    d.use("RS256")
    d.jwk["e"] = integer(1)
    d.signature = lambda data: _forged(d, data)
