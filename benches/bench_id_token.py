"""How long other libraries take to judge an RS256 ID token, each with the server's key ready:

    .cache/openid/bin/python benches/bench_id_token.py

`PEERS` makes one function for each: to be compared with ours, in turns, as in `bench_python.py`.
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import google.auth.jwt
import jwt as pyjwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

ISSUER = "https://login.sipgate.com/auth/realms/third-party"
CLIENT_ID = "2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party"
KID = "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"
TURNS = 200
CALLS = 20


@dataclass(frozen=True)
class Signed:
    """A token as sipgate's server makes them, and the key that verifies it in two forms."""

    token: str
    jwk: Mapping[str, str]
    pem: bytes


def signed() -> Signed:
    key = rsa.generate_private_key(65537, 2048)
    now = int(time.time())
    claims = {
        "exp": now + 3600,
        "iat": now,
        "auth_time": now - 20,
        "jti": "5a1e7d2f-3b21-4f55-9b0a-1f0a1f1d3c44",
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "sub": "f:a1b2c3d4-0000-1111-2222-333344445555:1234567w0",
        "typ": "ID",
        "azp": CLIENT_ID,
        "nonce": "PbYRTDIY1YzTIKcIPFGYSh7mbRtzX9kCHRIXbhVSpvk",
        "sid": "0a6f6b5e-7d6b-4a58-8d0e-0f4cf9f7a1b2",
        "acr": "1",
        "email_verified": True,
        "name": "Anna Example",
        "preferred_username": "anna",
        "given_name": "Anna",
        "family_name": "Example",
        "email": "anna@example.com",
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": KID}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "kid": KID,
        "alg": "RS256",
        "use": "sig",
        "n": encoded(numbers.n.to_bytes(256, "big")),
        "e": "AQAB",
    }
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Signed(f"{text}.{encoded(signature)}", jwk, pem)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_google_auth(made: Signed) -> Callable[[], Any]:
    """It leaves the issuer to the application."""

    def judge() -> Any:
        claims = google.auth.jwt.decode(
            made.token, certs={KID: made.pem}, audience=CLIENT_ID, clock_skew_in_seconds=60
        )
        assert claims["iss"] == ISSUER
        return claims

    return judge


def with_joserfc(made: Signed) -> Callable[[], Any]:
    keys = KeySet.import_key_set({"keys": [dict(made.jwk)]})
    rules = joserfc_jwt.JWTClaimsRegistry(
        leeway=60,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": CLIENT_ID},
        exp={"essential": True},
    )

    def judge() -> Any:
        decoded = joserfc_jwt.decode(made.token, keys, algorithms=["RS256"])
        rules.validate(decoded.claims)
        return decoded.claims

    return judge


def with_pyjwt(made: Signed) -> Callable[[], Any]:
    key = pyjwt.PyJWK.from_dict(dict(made.jwk))
    return lambda: pyjwt.decode(
        made.token, key, algorithms=["RS256"], audience=CLIENT_ID, issuer=ISSUER, leeway=60
    )


PEERS: Mapping[str, Callable[[Signed], Callable[[], Any]]] = {
    "google-auth": with_google_auth,
    "joserfc": with_joserfc,
    "PyJWT": with_pyjwt,
}


def main() -> int:
    made = signed()
    ways = {name: make(made) for name, make in PEERS.items()}
    assert len({judge()["sub"] for judge in ways.values()}) == 1
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, judge in ways.items():
            started = time.perf_counter()
            for _ in range(CALLS):
                judge()
            taken[name].append((time.perf_counter() - started) / CALLS)
    for name, times in taken.items():
        print(f"an ID token, RS256: {name:<12} {statistics.median(times) * 1e6:>8.1f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
