"""The code of docs/signing-in.md."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "signing-in.md"

LANGUAGES: Mapping[str, str] = {
    "Flask": "Python",
    "FastAPI": "Python",
    "Django": "Python",
    "Express": "Node",
    "Fastify": "Node",
    "Next.js": "Node",
}
NAMED_FILE = re.compile(r"^(?://|#) ([\w/.-]+\.\w+)\b[^\n]*\n", re.MULTILINE)
ROW = re.compile(r"^\| (?P<who>[\w.]*) ?\| `(?P<old>[^`]+)` \| (?:`(?P<new>[^`]+)`)?", re.MULTILINE)


class PageBroken(Exception):
    """The page does not have what the test expects."""


def section(title: str) -> str:
    """The text below a heading of the page, up to the next."""
    page = PAGE.read_text(encoding="utf-8")
    _, heading, rest = page.partition(f"\n## {title}\n")
    if not heading:
        raise PageBroken(f"{PAGE.name} has no section {title!r}")
    return rest.partition("\n## ")[0]


def code(title: str) -> str:
    """All code blocks of a section, one after the other."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    if not blocks:
        raise PageBroken(f"{PAGE.name} has no code under {title!r}")
    return "\n".join(blocks)


def files(text: str, default: str) -> dict[str, str]:
    """The files that a code block names in comments of their own: `// app/route.js`."""
    first, *named = NAMED_FILE.split(text)
    found = dict(zip(named[::2], named[1::2], strict=True))
    return {default: first, **found} if first.strip() else found


def with_form_post(title: str, text: str) -> str:
    """The code of a section as the page's table changes it for `form_post`."""
    rows = _form_post_rows()
    changes = [*rows.get(LANGUAGES.get(title, ""), []), *rows[title]]
    for old, new in changes:
        text = replaced(text, old, new)
    return text


def replaced(text: str, old: str, new: str) -> str:
    """Replaces the only `old`; fails if there is not exactly one."""
    if text.count(old) != 1:
        raise PageBroken(f"{PAGE.name}: {old!r} is there {text.count(old)} times, expected once")
    return text.replace(old, new)


def _form_post_rows() -> dict[str, Sequence[tuple[str, str]]]:
    rows: dict[str, list[tuple[str, str]]] = {}
    who = ""
    for row in ROW.finditer(section("The callback as a POST")):
        who = row["who"] or who
        # Where the page has no code for it, each application says it in its own way.
        rows.setdefault(who, []).append((row["old"], row["new"] or "body()"))
    return dict(rows)


if __name__ == "__main__":
    # The build script of the axum program calls this.
    title, variant, path = sys.argv[1:]
    text = code(title)
    Path(path).write_text(with_form_post(title, text) if variant == "form_post" else text, "utf-8")
