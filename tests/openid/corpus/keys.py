"""Keys of each kind, and signatures with them. Each run makes new ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Jwk = dict[str, Any]

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}

CURVES: Mapping[str, tuple[ec.EllipticCurve, int, str]] = {
    "P-256": (ec.SECP256R1(), 32, "ES256"),
    "P-384": (ec.SECP384R1(), 48, "ES384"),
    "P-521": (ec.SECP521R1(), 66, "ES512"),
    "secp256k1": (ec.SECP256K1(), 32, "ES256K"),
}

SYMMETRIC = ("HS256", "HS384", "HS512")


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def integer(number: int, length: int = 0) -> str:
    """A number as in a JWK, in as few bytes as possible or in so many."""
    return base64url(number.to_bytes(length or -(-number.bit_length() // 8) or 1, "big"))


def hs_signature(alg: str, secret: bytes, data: bytes) -> bytes:
    return hmac.new(secret, data, getattr(hashlib, f"sha{alg[2:]}")).digest()


@dataclass(frozen=True)
class SigningKey:
    """A private key with its id, and the algorithms that it signs with."""

    kid: str
    private: Any
    algorithms: tuple[str, ...]

    @cached_property
    def public(self) -> Any:
        return self.private.public_key()

    @cached_property
    def jwk(self) -> Jwk:
        """The public key without any optional member."""
        if isinstance(self.public, rsa.RSAPublicKey):
            numbers = self.public.public_numbers()
            return {"kty": "RSA", "n": integer(numbers.n), "e": integer(numbers.e)}
        if isinstance(self.public, ec.EllipticCurvePublicKey):
            point = self.public.public_numbers()
            name, length = next(
                (name, length)
                for name, (curve, length, _) in CURVES.items()
                if curve.name == self.public.curve.name
            )
            x, y = integer(point.x, length), integer(point.y, length)
            return {"kty": "EC", "crv": name, "x": x, "y": y}
        name = "Ed448" if isinstance(self.public, ed448.Ed448PublicKey) else "Ed25519"
        return {"kty": "OKP", "crv": name, "x": base64url(self.public.public_bytes_raw())}

    def encoded(self, encoding: Encoding, form: PublicFormat) -> bytes:
        encoded: bytes = self.public.public_bytes(encoding, form)
        return encoded

    def sign(self, alg: str, data: bytes, salt: int | None = None) -> bytes:
        """A signature as a token has it. `salt` is the length of the salt of `PS*`."""
        signature: bytes
        if alg == "EdDSA":
            signature = self.private.sign(data)
        elif alg.startswith("ES"):
            length = next(length for _, length, name in CURVES.values() if name == alg)
            r, s = decode_dss_signature(self.der_signature(alg, data))
            signature = r.to_bytes(length, "big") + s.to_bytes(length, "big")
        elif alg.startswith("PS"):
            chosen = HASHES[alg[2:]]
            salted = chosen.digest_size if salt is None else salt
            pss = padding.PSS(padding.MGF1(chosen), salted)
            signature = self.private.sign(data, pss, chosen)
        else:
            signature = self.private.sign(data, padding.PKCS1v15(), HASHES[alg[2:]])
        return signature

    def der_signature(self, alg: str, data: bytes) -> bytes:
        der: bytes = self.private.sign(data, ec.ECDSA(HASHES[alg[2:5]]))
        return der


class Keys:
    """The keys of a run. `main` sign tokens, `others` are what attackers and rotations have."""

    def __init__(self) -> None:
        self.main = _set_of_keys("main")
        self.others = _set_of_keys("other")
        self.small_rsa = _rsa("small-rsa", 1024)
        self.small_exponent = _rsa("e-is-3", 2048, 3)
        self.foreign_curve = _ec("secp256k1", "secp256k1")
        self.ed448 = SigningKey("ed448", ed448.Ed448PrivateKey.generate(), ("EdDSA",))

    def for_algorithm(self, alg: str, of: str = "main") -> SigningKey:
        keys = self.main if of == "main" else self.others
        return next(key for key in keys if alg in key.algorithms)


def _set_of_keys(name: str) -> list[SigningKey]:
    ed = SigningKey(f"{name}-ed25519", ed25519.Ed25519PrivateKey.generate(), ("EdDSA",))
    curves = [_ec(f"{name}-{curve}", curve) for curve in ("P-256", "P-384", "P-521")]
    return [_rsa(f"{name}-rsa", 2048), *curves, ed]


def _rsa(kid: str, bits: int, exponent: int = 65537) -> SigningKey:
    algorithms = tuple(f"{kind}{bits}" for kind in ("RS", "PS") for bits in HASHES)
    return SigningKey(kid, rsa.generate_private_key(exponent, bits), algorithms)


def _ec(kid: str, curve: str) -> SigningKey:
    made, _, alg = CURVES[curve]
    return SigningKey(kid, ec.generate_private_key(made), (alg,))
