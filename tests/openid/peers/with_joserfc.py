"""The verdicts of `joserfc` on the corpus, used as its documentation says."""

from __future__ import annotations

import json

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

from openid.peers.verdicts import Case, judge_corpus


def judge(case: Case) -> None:
    key: OctKey | KeySet
    if case["algorithms"][-1].startswith("HS") and case["client_secret"] is not None:
        key = OctKey.import_key(case["client_secret"])
    else:
        key = KeySet.import_key_set(json.loads(case["keys"]))
    token = jwt.decode(case["token"], key, algorithms=case["algorithms"])
    rules = jwt.JWTClaimsRegistry(
        now=case["now"],
        leeway=case["leeway"],
        iss={"essential": True, "value": case["issuer"]},
        sub={"essential": True},
        aud={"essential": True, "value": case["client_id"]},
        exp={"essential": True},
        iat={"essential": True},
        **({} if case["nonce"] is None else {"nonce": {"essential": True, "value": case["nonce"]}}),
    )
    rules.validate(token.claims)


judge_corpus(judge)
