"""Good tokens of all kinds. Without them a judge that refuses everything would do."""

from __future__ import annotations

from functools import partial

from openid.corpus.draft import ASYMMETRIC, CLIENT_ID, Draft
from openid.corpus.keys import SYMMETRIC
from openid.corpus.mutations.mutation import Mutations

MUTATIONS = Mutations()

for _alg in ASYMMETRIC:
    MUTATIONS.add("good", _alg, partial(lambda alg, d: d.use(alg), _alg))
for _alg in SYMMETRIC:
    MUTATIONS.add("good", _alg, partial(lambda alg, d: d.use_secret(alg), _alg))


@MUTATIONS.named("good", "without optional members and claims")
def _plain(d: Draft) -> None:
    d.header = {"alg": d.alg, "kid": d.key.kid}
    d.hashed = False
    for name in ("azp", "auth_time", "acr", "sid", "email", "email_verified"):
        del d.claims[name]


@MUTATIONS.named("good", "nothing is known of its nonce and access token")
def _nothing_known(d: Draft) -> None:
    d.nonce, d.access_token = None, None
    d.hashed = False
    del d.claims["nonce"]


@MUTATIONS.named("good", "members and claims that nobody knows")
def _unknown(d: Draft) -> None:
    d.header |= {"x": {"deep": [1, None, "ü"]}, "cty": "JWT"}
    d.claims |= {"größe": [1.5, {"a": None}], "x": "\U0001f600", "y": "\x00"}


@MUTATIONS.named("good", "in other JSON: white space, escapes, another order")
def _other_json(d: Draft) -> None:
    d.header = f' {{\n"kid" :\t"{d.key.kid}", "\\u0061lg": "{d.alg}" }}\r\n'
    d.claims = dict(d.draw.sample(list(d.claims.items()), len(d.claims)))


@MUTATIONS.named("no kid", "one key")
def _one_key(d: Draft) -> None:
    del d.header["kid"]
    d.jwks = {"keys": [d.published(d.key)]}


@MUTATIONS.named("no kid", "one key of the type")
def _one_of_the_type(d: Draft) -> None:
    del d.header["kid"]


@MUTATIONS.named("no kid", "several keys of the type")
def _several(d: Draft) -> None:
    del d.header["kid"]
    other = d.published(d.keys.for_algorithm(d.alg, "other"))
    d.jwks["keys"].insert(d.draw.randrange(2), {**other, "alg": d.alg})


@MUTATIONS.named("no kid", "keys have no kid either")
def _none_has(d: Draft) -> None:
    del d.header["kid"]
    for jwk in d.jwks["keys"]:
        del jwk["kid"]


@MUTATIONS.named("keys of one kid", "the right one is first or last")
def _same_kid(d: Draft) -> None:
    other = d.published(d.keys.for_algorithm(d.alg, "other"))
    d.jwks["keys"].insert(
        d.draw.choice((0, len(d.jwks["keys"]))), {**other, "kid": d.key.kid, "alg": d.alg}
    )


@MUTATIONS.named("keys of one kid", "of other types")
def _same_kid_other_type(d: Draft) -> None:
    for jwk in d.jwks["keys"]:
        jwk["kid"] = d.key.kid


@MUTATIONS.named("aud", "an array of the client alone")
def _array(d: Draft) -> None:
    d.claims["aud"] = [CLIENT_ID]


@MUTATIONS.named("aud", "an array with a trusted one")
def _trusted(d: Draft) -> None:
    d.claims["aud"] = d.draw.sample([CLIENT_ID, "account"], 2)
    d.client.trusted_audiences = ["account"]


@MUTATIONS.named("times", "a clock that differs by less than the leeway")
def _leeway(d: Draft) -> None:
    d.client.leeway = 300
    d.claims["exp"] = d.now
    d.claims["iat"] = d.claims["nbf"] = d.now + 100


@MUTATIONS.named("times", "nbf is 0")
def _nbf_0(d: Draft) -> None:
    d.claims["nbf"] = 0


@MUTATIONS.named("times", "fractions")
def _fractions(d: Draft) -> None:
    for name in ("exp", "iat", "auth_time"):
        d.claims[name] += 0.5


@MUTATIONS.named("times", "with an exponent")
def _exponent(d: Draft) -> None:
    d.claims["exp"] = 4e9
    d.claims["iat"] = 1.5e9


@MUTATIONS.named("times", "issued long ago")
def _old(d: Draft) -> None:
    d.claims["iat"] = d.draw.choice((0, 1, d.now - 10**8))
