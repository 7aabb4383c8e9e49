"""The code of docs/migration: a peer's program, the same one here, and how to take tokens along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "migration"
BLOCK = re.compile(r"^```(?:python|js|rust|c)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class PageBroken(Exception):
    """The page does not have what the test expects."""


@dataclass(frozen=True)
class Code:
    theirs: str
    ours: str
    saved_tokens: str


def code(peer: str) -> Code:
    return Code(*blocks(peer))


def blocks(peer: str) -> Sequence[str]:
    found = BLOCK.findall((FOLDER / f"{peer}.md").read_text(encoding="utf-8"))
    if len(found) != 3:
        raise PageBroken(f"{peer}.md has {len(found)} blocks of code, expected 3")
    return found


def at(text: str, addresses: dict[str, str]) -> str:
    """The code at other addresses. Where it names none, the library has those of sipgate."""
    for public, local in addresses.items():
        text = text.replace(public, local)
    if "sipgate.com" in text.replace("api.sipgate.com", ""):
        raise PageBroken(f"the code names an address that the test does not know:\n{text}")
    return text
