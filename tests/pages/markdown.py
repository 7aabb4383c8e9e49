"""The blocks of code of the README and of docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    page: str
    heading: str
    language: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Those of a page with a language, by its path in the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        before = BLOCK.sub("", text[: found.start()])
        heading = [title["title"] for title in HEADING.finditer(before)][-1]
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, heading, found["language"], found["text"], line)


def pages() -> list[str]:
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page.relative_to(ROOT).as_posix() for page in found]
