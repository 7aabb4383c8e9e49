"""One row for each thing, with what it is called in each language."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api_parity.spelling import Speller

LANGUAGES = ("rust", "python", "aio", "node", "c")


@dataclass
class Row:
    """`why`: the reason for what it lacks, and for nothing else."""

    name: str
    items: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    why: str = ""

    def cell(self, language: str) -> str:
        return "<br>".join(f"`{item}`" for item in sorted(self.items.get(language, [])))

    def lacking(self, speller: Speller) -> Iterator[str]:
        for language in LANGUAGES:
            there = self.items.get(language, [])
            if not there:
                yield language
            elif language in ("python", "aio"):
                functions = {item.partition("(")[0] for item in there if "(" in item}
                yield from (
                    f"{language}: {function}"
                    for function in (speller.functions(self.name) if functions else [])
                    if function not in functions
                )


class Table:
    def __init__(self, offered: Mapping[str, set[str]], exceptions: Mapping[str, Any]) -> None:
        self.problems: list[str] = []
        self._offered = offered
        self._speller = Speller(exceptions["aliases"], exceptions["keywords"])
        self._rows: dict[str, Row] = {}
        self._taken: set[tuple[str, str]] = set()
        for same in exceptions["same"]:
            self._add_same(same)
        for language in LANGUAGES:
            for item in sorted(offered[language]):
                if (language, item) not in self._taken:
                    name = self._speller.common(language, item, offered[language])
                    self._row(name).items[language].append(item)
        for group in exceptions["only"]:
            self._excuse(group)
        for row in self.rows():
            lacking = list(row.lacking(self._speller))
            if row.why and not lacking:
                self.problems.append(f"{row.name}: explained, but every language has it")
            if lacking and not row.why:
                have = "; ".join(
                    f"{language} {', '.join(items)}" for language, items in row.items.items()
                )
                self.problems.append(f"{row.name}: not in {', '.join(lacking)}, but {have}")

    def rows(self) -> list[Row]:
        return [self._rows[name] for name in sorted(self._rows)]

    def _row(self, name: str) -> Row:
        return self._rows.setdefault(name, Row(name))

    def _add_same(self, same: Mapping[str, Any]) -> None:
        row = self._row(same["name"])
        row.why = same.get("why", "")
        for language in LANGUAGES:
            items = same.get(language, [])
            for item in [items] if isinstance(items, str) else items:
                if self._is_there(language, item):
                    row.items[language].append(item)
                    self._taken.add((language, item))

    def _excuse(self, group: Mapping[str, Any]) -> None:
        """Its rows must lack something, and it must name all that they have: whatever is added to one has to be looked at."""
        named = {
            (language, item)
            for language in LANGUAGES
            for item in group.get(language, [])
            if self._is_there(language, item)
        }
        for row in self.rows():
            items = {(language, item) for language in row.items for item in row.items[language]}
            if not items & named:
                continue
            if not items <= named:
                missing = ", ".join(
                    sorted(f"{language} {item}" for language, item in items - named)
                )
                self.problems.append(
                    f"{row.name}: {missing} is the same, and not named: {group['why']}"
                )
            elif row.why:
                self.problems.append(f"{row.name}: explained twice")
            row.why = group["why"]

    def _is_there(self, language: str, item: str) -> bool:
        if item in self._offered[language]:
            return True
        self.problems.append(f"exceptions.json names {item} of {language}, and there is none")
        return False


def exceptions() -> Mapping[str, Any]:
    path = Path(__file__).with_name("exceptions.json")
    read: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def as_markdown(table: Table) -> str:
    shared = [row for row in table.rows() if not row.why]
    others = [row for row in table.rows() if row.why]
    lines = [
        "# What each language offers",
        "",
        "Written by `make api-table` from the four languages; do not edit. What only some of them have",
        "is explained in `exceptions.json`.",
        "",
        f"## In all languages: {len(shared)}",
        "",
        *_rows(shared),
    ]
    for why in sorted({row.why for row in others}):
        lines += [
            "",
            f"## {why[0].upper()}{why[1:]}",
            "",
            *_rows([row for row in others if row.why == why]),
        ]
    return "\n".join(lines) + "\n"


def _rows(rows: list[Row]) -> Iterator[str]:
    yield "| | Rust | Python | `aio` | Node | C |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in rows:
        yield f"| {row.name} | {' | '.join(row.cell(language) for language in LANGUAGES)} |"
