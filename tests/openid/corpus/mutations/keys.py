"""Keys that must not verify, and sets of keys that are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from openid.corpus.draft import ASYMMETRIC, Draft, Json, Members, text_of
from openid.corpus.keys import base64url, integer
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()


def _set(name: str, value: Json, d: Draft) -> None:
    d.jwk[name] = value


def _remove(name: str, d: Draft) -> None:
    d.jwk.pop(name, None)


_value: Json
for _name in ("use", "alg"):
    MUTATIONS.add(f"key: no {_name}", "missing", partial(_remove, _name))
for _value in ("enc", "SIG", "verify", "", None, 1, ["sig"]):
    MUTATIONS.add("key: use", text_of([_value]).decode()[1:-1], partial(_set, "use", _value))
for _value in (["verify"], ["sign", "verify"], ["verify", "x"]):
    MUTATIONS.add("key: key_ops with verify", str(_value), partial(_set, "key_ops", _value))
for _value in (["sign"], ["encrypt"], [], ["verify", "verify"], "verify", None, [1], {}):
    MUTATIONS.add(
        "key: key_ops", text_of([_value]).decode()[1:-1], partial(_set, "key_ops", _value)
    )
for _value in ("RSA-OAEP", "none", "HS256", "x", "", None, 1, ["RS256"]):
    MUTATIONS.add("key: alg unfit", text_of([_value]).decode()[1:-1], partial(_set, "alg", _value))
for _value in ("oct", "rsa", "AKP", "", None, 1, ["RSA"]):
    MUTATIONS.add("key: kty", text_of([_value]).decode()[1:-1], partial(_set, "kty", _value))
for _value in (None, 1, ["x"], {}):
    MUTATIONS.add("key: kid", text_of([_value]).decode()[1:-1], partial(_set, "kid", _value))


@MUTATIONS.named("key: alg", "another of the same key")
def _other_alg(d: Draft) -> None:
    algorithms = d.keys.for_algorithm("RS256").algorithms
    alg, other = d.draw.sample(algorithms, 2)
    d.use(alg)
    d.jwk["alg"] = other


@MUTATIONS.named("key: alg", "of another type")
def _alien_alg(d: Draft) -> None:
    others = [alg for alg in ASYMMETRIC if alg not in d.key.algorithms]
    d.jwk["alg"] = d.draw.choice(others)


@MUTATIONS.named("key: kty", "of another type")
def _alien_kty(d: Draft) -> None:
    d.jwk["kty"] = d.draw.choice([kty for kty in ("RSA", "EC", "OKP") if kty != d.jwk["kty"]])


def _curve(value: Json, d: Draft) -> None:
    d.use(d.draw.choice(("ES256", "ES384", "ES512", "EdDSA")))
    d.jwk["crv"] = value if value != d.jwk["crv"] else "P-192"


for _value in ("P-256", "P-384", "P-521", "Ed25519", "X25519", "secp256k1", "p-256", "", None, 1):
    MUTATIONS.add("key: crv", text_of([_value]).decode()[1:-1], partial(_curve, _value))


@MUTATIONS.named("key: crv", "that of the token's algorithm does not fit")
def _curve_of_another_algorithm(d: Draft) -> None:
    """A P-384 key, and a token that says ES256."""
    d.use("ES384")
    d.client.algorithms = list(ASYMMETRIC)
    d.header["alg"] = "ES256"
    d.hashed = False
    d.jwk["alg"] = "ES256"


MEMBERS = (("RS256", "n"), ("RS256", "e"), ("ES256", "x"), ("ES256", "y"), ("EdDSA", "x"))


def _member(alg: str, name: str, change: Callable[[str], Json], d: Draft) -> None:
    d.use(alg)
    d.jwk[name] = change(d.jwk[name])


def _without_member(alg: str, name: str, d: Draft) -> None:
    d.use(alg)
    del d.jwk[name]


VALUES: dict[str, Callable[[str], Json]] = {
    "null": lambda value: None,
    "a number": lambda value: 65537,
    "empty": lambda value: "",
    "in an array": lambda value: [value],
    "not base64url": lambda value: value[:-1] + "!",
    "truncated": lambda value: value[:-2],
    "longer": lambda value: value + "AA",
    "reversed": lambda value: value[::-1],
}
for _alg, _name in MEMBERS:
    MUTATIONS.add(
        "key: a member", f"{_alg}, {_name}: missing", partial(_without_member, _alg, _name)
    )
    for _what, _change in VALUES.items():
        _all = f"{_alg}, {_name}: {_what}"
        MUTATIONS.add("key: a member", _all, partial(_member, _alg, _name, _change))


def _rsa(change: Callable[[dict[str, Any], Draft], None], d: Draft) -> None:
    d.use(d.draw.choice(("RS256", "PS256", "RS512")))
    change(d.jwk, d)


@MUTATIONS.named("key: base64url of its numbers", "padded or in the standard alphabet")
def _lax(d: Draft) -> None:
    d.use("RS256")
    if d.draw.random() < 0.5:
        d.jwk["n"] += "=="
    else:
        d.jwk["n"] = d.jwk["n"].replace("-", "+").replace("_", "/")


@MUTATIONS.named("key: zeros before its numbers", "n or e")
def _zeros(d: Draft) -> None:
    d.use("RS256")
    n, e = (d.key.public.public_numbers().n, d.key.public.public_numbers().e)
    d.jwk.update(d.draw.choice(({"n": integer(n, 257)}, {"e": integer(e, 4)})))


@MUTATIONS.named("key: RSA of 1024 bits", "a right signature")
def _small(d: Draft) -> None:
    d.use_key(d.keys.small_rsa, d.draw.choice(("RS256", "PS256", "RS512")))


@MUTATIONS.named("key: e is 3", "a right signature")
def _e_3(d: Draft) -> None:
    d.use_key(d.keys.small_exponent, d.draw.choice(("RS256", "PS256")))


for _e in (0, 1, 2, 65536, 2**32 + 1, 2**64 + 1):
    MUTATIONS.add(
        "key: another exponent",
        str(_e),
        partial(_rsa, partial(lambda e, jwk, d: jwk.update(e=integer(e)), _e)),
    )


@MUTATIONS.named("key: an even modulus", "n + 1")
def _even(d: Draft) -> None:
    d.use("RS256")
    d.jwk["n"] = integer(d.key.public.public_numbers().n + 1)


@MUTATIONS.named("key: a huge modulus", "16,392 bits")
def _huge_modulus(d: Draft) -> None:
    d.use("RS256")
    d.jwk["n"] = base64url(b"\xff" + d.draw.randbytes(2048))


@MUTATIONS.named("key: off its curve", "y + 1")
def _off_curve(d: Draft) -> None:
    d.use("ES256")
    d.jwk["y"] = integer(d.key.public.public_numbers().y ^ 1, 32)


@MUTATIONS.named("key: off its curve", "zeros")
def _origin(d: Draft) -> None:
    d.use("ES256")
    d.jwk.update(x=integer(0, 32), y=integer(0, 32))


@MUTATIONS.named("key: -y", "another point of the curve")
def _minus_y(d: Draft) -> None:
    d.use("ES256")
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    d.jwk["y"] = integer(p - d.key.public.public_numbers().y, 32)


@MUTATIONS.named("key: a coordinate of another length", "a zero before x")
def _long_x(d: Draft) -> None:
    d.use("ES256")
    d.jwk["x"] = integer(d.key.public.public_numbers().x, 33)


@MUTATIONS.named("key: Ed25519 of small order", "a signature of zeros")
def _small_order(d: Draft) -> None:
    d.use("EdDSA")
    d.jwk["x"] = base64url(b"\1" + bytes(31))
    d.signature = lambda data: b"\1" + bytes(63)


@MUTATIONS.named("key: the private half too", "of another key")
def _private(d: Draft) -> None:
    d.jwk["d"] = base64url(d.draw.randbytes(32))


@MUTATIONS.named("key: the private half too", "all of it")
def _all_private(d: Draft) -> None:
    """Anybody can sign with such a key."""
    if "RS256" in d.key.algorithms:
        numbers = d.key.private.private_numbers()
        names = {"d": "d", "p": "p", "q": "q", "dp": "dmp1", "dq": "dmq1", "qi": "iqmp"}
        d.jwk.update({name: integer(getattr(numbers, one)) for name, one in names.items()})
    elif d.alg == "EdDSA":
        d.jwk["d"] = base64url(d.key.private.private_bytes_raw())
    else:
        length = -(-d.key.private.key_size // 8)
        d.jwk["d"] = integer(d.key.private.private_numbers().private_value, length)


@MUTATIONS.named("key: a certificate too", "x5c of another key")
def _certificate(d: Draft) -> None:
    d.jwk.update(x5c=["AA=="], x5t="AA", x5u="http://127.0.0.1:9/")


SETS: dict[str, Callable[[dict[str, Any]], Json]] = {
    "an array": lambda jwks: jwks["keys"],
    "one key": lambda jwks: jwks["keys"][0],
    "keys is an object": lambda jwks: {"keys": {"0": jwks["keys"][0]}},
    "keys is null": lambda jwks: {"keys": None},
    "keys is missing": lambda jwks: {"Keys": jwks["keys"]},
    "no keys": lambda jwks: {"keys": []},
    "nothing": lambda jwks: b"",
    "not JSON": lambda jwks: b"<html>",
    "something behind": lambda jwks: text_of(jwks) + b"x",
    "two in a row": lambda jwks: text_of(jwks) + text_of(jwks),
    "truncated": lambda jwks: text_of(jwks)[:-20],
}


def _set_of(change: Callable[[dict[str, Any]], Json], d: Draft) -> None:
    d.jwks = change(d.jwks)


for _what, _make in SETS.items():
    MUTATIONS.add("key set: not one", _what, partial(_set_of, _make))

STRANGERS: dict[str, Json] = {
    "null": None,
    "a string": "x",
    "an array": [],
    "an empty object": {},
    "an unknown kty": {"kty": "AKP", "kid": "akp", "alg": "ML-DSA-44", "pub": "AA"},
    "a symmetric one": {"kty": "oct", "kid": "oct", "alg": "HS256", "k": "AAAA"},
    "one for encryption": {
        "kty": "RSA",
        "kid": "enc",
        "use": "enc",
        "alg": "RSA-OAEP",
        "n": "AQAB" * 90,
        "e": "AQAB",
    },
    "an unknown curve": {"kty": "OKP", "kid": "x", "crv": "X448", "x": "AA"},
    "a broken one": {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "!", "y": None},
}


def _stranger(value: Json, d: Draft) -> None:
    d.jwks["keys"].insert(d.draw.randrange(2), value)


for _what, _value in STRANGERS.items():
    MUTATIONS.add(f"key set: with {_what}", "beside the right one", partial(_stranger, _value))


@MUTATIONS.named("key set: other members", "beside keys")
def _more(d: Draft) -> None:
    d.jwks |= {"x": 1, "issuer": "https://evil.example"}


@MUTATIONS.named("key set: keys twice", "the right ones last")
def _keys_last(d: Draft) -> None:
    other = [d.published(d.keys.for_algorithm(d.alg, "other"))]
    d.jwks = Members([("keys", other), ("keys", d.jwks["keys"])])


@MUTATIONS.named("key set: keys twice", "the right ones first")
def _keys_first(d: Draft) -> None:
    other = [d.published(d.keys.for_algorithm(d.alg, "other"))]
    d.jwks = Members([("keys", d.jwks["keys"]), ("keys", other)])


@MUTATIONS.named("key: a member twice", "kid, kty, n or x")
def _twice(d: Draft) -> None:
    jwk = d.jwk
    name = d.draw.choice(("kid", "kty", "n" if "n" in jwk else "x"))
    pairs = [*jwk.items(), (name, d.draw.choice((jwk[name], "x")))]
    if d.draw.random() < 0.5:
        pairs.reverse()
    d.jwks["keys"][d.jwks["keys"].index(jwk)] = Members(pairs)


@MUTATIONS.named("key set: more than 100 keys", "the right one is among them")
def _many(d: Draft) -> None:
    others = [
        {**d.published(key), "kid": f"x{number}"} for number in range(15) for key in d.keys.others
    ]
    others += [{**others[0], "kid": f"y{number}"} for number in range(40)]
    d.jwks["keys"] = (
        [*d.jwks["keys"], *others] if d.draw.random() < 0.5 else [*others, *d.jwks["keys"]]
    )


@MUTATIONS.named("key set: more than 256 KiB", "of spaces")
def _large(d: Draft) -> None:
    d.jwks = text_of(d.jwks) + b" " * 262_144


@MUTATIONS.named("no kid, and many keys", "more than 8 fit")
def _nine(d: Draft) -> None:
    del d.header["kid"]
    other = {**d.published(d.keys.for_algorithm(d.alg, "other")), "alg": d.alg}
    before = [{**other, "kid": f"x{number}"} for number in range(d.draw.choice((8, 20)))]
    d.jwks["keys"] = [*before, d.published(d.key)]


def _byte(d: Draft) -> None:
    text = bytearray(text_of(d.jwks))
    text[d.draw.randrange(len(text))] ^= 1 << d.draw.randrange(7)
    d.jwks = bytes(text)


for _round in range(10):
    MUTATIONS.add("a byte of the key set", str(_round), _byte)
