"""What can be wrong with a token or with the keys that it is judged by."""

from __future__ import annotations

from openid.corpus.mutations import (
    algorithms,
    claims,
    encoding,
    good,
    header,
    json_text,
    keys,
    signatures,
)
from openid.corpus.mutations.mutation import Mutation

_MODULES = (good, algorithms, header, encoding, json_text, claims, keys, signatures)

ALL: list[Mutation] = [mutation for module in _MODULES for mutation in module.MUTATIONS.made]
