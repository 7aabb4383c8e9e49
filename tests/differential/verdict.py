"""The verdict on an input in one language, and how the verdicts of two languages differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Members that are points in time, in seconds since 1970.
MOMENTS = {"expires_at", "refresh_expires_at", "created_at"}

# Random values in each authorization URL, with their fixed length.
DRAWN = re.compile(r"\b(nonce|code_challenge)=[\w-]{43}(?=&|$)")

# Calls that only create what another call uses.
PREPARING = {"client.new", "request.restore", "tokens.restore"}

OK = "ok"
SKIPPED = "skipped"


@dataclass(frozen=True)
class Moment:
    """A point in time, which may count from the beginning of the call."""

    value: int
    began: int

    def equals(self, other: Moment) -> bool:
        elapsed = (self.value - self.began) - (other.value - other.began)
        return self.value == other.value or abs(elapsed) <= 1

    def __repr__(self) -> str:
        return f"{self.value} ({self.value - self.began:+} s)"


@dataclass(frozen=True)
class Result:
    op: str
    members: Mapping[str, Any] | None
    error: Mapping[str, Any] | None

    @property
    def outcome(self) -> str:
        if self.error is not None:
            code, message = self.error.get("code"), str(self.error.get("message"))
            about = f" {message.partition(':')[0]}" if code == "SIPGATE_INVALID_ARGUMENT" else ""
            return f"{code}{about}, {self.error.get('remedy')}"
        return SKIPPED if self.members is None else OK


@dataclass(frozen=True)
class Verdict:
    results: Sequence[Result]
    requests: Sequence[Mapping[str, Any]]

    @property
    def outcome(self) -> str:
        """The outcome of the first call that is not in `PREPARING`, or that fails."""
        judged = (one for one in self.results if one.op not in PREPARING or one.error is not None)
        return next(judged).outcome

    def shown(self) -> Iterator[str]:
        for one in self.results:
            yield f"{one.op}: {_short(one.error if one.members is None else one.members)}"
        for request in self.requests:
            yield f"on the wire: {_short(request)}"


def result(op: str, reply: Mapping[str, Any], began: int) -> Result:
    """A shim's reply, without what differs from run to run."""
    members, error = reply.get("ok"), reply.get("error")
    if "unsupported" in reply:
        error = {"code": None, "message": f"unsupported: {reply['unsupported']}"}
    ok, failed = (None if one is None else _comparable(one, began) for one in (members, error))
    return Result(op, ok, failed)


def request(seen: Mapping[str, Any]) -> dict[str, Any]:
    """A request that the realm saw, without the connection number, which counts all languages."""
    return {name: value for name, value in seen.items() if name != "connection"}


def differences(language: str, reference: Verdict, other: Verdict) -> list[str]:
    as_float = language == "node"
    pairs = zip(reference.results, other.results, strict=True)
    found: list[str] = []
    for number, (wanted, came) in enumerate(pairs, 1):
        one = {"ok": wanted.members, "error": wanted.error}
        two = {"ok": came.members, "error": came.error}
        found += _differing(f"call {number}, {wanted.op}", one, two, as_float)
    return found + list(_differing("wire", reference.requests, other.requests, as_float))


def _comparable(members: Mapping[str, Any], began: int) -> dict[str, Any]:
    return {name: _value(name, value, began) for name, value in members.items()}


def _value(name: str, value: Any, began: int) -> Any:
    if name in MOMENTS and isinstance(value, int):
        return Moment(value, began)
    if name == "url":
        return DRAWN.sub(r"\1=…", value)
    if name == "nonce":
        return re.sub(r"[\w-]{43}", "…", value)
    if name == "retry_after" and value is not None:
        return float(value)
    if name == "exported":
        return _comparable(json.loads(value), began)
    return value


def _differing(at: str, one: Any, two: Any, as_float: bool) -> Iterator[str]:
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for name in dict.fromkeys([*one, *two]):
            wanted, came = one.get(name, "absent"), two.get(name, "absent")
            yield from _differing(f"{at}, {name}", wanted, came, as_float)
    elif isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        for number, (wanted, came) in enumerate(zip(one, two, strict=True), 1):
            yield from _differing(f"{at}, {number}", wanted, came, as_float)
    elif not _equal(one, two, as_float):
        yield f"{at}: {_short(one)} in Rust, {_short(two)} here"


def _equal(one: Any, two: Any, as_float: bool) -> bool:
    if isinstance(one, Moment) and isinstance(two, Moment):
        return one.equals(two)
    if _is_number(one) and _is_number(two):
        # JavaScript has only one number type.
        return float(one) == float(two) if as_float else type(one) is type(two) and one == two
    return type(one) is type(two) and bool(one == two)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 1200 else f"{text[:1000]}… ({len(text)} characters) …{text[-150:]}"
