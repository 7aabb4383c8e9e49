"""The verdicts of `PyJWT` on the corpus, used as its documentation says for OpenID Connect."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt

from openid.peers.verdicts import Case, Refused, judge_corpus


class Keys(jwt.PyJWKClient):  # type: ignore[misc]
    """The client of the documentation, without the network."""

    def __init__(self, document: str) -> None:
        super().__init__("https://login.example.com/certs")
        self._document = document

    def fetch_data(self) -> Any:
        return json.loads(self._document)


def judge(case: Case) -> None:
    algorithm = str(jwt.get_unverified_header(case["token"]).get("alg"))
    is_symmetric = algorithm.startswith("HS")
    keys = None if is_symmetric else Keys(case["keys"])
    key = case["client_secret"] if keys is None else keys.get_signing_key_from_jwt(case["token"])
    data = jwt.decode_complete(
        case["token"],
        key=key,
        algorithms=case["algorithms"],
        audience=case["client_id"],
        issuer=case["issuer"],
        leeway=case["leeway"],
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )
    payload, header = data["payload"], data["header"]
    if case["nonce"] is not None and payload.get("nonce") != case["nonce"]:
        raise Refused("nonce")
    if case["access_token"] is not None and "at_hash" in payload:
        check_at_hash(header["alg"], case["access_token"], payload["at_hash"])


def check_at_hash(algorithm: str, access_token: str, at_hash: object) -> None:
    try:
        hashed = jwt.get_algorithm_by_name(algorithm).compute_hash_digest(access_token.encode())
    except NotImplementedError:
        # It has no hash for EdDSA, so such an application cannot check it.
        return
    half = base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
    if half != at_hash:
        raise Refused("at_hash")


judge_corpus(judge)
