"""A good token with its client and its keys, all of which a mutation may change."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from openid.corpus.keys import SYMMETRIC, Keys, SigningKey, base64url, hs_signature

ISSUER = "https://login.example.com/realms/third-party"
CLIENT_ID = "1000001-0-test:third-party"
ASYMMETRIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
PARTS = ("header", "payload", "signature")

Json = Any


class Members(list[tuple[str, Any]]):
    """A JSON object that may have a member twice."""


def text_of(value: Json) -> bytes:
    """The JSON text of a value; bytes and text are such a text already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return _json(value).encode()


def _json(value: Json) -> str:
    if isinstance(value, Members):
        return "{" + ",".join(f"{json.dumps(name)}:{_json(one)}" for name, one in value) + "}"
    if isinstance(value, dict):
        return _json(Members(value.items()))
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value)


@dataclass
class Client:
    algorithms: list[str]
    client_secret: str | None = None
    trusted_audiences: list[str] = field(default_factory=list)
    leeway: int = 60


class Draft:
    def __init__(self, draw: random.Random, keys: Keys, now: int) -> None:
        self.draw = draw
        self.keys = keys
        self.now = now
        self.nonce: str | None = base64url(draw.randbytes(32))
        self.access_token: str | None = f"access-{base64url(draw.randbytes(24))}"
        # Whether the token gets an `at_hash` of its algorithm.
        self.hashed: bool
        # What happens to the text of a part before the token is signed, and of the signature.
        self.post: dict[str, Callable[[str], str]] = {}
        self.after: Callable[[str], str] = lambda token: token
        self.secret = base64url(draw.randbytes(48))
        self.key: SigningKey
        self.alg: str
        self.header: Json
        self.jwks: Json
        self.signature: Callable[[bytes], bytes]
        self.hashed = draw.random() < 0.5
        self.client = Client([""] if draw.random() < 0.5 else list(ASYMMETRIC))
        self.use(draw.choice(ASYMMETRIC))
        self.claims: Json = {
            "iss": ISSUER,
            "sub": "f:0d3c1d8c:user-42",
            "aud": CLIENT_ID,
            "exp": now + 3600,
            "iat": now - 5,
            "nonce": self.nonce,
            "azp": CLIENT_ID,
            "auth_time": now - 7,
            "acr": "1",
            "sid": base64url(draw.randbytes(12)),
            "email": "anna@example.com",
            "email_verified": True,
        }

    def use(self, alg: str) -> None:
        """The token is signed with this algorithm by the key of its kind."""
        self.use_key(self.keys.for_algorithm(alg), alg)

    def use_key(self, key: SigningKey, alg: str) -> None:
        self.alg, self.key = alg, key
        if len(self.client.algorithms) == 1:
            self.client.algorithms = [alg]
        self.header = {"alg": alg, "typ": "JWT", "kid": key.kid}
        self.signature = lambda data: key.sign(alg, data)
        others = [one for one in self.keys.main if one is not key]
        published = [key, *self.draw.sample(others, self.draw.randrange(3))]
        self.draw.shuffle(published)
        self.jwks = {"keys": [self.published(one) for one in published]}

    def use_secret(self, alg: str = "HS256") -> None:
        """The client allows this algorithm alone, and the token is signed with its secret."""
        assert alg in SYMMETRIC
        self.alg = alg
        self.header = {"alg": alg, "typ": "JWT"}
        self.client = Client([alg], client_secret=self.secret)
        self.signature = lambda data: hs_signature(alg, self.secret.encode(), data)

    def published(self, key: SigningKey) -> dict[str, Any]:
        """The key as the server publishes it."""
        alg = self.alg if key is self.key else key.algorithms[0]
        return {"kid": key.kid, "use": "sig", "alg": alg, **key.jwk}

    @property
    def jwk(self) -> dict[str, Any]:
        """The published key that the token is signed with."""
        found: dict[str, Any] = next(one for one in self.jwks["keys"] if one["kid"] == self.key.kid)
        return found

    def token(self) -> str:
        if self.hashed and isinstance(self.claims, dict):
            self.claims["at_hash"] = at_hash(self.alg, self.access_token or "")
        parts = [base64url(text_of(self.header)), base64url(text_of(self.claims))]
        changed = [self.post.get(n, str)(p) for n, p in zip(PARTS, parts, strict=False)]
        signature = base64url(self.signature(".".join(changed).encode("utf-8", "replace")))
        return self.after(".".join([*changed, self.post.get("signature", str)(signature)]))

    def case(self) -> dict[str, Any]:
        return {
            "token": self.token(),
            "keys": text_of(self.jwks).decode("utf-8", "replace"),
            "issuer": ISSUER,
            "client_id": CLIENT_ID,
            "trusted_audiences": self.client.trusted_audiences,
            "algorithms": self.client.algorithms,
            "client_secret": self.client.client_secret,
            "leeway": self.client.leeway,
            "nonce": self.nonce,
            "access_token": self.access_token,
            "now": self.now,
        }


def at_hash(alg: str, access_token: str) -> str:
    """The left half of the hash (OpenID Connect Core, section 3.1.3.6)."""
    name = "sha512" if alg == "EdDSA" else f"sha{alg[2:5]}"
    digest = hashlib.new(name, access_token.encode()).digest()
    return base64url(digest[: len(digest) // 2])
