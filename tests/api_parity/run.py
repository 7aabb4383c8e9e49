"""Compares what the languages offer. An item that a language lacks is an error, unless
exceptions.json says why.

Each language is read by its own means: Rust by rustdoc, Python by an import, Node by TypeScript's
checker and by loading the package, C by a C parser. TABLE.md is made from what they find.
exceptions.json names single items, never a pattern. An exception that no longer applies is an
error too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api_parity import table
from api_parity.languages import c, node, python, rust

TABLE = Path(__file__).with_name("TABLE.md")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write TABLE.md")
    options = parser.parse_args()
    offered = {
        "rust": rust.items(),
        "python": python.items(),
        "aio": python.items_with_await(),
        "node": node.items(),
        "c": c.items(),
    }
    for language, items in offered.items():
        print(f"{language:<6} {len(items)} items")
    compared = table.Table(offered, table.exceptions())
    problems, text = compared.problems, table.as_markdown(compared)
    if options.write:
        TABLE.write_text(text, encoding="utf-8")
    elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text:
        problems.append("TABLE.md differs from what the languages offer: make api-table")
    for problem in problems:
        print(problem)
    print(f"{len(compared.rows())} rows, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
