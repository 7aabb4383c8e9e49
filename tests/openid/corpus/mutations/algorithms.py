"""Algorithms that the header names and the client, the key or the signature do not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openid.corpus.draft import ASYMMETRIC, Draft, Json, Members, text_of
from openid.corpus.keys import SYMMETRIC, base64url, hs_signature
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()

NONE: tuple[Json, ...] = ("none", "None", "NONE", "nOnE", "none ", "", None, 0, [], ["none"], {})


def _none(value: Json, signed: bool, d: Draft) -> None:
    d.header["alg"] = value
    if not signed:
        d.post["signature"] = lambda _: ""


for _value in NONE:
    _what = text_of([_value]).decode()[1:-1]
    MUTATIONS.add("alg: none", f"{_what}, no signature", partial(_none, _value, False))
    MUTATIONS.add("alg: none", f"{_what}, signed", partial(_none, _value, True))


@MUTATIONS.named("alg: none", "missing")
def _missing(d: Draft) -> None:
    del d.header["alg"]
    if d.draw.random() < 0.5:
        d.post["signature"] = lambda _: ""


@MUTATIONS.named("alg: none", "the algorithm, and no signature")
def _no_signature(d: Draft) -> None:
    d.post["signature"] = lambda _: ""


@MUTATIONS.named("alg: not the client's", "the key fits")
def _not_allowed(d: Draft) -> None:
    d.client.algorithms = [d.draw.choice([alg for alg in ASYMMETRIC if alg != d.alg])]


@MUTATIONS.named("alg: not the client's", "HS256 with the client's secret")
def _hs_not_allowed(d: Draft) -> None:
    d.use_secret()
    d.client.algorithms = list(ASYMMETRIC)


@MUTATIONS.named("alg: not the client's", "another HS")
def _other_hs(d: Draft) -> None:
    d.use_secret("HS384")
    d.client.algorithms = [d.draw.choice(("HS256", "HS512"))]


@MUTATIONS.named("alg: not the client's", "a public key, though the client wants HS256")
def _hs_wanted(d: Draft) -> None:
    d.client.algorithms = ["HS256"]
    d.client.client_secret = d.secret


@MUTATIONS.named("alg: not that of the signature", "any other")
def _renamed(d: Draft) -> None:
    d.client.algorithms = list(ASYMMETRIC)
    d.header["alg"] = d.draw.choice([alg for alg in ASYMMETRIC if alg != d.alg])


@MUTATIONS.named("alg: not that of the signature", "of the same key")
def _renamed_same_key(d: Draft) -> None:
    algorithms = d.keys.for_algorithm("RS256").algorithms
    real, named = d.draw.sample(algorithms, 2)
    d.use(real)
    d.client.algorithms = list(ASYMMETRIC)
    d.header["alg"] = named
    d.hashed = False
    if d.draw.random() < 0.5:
        del d.jwk["alg"]


@MUTATIONS.named("alg: misspelt", "case, white space, prefix, suffix")
def _misspelt(d: Draft) -> None:
    alg = d.alg
    ways = [alg.lower(), alg.swapcase(), alg[:-1], f"{alg}0", f"x{alg}"]
    d.header["alg"] = d.draw.choice([*ways, f" {alg}", f"{alg} ", f"{alg}\0"])
    d.hashed = False


@MUTATIONS.named("alg: misspelt", "another JSON type")
def _other_type(d: Draft) -> None:
    d.header["alg"] = d.draw.choice(([d.alg], {d.alg: d.alg}, 256, True))
    d.hashed = False


@MUTATIONS.named("alg: unknown", "ES256K")
def _es256k(d: Draft) -> None:
    d.use_key(d.keys.foreign_curve, "ES256K")
    d.client.algorithms = list(ASYMMETRIC)


@MUTATIONS.named("alg: unknown", "EdDSA with Ed448")
def _ed448(d: Draft) -> None:
    d.use_key(d.keys.ed448, "EdDSA")
    d.hashed = False


@MUTATIONS.named("alg: unknown", "Ed25519, the newer name of EdDSA")
def _ed25519(d: Draft) -> None:
    d.use("EdDSA")
    d.header["alg"] = "Ed25519"


def _confused(encode: str, also: bool, d: Draft) -> None:
    """HS* with the server's public key as the secret."""
    key = d.key
    d.hashed = False
    rsa = d.keys.for_algorithm("RS256")
    if encode in ("PKCS1 PEM", "PKCS1 DER", "n"):
        d.use("RS256")
        key = rsa
    secrets: dict[str, Callable[[], bytes]] = {
        "SPKI PEM": lambda: key.encoded(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "SPKI PEM, stripped": lambda: (
            key.encoded(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip()
        ),
        "SPKI DER": lambda: key.encoded(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "PKCS1 PEM": lambda: key.encoded(Encoding.PEM, PublicFormat.PKCS1),
        "PKCS1 DER": lambda: key.encoded(Encoding.DER, PublicFormat.PKCS1),
        "JWK": lambda: text_of(d.jwk),
        "JWK set": lambda: text_of(d.jwks),
        "n": lambda: d.jwk["n"].encode(),
        "kid": key.kid.encode,
        "empty": bytes,
    }
    secret = secrets[encode]()
    alg = d.draw.choice(SYMMETRIC)
    if also:
        d.client.algorithms = [*d.client.algorithms, alg]
        d.client.client_secret = d.secret
    d.header["alg"] = alg
    d.signature = lambda data: hs_signature(alg, secret, data)


for _encode in (
    *("SPKI PEM", "SPKI PEM, stripped", "SPKI DER", "PKCS1 PEM", "PKCS1 DER"),
    *("JWK", "JWK set", "n", "kid", "empty"),
):
    MUTATIONS.add("HS with a public key", _encode, partial(_confused, _encode, False))
    MUTATIONS.add(
        "HS with a public key", f"{_encode}, HS is allowed too", partial(_confused, _encode, True)
    )


@MUTATIONS.named("HS", "the secret is too short for the hash")
def _short(d: Draft) -> None:
    d.use_secret(d.draw.choice(SYMMETRIC))
    short = base64url(d.draw.randbytes(12))
    alg = d.alg
    d.client.client_secret = short
    d.signature = lambda data: hs_signature(alg, short.encode(), data)


@MUTATIONS.named("HS", "an empty secret")
def _empty(d: Draft) -> None:
    d.use_secret()
    d.client.client_secret = ""
    d.signature = lambda data: hs_signature("HS256", b"", data)


@MUTATIONS.named("HS", "no secret")
def _no_secret(d: Draft) -> None:
    d.use_secret()
    d.client.client_secret = None


@MUTATIONS.named("HS", "another secret")
def _other_secret(d: Draft) -> None:
    d.use_secret()
    d.signature = lambda data: hs_signature("HS256", b"x" * 64, data)


@MUTATIONS.named("HS", "a truncated signature")
def _truncated(d: Draft) -> None:
    d.use_secret()
    secret, length = d.secret.encode(), d.draw.randrange(32)
    d.signature = lambda data: hs_signature("HS256", secret, data)[:length]


@MUTATIONS.named("HS", "a symmetric key among the server's keys")
def _oct(d: Draft) -> None:
    secret = d.draw.randbytes(32)
    jwk = {"kty": "oct", "kid": "oct", "alg": "HS256", "k": base64url(secret)}
    d.jwks["keys"].append(jwk)
    d.header |= {"alg": "HS256", "kid": "oct"}
    d.hashed = False
    d.signature = lambda data: hs_signature("HS256", secret, data)
    d.client.algorithms = d.draw.choice((["HS256"], [*ASYMMETRIC, "HS256"]))
    d.client.client_secret = d.secret


def _twice(none_first: bool, signed: bool, d: Draft) -> None:
    d.header = Members([("alg", d.alg), ("kid", d.key.kid), ("alg", "none")])
    if none_first:
        d.header.reverse()
    if not signed:
        d.post["signature"] = lambda _: ""


for _none_first in (True, False):
    for _signed in (True, False):
        _what = (
            f"none is {'first' if _none_first else 'last'}, {'signed' if _signed else 'not signed'}"
        )
        MUTATIONS.add("alg: twice", _what, partial(_twice, _none_first, _signed))
