"""Why we refuse tokens that other libraries accept.

A rule is named by the word that our error begins with, and by the groups of mutations that it is
for. Both are compared exactly: a refusal without a rule fails, as does a rule that is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    word: str
    because: str
    groups: tuple[str, ...]


LAX_BASE64 = (
    "base64url: padding",
    "base64url: left-over bits",
    "base64url: a space before",
    "base64url: a space behind",
    "base64url: a line break behind",
    "base64url: a line break inside",
    "base64url: a tab inside",
)
NOT_JSON = (
    "JSON: a byte order mark",
    "JSON: half a surrogate pair",
    "JSON: not UTF-8",
    "JSON: not a number",
    "JSON: too large a number",
)

ONE_TEXT = "base64url without padding, white space or bits left over: a token has one text"
ONE_READING = "JSON that two parsers may read differently, or that is none (RFC 8259)"
TWICE = "a member given twice may be read as either (RFC 8725, section 2.4)"
DEEP = "deep JSON costs memory and stack, and no token needs it"
TYPE = "a claim of a wrong type is never taken as absent"
NO_TIME = "a number that is no time, such as 1e300"

RULES: Sequence[Rule] = (
    # The form.
    Rule("header", ONE_TEXT, (*LAX_BASE64, "base64url: one =")),
    Rule("payload", ONE_TEXT, LAX_BASE64),
    Rule("signature", ONE_TEXT, (*LAX_BASE64, "white space around the token")),
    Rule("header", ONE_READING, NOT_JSON),
    Rule("payload", ONE_READING, NOT_JSON),
    Rule("header", DEEP, ("JSON: deep",)),
    Rule("payload", DEEP, ("JSON: deep",)),
    Rule("header", TWICE, ("a header member twice", "alg: twice")),
    Rule("payload", TWICE, ("a claim twice", "a member twice, deep inside")),
    Rule("header", "the header is at most 8 KiB", ("a huge header",)),
    Rule("token", "the token is at most 64 KiB", ("a huge token",)),
    # The header.
    Rule(
        "typ",
        "a token of another kind is no ID token (RFC 8725, section 3.11)",
        ("typ: another's",),
    ),
    Rule("typ", "it is a string (RFC 7515, section 4.1.9)", ("typ: another JSON type",)),
    Rule("kid", "it is a string (RFC 7515, section 4.1.4)", ("kid: another JSON type",)),
    Rule("crit", "no extension is supported, so none can be critical", ("crit",)),
    Rule("signature", "a secret shorter than the hash (RFC 7518, section 3.2)", ("HS",)),
    # Keys.
    Rule(
        "key set",
        "a document that is no key set, is too large, or can be read in two ways",
        ("key set: keys twice", "key set: more than 100 keys", "key set: more than 256 KiB"),
    ),
    Rule(
        "no key",
        "a key for something else: other than signatures, or another algorithm or curve",
        ("key: use", "key: key_ops", "key: alg", "key: alg unfit", "key: crv", "alg: unknown"),
    ),
    Rule(
        "no key",
        "a weak key: short, easy to factor, or with a private half that everybody has",
        ("key: RSA of 1024 bits", "key: an exponent below 3", "key: the private half too"),
    ),
    Rule(
        "no key",
        "a key whose members are not what RFC 7518 says, each once",
        (
            "key: a member",
            "key: a member twice",
            "key: a coordinate of another length",
            "key: base64url of its numbers",
            "a byte of the key set",
        ),
    ),
    Rule("no key", "eight keys are tried for a token without kid", ("no kid, and many keys",)),
    # Claims.
    Rule("iss", "the issuer is one string, the same byte for byte", ("iss",)),
    Rule(
        "aud",
        "other audiences only where they are trusted",
        ("aud: with others that are not trusted",),
    ),
    Rule("aud", TYPE, ("aud: with what is no string",)),
    Rule(
        "azp",
        "issued to another client, or not said to whom of several",
        ("azp", "aud: several, no azp"),
    ),
    Rule("azp", TYPE, ("claim of any type: azp",)),
    Rule("sub", "1 to 255 ASCII characters (OpenID Connect Core, section 2)", ("sub",)),
    Rule("sub", TYPE, ("claim of any type: sub",)),
    Rule("iat", "a token from the future", ("iat: in the future",)),
    Rule("iat", TYPE, ("claim of any type: iat", "a time as text")),
    Rule("iat", NO_TIME, ("an odd number: iat",)),
    Rule("exp", TYPE, ("a time as text",)),
    Rule("exp", NO_TIME, ("an odd number: exp",)),
    Rule("nbf", TYPE, ("claim of any type: nbf", "a time as text")),
    Rule("nbf", NO_TIME, ("an odd number: nbf",)),
    Rule("auth_time", TYPE, ("claim of any type: auth_time", "a time as text")),
    Rule("auth_time", NO_TIME, ("an odd number: auth_time",)),
    Rule("nonce", "the nonce is one string", ("nonce",)),
    Rule(
        "at_hash",
        "where it is present, it is that of the access token, with the hash of alg",
        ("at_hash", "at_hash: EdDSA", "claim of any type: at_hash"),
    ),
    Rule("acr", TYPE, ("claim of any type: acr",)),
    Rule("amr", TYPE, ("claim of any type: amr",)),
    Rule("sid", TYPE, ("claim of any type: sid",)),
    Rule("jti", TYPE, ("claim of any type: jti",)),
)
