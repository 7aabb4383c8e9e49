"""The cases in `cases/*.json`, a file for each step of a login.

A file has `cases`, and may have `given`: named steps that several of its cases begin with. Those of
`given.json` are for all files. A case has these members:

- `name`: a sentence.
- `rules`: the rules that it shows, by their names in `rules.json`.
- `rows`: objects; the case runs once per row, named by the row's `what`. `${row.…}` are the row's
  members; its `rules` are added to those of the case.
- `given`: names of steps that run first.
- `steps`: see `running`.
- `saw`: what the realm must have seen in the end: `token`, the number of token requests or what
  each of them is like; `any`, the number of all requests; `counters`. With neither `token` nor
  `any`, it must have seen no request. Requests for the server's keys count only as `certs`: a
  process keeps the keys over many cases, unless it is restarted.
- `unsupported`: by language, why its shim has no such operation, or null.
- `inexpressible`: by language, why the language cannot express the call.
- `linux`: it needs Linux, where one process can have its own clock and limits. It runs in parallel
  with the others.
- `alongside`: it mostly waits, and runs in parallel with the others, with its own realm and shim.
- `between`: the case is about two languages. It runs for every pair, and each step says which one
  it is `in`: `one` or `other`.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from behaviour.runner.values import expand_row

CASES = Path(__file__).resolve().parents[1] / "cases"

# In the order in which a login uses them.
FILES = (
    "provider",
    "authorization",
    "callback",
    "browser",
    "exchange",
    "token_response",
    "refresh",
    "source",
    "store",
    "stores_by_url",
    "processes",
    "clock",
    "transport",
    "client_authentication",
    "openid",
    "accounts",
    "api",
    "between",
)

NO_CASES = {"given", "rules"}

MEMBERS = {
    "name",
    "rules",
    "rows",
    "given",
    "steps",
    "saw",
    "unsupported",
    "inexpressible",
    "between",
    "alongside",
    "linux",
}

# Long enough to tell a hanging shim from a slow one.
CALL_SECONDS = 90.0

Step = Mapping[str, Any]


class BadCase(Exception):
    """A case is malformed."""


@dataclass(frozen=True)
class Case:
    title: str
    rules: Sequence[str]
    steps: Sequence[Step]
    saw: Mapping[str, Any]
    unsupported: Mapping[str, str]
    inexpressible: Mapping[str, str]
    between: bool
    alongside: bool
    linux: bool
    row: str | None
    limit: float = CALL_SECONDS

    def with_other(self, language: str) -> Case:
        return replace(self, title=f"{self.title}: {language}")


def all_cases() -> list[Case]:
    shared = json.loads((CASES / "given.json").read_text())
    files = {path.stem for path in CASES.glob("*.json")} - NO_CASES
    if files - set(FILES):
        raise BadCase(f"files that belong to no step of a login: {sorted(files - set(FILES))}")
    cases = [case for name in FILES if name in files for case in _read(name, shared)]
    titles = [case.title for case in cases]
    doubled = sorted({title for title in titles if titles.count(title) > 1})
    if doubled:
        raise BadCase(f"cases with the same title: {doubled}")
    return cases


def matching(cases: Sequence[Case], pattern: str) -> list[Case]:
    """The cases whose title contains the pattern, in which `*` and `?` are wildcards."""
    return [case for case in cases if fnmatch.fnmatch(case.title, f"*{pattern}*")]


def cases_of(path: Path, title: str, shared: Mapping[str, Sequence[Step]]) -> Iterator[Case]:
    """The cases of a file. `shared` are steps that they may begin with."""
    content = json.loads(path.read_text())
    given = {**shared, **content.get("given", {})}
    for written in content["cases"]:
        unknown = written.keys() - MEMBERS
        if unknown:
            raise BadCase(f"{path.stem}: {written.get('name')}: there is no {sorted(unknown)}")
        for row in written.get("rows", [{}]):
            made = expand_row({**written, "rows": []}, row)
            before = [step for name in made.get("given", []) for step in given[name]]
            parts = [title, made["name"], *([row["what"]] if row else [])]
            yield Case(
                title=": ".join(parts),
                rules=[*made.get("rules", []), *row.get("rules", [])],
                steps=[*expand_row(before, row), *made["steps"]],
                saw=made.get("saw", {}),
                unsupported=made.get("unsupported") or {},
                inexpressible=made.get("inexpressible", {}),
                between=made.get("between", False),
                alongside=made.get("alongside", False),
                linux=made.get("linux", False),
                row=row.get("what"),
            )


def _read(file: str, shared: Mapping[str, Sequence[Step]]) -> Iterator[Case]:
    return cases_of(CASES / f"{file}.json", file.replace("_", " "), shared)
