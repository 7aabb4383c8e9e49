"""The values in a case: references such as `${request.state}`, and values too long to write out.

An object whose only member is one of `FUNCTIONS` is replaced by what the function returns.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

DATA = Path(__file__).resolve().parents[1] / "data"
REFERENCE = re.compile(r"\$\{([^}]+)\}")
ROW_REFERENCE = re.compile(r"\$\{(row\.[^}]+)\}")

Scope = Mapping[str, Any]


class UnknownReference(LookupError):
    """A case refers to something that no earlier step created."""


def expand(value: Any, scope: Scope, pattern: re.Pattern[str] = REFERENCE) -> Any:
    """The value with its references replaced, and then its functions evaluated."""
    if isinstance(value, str):
        return _expand_text(value, scope, pattern)
    if isinstance(value, list):
        return [expand(item, scope, pattern) for item in value]
    if isinstance(value, dict):
        members = {name: expand(item, scope, pattern) for name, item in value.items()}
        name, *others = members or [""]
        if pattern is REFERENCE and not others and name in FUNCTIONS:
            return FUNCTIONS[name](members[name])
        return members
    return value


def expand_row(value: Any, row: Scope) -> Any:
    """The value with references to its row replaced; the run replaces all others."""
    return expand(value, {"row": row}, ROW_REFERENCE)


def form_value(text: str) -> str:
    """A form value as the URL standard serializes it, which the library must send byte for byte."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def _expand_text(text: str, scope: Scope, pattern: re.Pattern[str]) -> Any:
    whole = pattern.fullmatch(text)
    if whole:
        return _look_up(whole[1], scope)
    return pattern.sub(lambda found: str(_look_up(found[1], scope)), text)


def _look_up(path: str, scope: Scope) -> Any:
    """`${row.error?}` may be absent, and is then null."""
    found: Any = scope
    optional = path.endswith("?")
    for name in path.removesuffix("?").split("."):
        if not isinstance(found, Mapping) or name not in found:
            if optional:
                return None
            raise UnknownReference(f"${{{path}}}: there is no {name}")
        found = found[name]
    return found


def _data(file: str) -> Any:
    return json.loads((DATA / file).read_text())


def _repeat(arguments: tuple[str, int]) -> str:
    text, times = arguments
    return text * times


def _padded_json(arguments: tuple[Any, int]) -> str:
    """The JSON text of a value, padded with spaces to this many bytes."""
    value, size = arguments
    return json.dumps(value).ljust(size)


def _with(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """An object with the members of all of these; the last one wins."""
    return {name: value for part in parts for name, value in part.items()}


def _member(pair: tuple[str, Any]) -> dict[str, Any]:
    """An object with one member, whose name is a reference."""
    name, value = pair
    return {name: value}


def _edited_export(arguments: tuple[str, Mapping[str, Any]]) -> str:
    """An exported authorization request with changed members, for example an expired one."""
    exported, changes = arguments
    padded = exported + "=" * (-len(exported) % 4)
    members = {**json.loads(base64.urlsafe_b64decode(padded)), **changes}
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "$repeat": _repeat,
    "$with": _with,
    "$member": _member,
    "$concat": lambda lists: [item for one in lists for item in one],
    "$join": "".join,
    "$json": json.dumps,
    "$data": _data,
    "$data_member": lambda pair: _data(pair[0])[pair[1]],
    "$padded_json": _padded_json,
    "$edited_export": _edited_export,
    "$form_value": form_value,
}
