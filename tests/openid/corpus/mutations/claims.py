"""Claims that are missing, of another type, or wrong. All tokens are signed by the right key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from openid.corpus.draft import CLIENT_ID, ISSUER, Draft, Json, at_hash, text_of
from openid.corpus.keys import base64url
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()


def _set(name: str, value: Json, d: Draft) -> None:
    d.hashed = d.hashed and name != "at_hash"
    d.claims[name] = value


def _remove(name: str, d: Draft) -> None:
    d.hashed = d.hashed and name != "at_hash"
    d.claims.pop(name, None)


STRINGS = ("iss", "sub", "nonce", "azp", "at_hash", "acr", "sid")
NUMBERS = ("exp", "iat", "nbf", "auth_time")
VALUES: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1.5,
    "text",
    "1",
    "",
    [],
    ["text"],
    {},
    {"a": 1},
)
for _name in (*STRINGS, *NUMBERS, "aud", "amr", "jti", "email", "email_verified", "name"):
    for _value in VALUES:
        _what = f"{_name}: {text_of([_value]).decode()[1:-1]}"
        MUTATIONS.add(f"claim of any type: {_name}", _what, partial(_set, _name, _value))
    MUTATIONS.add(f"claim of any type: {_name}", f"{_name}: missing", partial(_remove, _name))

ISSUERS: dict[str, Json] = {
    "a slash behind": ISSUER + "/",
    "upper case": ISSUER.upper(),
    "the host in upper case": ISSUER.replace("login", "LOGIN"),
    "a prefix": ISSUER[:-1],
    "a suffix": ISSUER + "x",
    "the host alone": "https://login.example.com",
    "http": ISSUER.replace("https", "http"),
    "the default port": ISSUER.replace(".com", ".com:443"),
    "percent-encoded": ISSUER.replace("third", "%74hird"),
    "a dot segment": ISSUER.replace("/realms", "/./realms"),
    "a space before": " " + ISSUER,
    "a line break behind": ISSUER + "\n",
    "a zero byte behind": ISSUER + "\0",
    "a look-alike": ISSUER.replace("o", "о"),
    "user info": ISSUER.replace("https://", "https://x@"),
    "a fragment": ISSUER + "#",
    "in an array": [ISSUER],
    "in an array with another": [ISSUER, "https://evil.example"],
    "another realm": ISSUER.replace("third-party", "sipgate-apps"),
}
for _what, _value in ISSUERS.items():
    MUTATIONS.add("iss", _what, partial(_set, "iss", _value))

AUDIENCES: dict[str, Json] = {
    "another": "another-client",
    "upper case": CLIENT_ID.upper(),
    "a prefix": CLIENT_ID[:-1],
    "a suffix": CLIENT_ID + "x",
    "a space behind": CLIENT_ID + " ",
    "two in one string": f"{CLIENT_ID} account",
    "an array without ours": ["account", "another-client"],
    "an array of nothing": [],
    "an array in an array": [[CLIENT_ID]],
    "an object": {CLIENT_ID: True},
    "a number": 1000001,
}
for _what, _value in AUDIENCES.items():
    MUTATIONS.add("aud: not ours", _what, partial(_set, "aud", _value))
UNTRUSTED: dict[str, Json] = {
    "one more": [CLIENT_ID, "account"],
    "many more": [*(f"client-{number}" for number in range(50)), CLIENT_ID],
}
for _what, _value in UNTRUSTED.items():
    MUTATIONS.add("aud: with others that are not trusted", _what, partial(_set, "aud", _value))
UNCLEAN: dict[str, Json] = {
    "a number": [CLIENT_ID, 1],
    "null": [CLIENT_ID, None],
    "an array": [CLIENT_ID, ["account"]],
    "an object": [CLIENT_ID, {}],
}
for _what, _value in UNCLEAN.items():
    MUTATIONS.add("aud: with what is no string", _what, partial(_set, "aud", _value))
MUTATIONS.add("aud: ours twice", "an array", partial(_set, "aud", [CLIENT_ID, CLIENT_ID]))


@MUTATIONS.named("aud: several, no azp", "one more that is trusted")
def _no_azp(d: Draft) -> None:
    d.claims["aud"] = [CLIENT_ID, "account"]
    d.client.trusted_audiences = ["account"]
    del d.claims["azp"]


for _what, _value in {"another": "another-client", "upper case": CLIENT_ID.upper()}.items():
    MUTATIONS.add("azp", _what, partial(_set, "azp", _value))

SUBJECTS = {
    "empty": "",
    "256 characters": "x" * 256,
    "a thousand characters": "x" * 1000,
    "beyond ASCII": "größe",
    "a look-alike": "аnna",
}
for _what, _value in SUBJECTS.items():
    MUTATIONS.add("sub", _what, partial(_set, "sub", _value))
MUTATIONS.add("sub: allowed", "255 characters", partial(_set, "sub", "x" * 255))
MUTATIONS.add("sub: allowed", "spaces", partial(_set, "sub", "a b"))

FAR: dict[str, dict[str, Json]] = {
    "exp: past": {"an hour": -3600, "a year": -31_536_000, "ten minutes": -600},
    "iat: in the future": {"an hour": 3600, "ten minutes": 600},
    "nbf: in the future": {"an hour": 3600, "ten minutes": 600},
}


def _shift(name: str, seconds: int, d: Draft) -> None:
    d.claims[name] = d.now + seconds


for _group, _shifts in FAR.items():
    for _what, _seconds in _shifts.items():
        MUTATIONS.add(_group, _what, partial(_shift, _group.partition(":")[0], _seconds))

ODD: dict[str, Json] = {
    "2^63": 2**63,
    "2^63 - 1": 2**63 - 1,
    "-2^63": -(2**63),
    "-2^63 - 1": -(2**63) - 1,
    "2^64": 2**64,
    "1e300": 1e300,
    "-1e300": -1e300,
    "negative": -1,
    "zero": 0,
    "minus zero": -0.0,
    "very small": 1e-300,
    "in milliseconds": 1_800_000_000_000,
}
for _name in NUMBERS:
    for _what, _value in ODD.items():
        MUTATIONS.add(f"an odd number: {_name}", _what, partial(_set, _name, _value))


def _as_text(name: str, d: Draft) -> None:
    d.claims[name] = str(d.claims.get(name, 0))


for _name in NUMBERS:
    MUTATIONS.add("a time as text", _name, partial(_as_text, _name))


@MUTATIONS.named("exp: past", "iat is later than exp")
def _iat_after_exp(d: Draft) -> None:
    d.claims |= {"exp": d.now - 3000, "iat": d.now - 1}


NONCES: dict[str, Callable[[str], Json]] = {
    "another": lambda nonce: nonce[::-1],
    "a prefix": lambda nonce: nonce[:-1],
    "a suffix": lambda nonce: nonce + "x",
    "lower case": lambda nonce: nonce.lower() + "A",
    "in an array": lambda nonce: [nonce],
    "empty": lambda nonce: "",
    "a space behind": lambda nonce: nonce + " ",
    "a zero byte behind": lambda nonce: nonce + "\0",
}


def _nonce(change: Callable[[str], Json], d: Draft) -> None:
    d.claims["nonce"] = change(d.nonce or "")


for _what, _change in NONCES.items():
    MUTATIONS.add("nonce", _what, partial(_nonce, _change))


@MUTATIONS.named("nonce: there is one, none is known", "none is known")
def _unexpected(d: Draft) -> None:
    d.nonce = None


def _left_half(name: str, access_token: str) -> bytes:
    digest = hashlib.new(name, access_token.encode()).digest()
    return digest[: len(digest) // 2]


HASHES: dict[str, Callable[[Draft, str], str]] = {
    "of another access token": lambda d, token: at_hash(d.alg, token + "x"),
    "the whole hash": lambda d, token: base64url(hashlib.sha256(token.encode()).digest()),
    "the right half": lambda d, token: base64url(hashlib.sha256(token.encode()).digest()[16:]),
    "hexadecimal": lambda d, token: _left_half("sha256", token).hex(),
    "padded": lambda d, token: at_hash(d.alg, token) + "==",
    "truncated": lambda d, token: at_hash(d.alg, token)[:-2],
    "of MD5": lambda d, token: base64url(_left_half("md5", token)),
    "empty": lambda d, token: "",
}


def _at_hash(make: Callable[[Draft, str], str], d: Draft) -> None:
    d.hashed = False
    d.claims["at_hash"] = make(d, d.access_token or "")


for _what, _make in HASHES.items():
    MUTATIONS.add("at_hash", _what, partial(_at_hash, _make))


@MUTATIONS.named("at_hash", "of another algorithm's hash")
def _other_hash(d: Draft) -> None:
    d.use(d.draw.choice(("RS256", "PS256", "ES256", "EdDSA")))
    d.hashed = False
    d.claims["at_hash"] = at_hash("RS384", d.access_token or "")


@MUTATIONS.named("at_hash: EdDSA", "of SHA-256")
def _eddsa_sha256(d: Draft) -> None:
    d.use("EdDSA")
    d.hashed = False
    d.claims["at_hash"] = at_hash("RS256", d.access_token or "")


@MUTATIONS.named("at_hash: EdDSA", "of SHA-512")
def _eddsa(d: Draft) -> None:
    d.use("EdDSA")
    d.hashed = True


@MUTATIONS.named("at_hash: no access token is known", "any")
def _no_access_token(d: Draft) -> None:
    d.hashed = True
    d.token()
    d.hashed = False
    d.access_token = None


@MUTATIONS.named("other hashes", "c_hash, s_hash")
def _other_hashes(d: Draft) -> None:
    d.claims |= {"c_hash": "x", "s_hash": "x"}


@MUTATIONS.named("a logout token", "as an ID token")
def _logout(d: Draft) -> None:
    d.header["typ"] = d.draw.choice(("logout+jwt", "JWT"))
    event = "http://schemas.openid.net/event/backchannel-logout"
    d.claims |= {"events": {event: {}}, "jti": "1"}
    del d.claims["nonce"]


@MUTATIONS.named("an access token", "as an ID token")
def _access_token(d: Draft) -> None:
    d.header["typ"] = d.draw.choice(("at+jwt", "application/at+jwt", "JWT"))
    d.claims |= {"aud": "account", "scope": "openid", "typ": "Bearer"}
    del d.claims["nonce"]


@MUTATIONS.named("an ID token of another login", "right but for nonce and sub")
def _other_login(d: Draft) -> None:
    d.claims |= {"nonce": base64url(d.draw.randbytes(32)), "sub": "somebody-else"}
