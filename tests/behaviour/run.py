#!/usr/bin/env python3
"""The shared behaviour suite: the same cases in every language, against the local realm."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner import clock, report, suite, table
from behaviour.runner.cases import all_cases, matching
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS


def main() -> int:
    options = parsed_options()
    if options.table:
        return table.write()
    if options.check_table:
        return table.check()
    languages = options.languages.split(",")
    unknown = [language for language in languages if language not in SHIMS]
    if unknown:
        sys.exit(f"unknown language: {', '.join(unknown)}; known: {', '.join(SHIMS)}")
    return run(languages, options)


def run(languages: list[str], options: argparse.Namespace) -> int:
    cases = matching(all_cases(), options.case)
    if not cases:
        sys.exit(f"no title contains {options.case!r}")
    if any(case.linux for case in cases):
        if sys.platform == "linux":
            clock.build()
        else:
            every, cases = cases, [case for case in cases if not case.linux]
            print(f"SKIPPED because they need Linux: {len(every) - len(cases)} cases")
    outcome = suite.run(languages, cases, options.realm)
    passed, failed = report.shown(languages, outcome.verdicts, outcome.not_started, options.matrix)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--languages", default=",".join(SHIMS), help="separated by commas (default: all)"
    )
    parser.add_argument(
        "--case", default="", metavar="PATTERN", help="only cases whose title contains this"
    )
    parser.add_argument(
        "--matrix",
        action="store_true",
        help="also show the cases that passed in every language",
    )
    parser.add_argument(
        "--realm",
        type=Path,
        default=REALM_PROGRAM,
        metavar="PATH",
        help="the local realm's program",
    )
    parser.add_argument(
        "--table", action="store_true", help="write RULES.md: which case shows which rule"
    )
    parser.add_argument(
        "--check-table",
        action="store_true",
        help="fail if RULES.md is out of date, or a rule has no case",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
