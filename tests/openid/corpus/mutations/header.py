"""Members of the header beside `alg`."""

from __future__ import annotations

from functools import partial

from openid.corpus.draft import Draft, Json, text_of
from openid.corpus.keys import base64url
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()


def _set(name: str, value: Json, d: Draft) -> None:
    d.header[name] = value


for _typ in ("JWT", "jwt", "application/jwt", "Application/JWT"):
    MUTATIONS.add("typ: a JWT's", _typ, partial(_set, "typ", _typ))
for _typ in (
    "JOSE",
    "id_token+jwt",
    "at+jwt",
    "dpop+jwt",
    "logout+jwt",
    "secevent+jwt",
    "JWE",
    "",
    "JWT ",
):
    MUTATIONS.add("typ: another's", f"“{_typ}”", partial(_set, "typ", _typ))
_value: Json
for _name in ("typ", "kid"):
    for _value in (None, 1, True, ["JWT"], {}):
        _what = f"{_name}: {text_of([_value]).decode()[1:-1]}"
        MUTATIONS.add(f"{_name}: another JSON type", _what, partial(_set, _name, _value))

CRITICAL: tuple[Json, ...] = (["x"], ["exp"], ["alg"], ["kid"], ["b64"], [], "x", None, {}, [1])
CRITICAL += (["x", "x"], [""], False)
for _value in CRITICAL:
    _what = text_of([_value]).decode()[1:-1]
    MUTATIONS.add("crit", _what, partial(_set, "crit", _value))


@MUTATIONS.named("crit", "a member that is there")
def _crit_present(d: Draft) -> None:
    d.header |= {"crit": ["http://example.com/x"], "http://example.com/x": True}


@MUTATIONS.named("crit", "b64 is true")
def _b64_true(d: Draft) -> None:
    d.header |= {"crit": ["b64"], "b64": True}


@MUTATIONS.named("b64", "false and critical, the payload is not encoded")
def _b64_false(d: Draft) -> None:
    """RFC 7797: what is signed is the payload itself."""
    d.header |= {"crit": ["b64"], "b64": False}
    d.post["payload"] = lambda _: text_of(d.claims).decode().replace(".", "x")


@MUTATIONS.named("b64", "without crit")
def _b64_alone(d: Draft) -> None:
    d.header["b64"] = d.draw.choice((True, False, "true", None, 0))


@MUTATIONS.named("kid", "unknown")
def _unknown_kid(d: Draft) -> None:
    ways = ["x", "", d.key.kid + "x", d.key.kid[:-1], d.key.kid.upper(), f" {d.key.kid}"]
    d.header["kid"] = d.draw.choice([*ways, "../../etc/passwd", "' OR 1=1", d.key.kid + "\0"])


@MUTATIONS.named("kid", "that of another key")
def _other_kid(d: Draft) -> None:
    other = d.keys.for_algorithm(d.alg, "other")
    d.jwks["keys"].append(d.published(other))
    d.header["kid"] = other.kid


@MUTATIONS.named("kid", "that of a key of another type")
def _other_type(d: Draft) -> None:
    other = d.draw.choice([key for key in d.keys.main if key is not d.key])
    d.jwks["keys"] = [d.published(d.key), d.published(other)]
    d.header["kid"] = other.kid


def _self_signed(name: str, d: Draft) -> None:
    """An attacker's key, brought along."""
    key = d.keys.for_algorithm(d.alg, "other")
    alg, jwk = d.alg, {"kid": d.key.kid, "alg": d.alg, **key.jwk}
    _bring(name, jwk, d)
    d.signature = lambda data: key.sign(alg, data)
    if d.draw.random() < 0.3:
        del d.header["kid"]


def _bring(name: str, jwk: Json, d: Draft) -> None:
    d.header |= {
        "jwk": {"jwk": jwk},
        "jku": {"jku": "http://127.0.0.1:9/jwks"},
        "x5u": {"x5u": "http://127.0.0.1:9/certificate"},
        "x5c": {"x5c": [base64url(d.draw.randbytes(64))]},
        "all": {"jwk": jwk, "jku": "http://127.0.0.1:9/jwks", "x5c": ["AA=="], "x5t": "AA"},
    }[name]


def _carried(name: str, d: Draft) -> None:
    """The token is signed by the server's key; what it carries must not matter."""
    _bring(name, {"kid": "x", **d.keys.for_algorithm(d.alg, "other").jwk}, d)


for _name in ("jwk", "jku", "x5u", "x5c", "all"):
    MUTATIONS.add("a key in the header", f"{_name}, signed with it", partial(_self_signed, _name))
    MUTATIONS.add("a key in a good header", _name, partial(_carried, _name))


@MUTATIONS.named("header: not a JWS", "enc, zip")
def _encrypted(d: Draft) -> None:
    d.header |= d.draw.choice(({"enc": "A128GCM"}, {"zip": "DEF"}, {"p2s": "AA", "p2c": 10**9}))


@MUTATIONS.named("a large header", "7 KiB, encoded")
def _large(d: Draft) -> None:
    d.header["x"] = "x" * 5200


@MUTATIONS.named("a huge header", "more than 8 KiB")
def _huge(d: Draft) -> None:
    d.header["x"] = "x" * d.draw.choice((8300, 20_000))


@MUTATIONS.named("a huge token", "more than 64 KiB")
def _huge_token(d: Draft) -> None:
    d.claims["x"] = "x" * 66_000


@MUTATIONS.named("a large token", "40 KiB")
def _large_token(d: Draft) -> None:
    d.claims["x"] = "x" * 30_000
