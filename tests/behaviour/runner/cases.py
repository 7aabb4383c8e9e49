"""The cases as they stand in `cases/*.json`, a file for each step of a login.

A file has `cases`, and may have `given`, steps by name that several of its cases begin with; those of `given.json` are for
all files. A case has these members:

- `name`: a sentence.
- `rules`: the lines of the rule book that it shows, by the names in `rules.json`.
- `rows`: objects; the case stands for one per row, named by the row's `what`. `${row.…}` are its members; `rules` adds to the case's.
- `given`: what goes before.
- `steps`: see `running`.
- `saw`: what the realm must have seen in the end: `token`, the number of token requests or what each of them was like, `any`,
  the number of all, `counters`. Nothing may have come that is not named.
- `unsupported`: by language, why its shim has no such operation.
- `inexpressible`: by language, why it cannot even be asked this.
- `linux`: it needs what Linux alone gives, a clock and limits of a process's own. It runs beside the others.
- `alongside`: it mostly waits, and runs beside the others with a realm and a shim of its own.
- `between`: the case is about two languages. It runs for every pair, and its steps say which one they are `in`: `one` or `other`.
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

# In the order of a login.
FILES = (
    "provider",
    "authorization",
    "callback",
    "exchange",
    "token_answer",
    "refresh",
    "source",
    "store",
    "processes",
    "clock",
    "transport",
    "client_authentication",
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

# Only tells a hanging shim from a slow one.
CALL_SECONDS = 90.0

Step = Mapping[str, Any]


class BadCase(Exception):
    """A case makes no sense as it is written."""


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
        raise BadCase(f"there are files of no step of a login: {sorted(files - set(FILES))}")
    cases = [case for name in FILES if name in files for case in _read(name, shared)]
    titles = [case.title for case in cases]
    doubled = sorted({title for title in titles if titles.count(title) > 1})
    if doubled:
        raise BadCase(f"two cases have one title: {doubled}")
    return cases


def matching(cases: Sequence[Case], pattern: str) -> list[Case]:
    """The cases whose title has the pattern in it; `*` and `?` stand for anything."""
    return [case for case in cases if fnmatch.fnmatch(case.title, f"*{pattern}*")]


def _read(file: str, shared: Mapping[str, Sequence[Step]]) -> Iterator[Case]:
    content = json.loads((CASES / f"{file}.json").read_text())
    given = {**shared, **content.get("given", {})}
    for written in content["cases"]:
        unknown = written.keys() - MEMBERS
        if unknown:
            raise BadCase(f"{file}: {written.get('name')}: there is no {sorted(unknown)}")
        for row in written.get("rows", [{}]):
            made = expand_row({**written, "rows": []}, row)
            before = [step for name in made.get("given", []) for step in given[name]]
            parts = [file.replace("_", " "), made["name"], *([row["what"]] if row else [])]
            yield Case(
                title=": ".join(parts),
                rules=[*made["rules"], *row.get("rules", [])],
                steps=[*expand_row(before, row), *made["steps"]],
                saw=made.get("saw", {}),
                unsupported=made.get("unsupported", {}),
                inexpressible=made.get("inexpressible", {}),
                between=made.get("between", False),
                alongside=made.get("alongside", False),
                linux=made.get("linux", False),
                row=row.get("what"),
            )
