"""The code of docs/bundlers.md: the files that its blocks name, and the commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from driver.programs import ROOT

PAGE = ROOT / "docs" / "bundlers.md"
BLOCK = re.compile(r"^```(?P<language>js|sh)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"// (?P<name>[\w.]+)\n")


class PageBroken(Exception):
    """The page does not have what the test expects."""


@dataclass(frozen=True)
class Recipe:
    """A command of the page, and the files of its section, by name."""

    command: Sequence[str]
    files: dict[str, str]


def recipes(title: str) -> Sequence[Recipe]:
    """One for each command of a section."""
    _, heading, rest = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    if not heading:
        raise PageBroken(f"{PAGE.name} has no section {title!r}")
    blocks = list(BLOCK.finditer(rest.partition("\n## ")[0]))
    files = {}
    for block in blocks:
        if block["language"] == "js":
            named = NAMED.match(block["text"])
            if named is None:
                raise PageBroken(f"{PAGE.name}: a block of {title!r} does not name its file")
            files[named["name"]] = block["text"][named.end() :]
    commands = [shlex.split(block["text"]) for block in blocks if block["language"] == "sh"]
    return [Recipe([word for word in command if word != "\n"], files) for command in commands]


def titles() -> set[str]:
    """The sections that have commands."""
    found = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {title for title in found if recipes(title)}


def without(text: str, part: str) -> str:
    """Fails if the text does not have the part exactly once."""
    if text.count(part) != 1:
        raise PageBroken(f"{PAGE.name}: {part!r} is there {text.count(part)} times, expected once")
    return text.replace(part, "")
