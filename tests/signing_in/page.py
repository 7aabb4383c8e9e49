"""The programs of examples/sign_in, and what docs/signing-in.md shows and says of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "signing-in.md"
OF_LOGGING_IN = ROOT / "docs" / "logging-in.md"
EXAMPLES = ROOT / "examples" / "sign_in"

# What the page says below each heading is of the program in this folder.
FOLDERS: Mapping[str, str] = {
    "Flask": "flask",
    "FastAPI": "fastapi",
    "Django": "django",
    "Celery": "celery",
    "Express": "express",
    "Fastify": "fastify",
    "Next.js": "nextjs",
    "axum": "axum",
    "C": "c",
}
LANGUAGES: Mapping[str, str] = {
    "Flask": "Python",
    "FastAPI": "Python",
    "Django": "Python",
    "Celery": "Python",
    "Express": "Node",
    "Fastify": "Node",
    "Next.js": "Node",
}
BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (?P<who>[\w.]*) ?\| `(?P<old>[^`]+)` \| (?:`(?P<new>[^`]+)`)?", re.MULTILINE)


class PageBroken(Exception):
    """The page does not have what the test expects."""


def section(title: str, page: Path = PAGE) -> str:
    """The text below a heading of the page, up to the next."""
    _, heading, rest = page.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    if not heading:
        raise PageBroken(f"{page.name} has no section {title!r}")
    return rest.partition("\n## ")[0]


def code(title: str, page: Path = PAGE) -> str:
    """All code blocks of a section, one after the other."""
    blocks = BLOCK.findall(section(title, page))
    if not blocks:
        raise PageBroken(f"{page.name} has no code under {title!r}")
    return "\n".join(blocks)


def program(title: str) -> dict[str, str]:
    """The files of a program, by their paths in its folder."""
    folder = EXAMPLES / FOLDERS[title]
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in files
        if path.suffix != ".pyc"
    }


def differences() -> Iterator[str]:
    """Code of the page that is not in the program that it is of."""
    for title in FOLDERS:
        texts = program(title).values()
        if f"../examples/sign_in/{FOLDERS[title]}" not in section(title):
            yield f"{PAGE.name} has no link to the program under {title!r}"
        for block in BLOCK.findall(section(title)):
            # A block may leave out functions between those that it shows.
            for part in re.split(r"\n\n\n", block.strip("\n")):
                if not any(part in text for text in texts):
                    yield f"{PAGE.name}, {title}: the program does not have\n{part}"


def with_form_post(title: str, files: Mapping[str, str]) -> dict[str, str]:
    """The program as the page's table changes it for `form_post`."""
    rows = _form_post_rows()
    changed = dict(files)
    for old, new in [*rows.get(LANGUAGES.get(title, ""), []), *rows[title]]:
        found = [name for name, text in changed.items() for _ in range(text.count(old))]
        if len(found) != 1:
            raise PageBroken(f"{title}: {old!r} is there {len(found)} times, expected once")
        changed[found[0]] = changed[found[0]].replace(old, new)
    return changed


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
        rows.setdefault(who, []).append((row["old"], row["new"] or "posted"))
    return dict(rows)


if __name__ == "__main__":
    # The build script of the axum program calls this. What it writes is included in another file,
    # so it cannot begin with a comment about the crate.
    title, path = sys.argv[1:]
    text = with_form_post(title, program(title))["src/main.rs"]
    Path(path).write_text(re.sub(r"^//!.*\n", "", text), "utf-8")
