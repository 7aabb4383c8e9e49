"""RULES.md: which case shows which rule.

A rule without a case is an error, unless `waiting` says what it waits for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from behaviour.runner.cases import CASES, Case, all_cases

FILE = CASES.parent / "RULES.md"

HEAD = """\
# Which case shows which rule

`python3 tests/behaviour/run.py --table` generates this page from `cases/`. `--check-table`, a part
of `make lint`, fails if the page is out of date or a rule has no case. Rules with a T-number
describe failures of other libraries that this library must not have.
"""


def write() -> int:
    rules, waiting, cases = _content()
    problems = _problems(rules, waiting, cases)
    FILE.write_text(_text(rules, waiting, cases))
    return _told(problems)


def check() -> int:
    rules, waiting, cases = _content()
    problems = _problems(rules, waiting, cases)
    if not FILE.exists() or FILE.read_text() != _text(rules, waiting, cases):
        problems.append(f"{FILE.name} is out of date: python3 tests/behaviour/run.py --table")
    return _told(problems)


def _content() -> tuple[Mapping[str, str], Mapping[str, str], Sequence[Case]]:
    written = json.loads((CASES / "rules.json").read_text())
    return written["rules"], written["waiting"], all_cases()


def _problems(
    rules: Mapping[str, str], waiting: Mapping[str, str], cases: Sequence[Case]
) -> list[str]:
    shown = {rule for case in cases for rule in case.rules}
    return [
        *(f"no case shows the rule “{rule}”" for rule in rules if rule not in shown | set(waiting)),
        *(f"a case shows “{rule}”, which is not a rule" for rule in sorted(shown - set(rules))),
        *(f"“{rule}” is waiting, but is not a rule" for rule in waiting if rule not in rules),
        *(f"the case “{case.title}” shows no rule" for case in cases if not case.rules),
    ]


def _text(rules: Mapping[str, str], waiting: Mapping[str, str], cases: Sequence[Case]) -> str:
    lines = [HEAD, "| rule | | cases |", "| --- | --- | --- |"]
    for rule, meaning in rules.items():
        titles = dict.fromkeys(_without_row(case) for case in cases if rule in case.rules)
        shown = "<br>".join(titles)
        wait = f"waits for {waiting[rule]}" if rule in waiting else ""
        cell = "<br>".join(filter(None, (shown, wait)))
        lines.append(f"| {rule} | {_escaped(meaning)} | {_escaped(cell)} |")
    return "\n".join([*lines, ""])


def _without_row(case: Case) -> str:
    """The rows of a case are listed once."""
    return case.title if case.row is None else case.title.removesuffix(f": {case.row}")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _told(problems: Sequence[str]) -> int:
    for problem in problems:
        print(problem)
    return 1 if problems else 0
