"""Compares results with what a case expects.

Of an object, only the members that the case names are compared; lists, strings and numbers must be
equal. An object whose only member is one of `MATCHERS` describes what a value must be like.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SHOWN = 300
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Call:
    """When a call began and ended, in whole seconds since 1970, as in the library."""

    began: int
    ended: int


NO_CALL = Call(0, 0)


def differences(expected: Any, actual: Any, call: Call = NO_CALL, at: str = "") -> list[str]:
    """The differences from what is expected, one per line."""
    if isinstance(expected, dict):
        name, *others = expected or [""]
        if not others and name in MATCHERS:
            problem = MATCHERS[name](expected[name], actual, call)
            return [] if problem is None else [f"{at or 'it'} {problem}"]
        if not isinstance(actual, Mapping):
            return [f"{at or 'it'} is {_shown(actual)}, expected an object"]
        return [
            line
            for member, value in expected.items()
            for line in differences(
                value, actual.get(member), call, f"{at}.{member}" if at else member
            )
        ]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{at or 'it'} is {_shown(actual)}, expected {len(expected)} items"]
        return [
            line
            for index, (one, other) in enumerate(zip(expected, actual, strict=True))
            for line in differences(one, other, call, f"{at}[{index}]")
        ]
    if _same(expected, actual):
        return []
    return [f"{at or 'it'} is {_shown(actual)}, expected {_shown(expected)}"]


def _same(expected: Any, actual: Any) -> bool:
    return isinstance(expected, bool) == isinstance(actual, bool) and bool(expected == actual)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


def _exactly(expected: Any, actual: Any, _: Call) -> str | None:
    same = json.dumps(expected, sort_keys=True) == json.dumps(actual, sort_keys=True)
    return None if same else f"is {_shown(actual)}, expected exactly {_shown(expected)}"


def _contains(expected: str | list[str], actual: Any, _: Call) -> str | None:
    texts = [expected] if isinstance(expected, str) else expected
    missing = [text for text in texts if not isinstance(actual, str) or text not in actual]
    return f"is {_shown(actual)}, which lacks {_shown(missing)}" if missing else None


def _lacks(expected: str, actual: Any, _: Call) -> str | None:
    if isinstance(actual, str) and expected not in actual:
        return None
    return f"is {_shown(actual)}, which should not have {_shown(expected)}"


def _starts(expected: str, actual: Any, _: Call) -> str | None:
    if isinstance(actual, str) and actual.startswith(expected):
        return None
    return f"is {_shown(actual)}, expected to begin with {_shown(expected)}"


def _names(expected: str, actual: Any, _: Call) -> str | None:
    """The message begins with the argument as the language spells it: `client_id`, `clientId`."""
    first, *others = expected.split("_")
    camel = first + "".join(map(str.capitalize, others))
    if isinstance(actual, str) and actual.partition(":")[0] in (expected, camel):
        return None
    return f"is {_shown(actual)}, expected to begin with the name {expected}"


def _matches(expected: str, actual: Any, _: Call) -> str | None:
    if isinstance(actual, str) and re.fullmatch(expected, actual, re.DOTALL):
        return None
    return f"is {_shown(actual)}, expected to match {expected}"


def _not(expected: Any, actual: Any, _: Call) -> str | None:
    return f"is {_shown(actual)}, expected something else" if _same(expected, actual) else None


def _in_any_order(expected: list[Any], actual: Any, call: Call) -> str | None:
    left = list(actual) if isinstance(actual, list) else []
    for one in expected:
        found = next((item for item in left if not differences(one, item, call)), None)
        if found is None:
            return f"is {_shown(actual)}, which lacks {_shown(one)}"
        left.remove(found)
    return f"has {_shown(left)} too many" if left else None


def _at_most(expected: float, actual: Any, _: Call) -> str | None:
    if isinstance(actual, (int, float)) and actual <= expected:
        return None
    return f"is {_shown(actual)}, expected at most {expected}"


def _about(expected: tuple[float, float], actual: Any, _: Call) -> str | None:
    base, seconds = expected
    if isinstance(actual, (int, float)) and abs(actual - base) <= seconds:
        return None
    return f"is {_shown(actual)}, expected {base} ± {seconds}"


def _seconds_after_call(expected: int, actual: Any, call: Call) -> str | None:
    """The library counts from when it sent the request: between the call's beginning and end."""
    if isinstance(actual, int) and call.began + expected <= actual <= call.ended + expected:
        return None
    return f"is {_shown(actual)}, expected {expected} s after {call.began} to {call.ended}"


def _json(expected: Any, actual: Any, call: Call) -> str | None:
    try:
        parsed = json.loads(actual)
    except (TypeError, ValueError):
        return f"is {_shown(actual)}, expected JSON text"
    return "; ".join(differences(expected, parsed, call, "its JSON")) or None


def _url(expected: Mapping[str, Any], actual: Any, call: Call) -> str | None:
    """A URL with each parameter once.

    `endpoint`: all before the `?`; `query`: decoded parameters; `absent`: names that it lacks.
    """
    if not isinstance(actual, str):
        return f"is {_shown(actual)}, expected a URL"
    parts = urlsplit(actual)
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    query = dict(pairs)
    problems = [f"has {name} in its query" for name in expected.get("absent", []) if name in query]
    if len(query) != len(pairs):
        problems.append("has a parameter twice")
    if "endpoint" in expected:
        problems += differences(expected["endpoint"], actual.partition("?")[0], call, "endpoint")
    problems += differences(expected.get("query", {}), query, call, "query")
    return "; ".join(problems) or None


def _same_url_parameters(expected: str, actual: Any, call: Call) -> str | None:
    """The URL has the endpoint and all decoded parameters of another one."""
    query = dict(parse_qsl(urlsplit(expected).query, keep_blank_values=True))
    return _url({"endpoint": expected.partition("?")[0], "query": query}, actual, call)


def _verifier_for(expected: str, actual: Any, _: Call) -> str | None:
    """The code verifier whose S256 challenge is in an authorization URL (RFC 7636, section 4.6)."""
    challenge = dict(parse_qsl(urlsplit(expected).query))["code_challenge"]
    digest = hashlib.sha256(str(actual).encode()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge:
        return None
    return "is not the verifier of the challenge in the authorization URL"


def _drawn(expected: list[str], actual: Any, _: Call) -> str | None:
    """Members of many results: each has 256 bits, none occurs twice, and every bit varies."""
    for member in expected:
        texts = [one[member] for one in actual]
        bad = next((text for text in texts if not TOKEN.fullmatch(text)), None)
        if bad is not None:
            return f"has a {member} that is not 43 characters of base64url: {_shown(bad)}"
        if len(set(texts)) != len(texts):
            return f"has a {member} twice"
        numbers = [int.from_bytes(base64.urlsafe_b64decode(f"{text}="), "big") for text in texts]
        always, ever = (1 << 256) - 1, 0
        for number in numbers:
            always, ever = always & number, ever | number
        if always or ever != (1 << 256) - 1:
            return f"has a bit of {member} that never changes in {len(numbers)} draws"
    return None


def _distinct(expected: str, actual: Any, _: Call) -> str | None:
    """A parameter has a different value in the URL of each of many results."""
    values = [dict(parse_qsl(urlsplit(one["url"]).query))[expected] for one in actual]
    return None if len(set(values)) == len(values) else f"has a {expected} twice"


def _words(expected: str, actual: Any, _: Call) -> str | None:
    """The same words in any order."""
    same = isinstance(actual, str) and sorted(actual.split(" ")) == sorted(expected.split(" "))
    return None if same else f"is {_shown(actual)}, expected the words {_shown(expected)}"


MATCHERS: Mapping[str, Callable[[Any, Any, Call], str | None]] = {
    "$exactly": _exactly,
    "$contains": _contains,
    "$lacks": _lacks,
    "$starts": _starts,
    "$names": _names,
    "$matches": _matches,
    "$not": _not,
    "$in_any_order": _in_any_order,
    "$at_most": _at_most,
    "$about": _about,
    "$seconds_after_call": _seconds_after_call,
    "$is_json": _json,
    "$url": _url,
    "$has_all_of_url": _same_url_parameters,
    "$verifier_for": _verifier_for,
    "$drawn": _drawn,
    "$distinct": _distinct,
    "$words": _words,
}
