"""The code of docs/testing.md."""

from __future__ import annotations

import re

from driver.programs import ROOT
from signing_in import page as signing_in

PAGE = ROOT / "docs" / "testing.md"
# What runs, by the headings.
SECTIONS = (
    "pytest",
    "node:test",
    "Vitest",
    "Jest",
    "Rust",
    "C",
    "An account without a server",
    "Errors that a test makes",
)
BLOCK = re.compile(
    r"^```(\w+)\n((?:#|//|/\*) ([\w/.]+)(?: \*/)?\n.*?)^```$", re.MULTILINE | re.DOTALL
)


def files(title: str) -> dict[str, str]:
    """The files of the blocks below a heading, by the names in their first lines."""
    _, heading, rest = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    blocks = BLOCK.findall(rest.partition("\n## ")[0])
    if not heading or not blocks:
        raise SystemExit(f"{PAGE.name} has no code under {title!r}")
    return {name: text for _, text, name in blocks}


def unnamed() -> int:
    """How many blocks name no file, and are therefore not run."""
    text = PAGE.read_text(encoding="utf-8")
    fences = len(re.findall(r"^```", text, re.MULTILINE))
    return fences // 2 - len(BLOCK.findall(text))


def application() -> str:
    """The application that the page tests: that of docs/signing-in.md for Flask."""
    return signing_in.code("Flask")
