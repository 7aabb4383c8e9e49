"""Checks the prose that users and maintainers read: words, width, and links between pages.

It reads every tracked file of the kinds in `CHECKED`. Code blocks, inline code, and text in double
quotes are exempt, so a name or a server's own words may hold any word.
"""

from __future__ import annotations

import functools
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100

CHECKED = (".md", ".rs", ".h", ".d.cts", ".pyi", ".py")

# Exact paths that are still to be rewritten. A path that passes must leave the list.
NOT_YET: tuple[str, ...] = ()

# Each pattern with what to write instead. A blank in a pattern also matches a line break.
BANNED = {
    r"whoever": '"anyone who", or name the role',
    r"of (?:the|an?) (?:library|application|program|process)'s": 'the noun first: "the library\'s …"',
    r"the person(?:'s)?": '"the user", or "the resource owner" in the RFC\'s sense',
    r"pending logins?": '"authorization request"',
    r"answer(?:s|ed|ing)?": '"response", "respond", or "result"',
    # Not the member of a report in the table of names.
    r"(?<!\.)renew(?:s|ed|al|als|ing)?": '"refresh"',
    r"anew": '"again"',
    r"heed(?:s|ed|ing)?": '"honor"',
    r"seldom": '"rarely"',
    r"by nature": "say what makes it unavoidable",
    r"mend(?:s|ed|ing)?": '"fix"',
}
PATTERNS = {
    re.compile(r"\b" + pattern.replace(" ", r"\s+") + r"\b", re.IGNORECASE): advice
    for pattern, advice in BANNED.items()
}
# A possessive with nothing after it: "the clock is ahead of the server's".
HANGING = re.compile(
    r"\b(?!(?:he|here|how|it|let|she|that|there|what|where|who)'s)[A-Za-z\x02]+'s"
    r"(?=\s*[;,.:!?)|]|\s*\n\s*\n|\s*\Z)",
    re.IGNORECASE,
)
PATTERNS[HANGING] = 'the noun after it, or "that of …"'

# What stands in a text for source code, and for code or a quotation within a sentence.
CODE = "\x01"
INLINE = "\x02"

FENCE = re.compile(
    r"^([ \x01]*)(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \x01]*\2[^\n]*$|\Z)", re.MULTILINE | re.DOTALL
)
INLINE_CODE = re.compile(r"(`+)(?:(?!\n\s*\n).)+?\1", re.DOTALL)
QUOTATION = re.compile(r'"(?:(?!\n\s*\n)[^"]){1,200}"|“[^”]{1,200}”')
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^()\s]+)\)")
COMMENT = re.compile(r'^((?:[^"/]|/(?!/)|"(?:[^"\\]|\\.)*")*)(//[/!]?)((?:\s.*)?)$')
UNBREAKABLE = re.compile(r"\S*\[[^\]]*\]\([^)]*\)\S*|\S+")


def blank(filler: str, match: re.Match[str]) -> str:
    """The matched text with the filler for every character but the line breaks."""
    return re.sub(r"[^\n]", filler, match[0])


code = functools.partial(blank, CODE)
inline = functools.partial(blank, INLINE)


def markdown(text: str) -> str:
    text = FENCE.sub(code, text)
    text = INLINE_CODE.sub(inline, text)
    text = LINK.sub(lambda match: match[1] + INLINE * (len(match[2]) + 2), text)
    return QUOTATION.sub(inline, text)


def slashes(text: str) -> str:
    """Rust: the comments that begin a line, and those that end one."""
    lines = []
    for line in text.split("\n"):
        parts = COMMENT.match(line)
        source, marker, comment = parts.groups() if parts else (line, "", "")
        lines.append(re.sub(r"\S", CODE, source) + " " * len(marker) + comment)
    return markdown("\n".join(lines))


def stars(text: str) -> str:
    """C and TypeScript: block comments."""
    parts = re.split(r"(/\*.*?\*/)", text, flags=re.DOTALL)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = re.sub(
                r"/\*+|\*/|^[ \t]*\*", lambda m: " " * len(m[0]), part, flags=re.MULTILINE
            )
        else:
            parts[i] = re.sub(r"\S", CODE, part)
    return markdown("".join(parts))


def docstrings(text: str) -> str:
    """Python: docstrings and comments."""
    lines = [re.sub(r"\S", CODE, line) for line in text.split("\n")]
    originals = text.split("\n")
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        (first, start), (last, end) = token.start, token.end
        opening = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type == tokenize.COMMENT:
            kept = " " + token.string[1:]
        elif token.type == tokenize.STRING and before in opening:
            kept = re.sub(r'^r?"""|"""$', lambda m: " " * len(m[0]), token.string)
        else:
            kept = ""
        for number, shown in enumerate(kept.split("\n") if kept else [], first - 1):
            column = start if number == first - 1 else 0
            rest = lines[number][end:] if number == last - 1 else ""
            doctest = shown.lstrip().startswith((">>>", "... "))
            shown = re.sub(r"\S", CODE, shown) if doctest else shown
            lines[number] = lines[number][:column] + shown + rest
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.type
    assert [len(line) for line in lines] == [len(line) for line in originals]
    return markdown("\n".join(lines))


KINDS: dict[str, Callable[[str], str]] = {
    ".md": markdown,
    ".rs": slashes,
    ".h": stars,
    ".d.cts": stars,
    ".pyi": docstrings,
    ".py": docstrings,
}


def tracked(kinds: tuple[str, ...]) -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(
        path for path in listing.splitlines() if path.endswith(kinds) and (ROOT / path).exists()
    )


def words(prose: str) -> Iterator[tuple[int, str]]:
    for pattern, advice in PATTERNS.items():
        for match in pattern.finditer(prose):
            found = " ".join(match[0].split())
            yield prose.count("\n", 0, match.start()) + 1, f"{found!r}: write {advice}"


def widths(text: str, prose: str) -> Iterator[tuple[int, str]]:
    for number, (line, shown) in enumerate(
        zip(text.split("\n"), prose.split("\n"), strict=True), 1
    ):
        table = shown.lstrip().startswith("|")
        breakable = len(UNBREAKABLE.findall(line.lstrip(" -*/#"))) > 1
        if len(line) > WIDTH and CODE not in shown and breakable and not table:
            yield number, f"{len(line)} columns: wrap prose at {WIDTH}"


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """What GitHub calls the headings of a page."""
    text = FENCE.sub(code, page.read_text(encoding="utf-8"))
    names: list[str] = []
    for heading in re.findall(r"^#+ +(.*?)\s*#*$", text, re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", LINK.sub(r"\1", heading).lower()).replace(" ", "-")
        names.append(f"{name}-{names.count(name)}" if name in names else name)
    return frozenset(names)


def links(path: str, text: str) -> Iterator[tuple[int, str]]:
    text = INLINE_CODE.sub(inline, FENCE.sub(code, text))
    for match in LINK.finditer(text):
        target, _, anchor = match[2].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        page = (ROOT / path).parent / target if target else ROOT / path
        number = text.count("\n", 0, match.start()) + 1
        if not page.exists():
            yield number, f"{match[2]}: there is no such file"
        elif anchor and anchor not in anchors(page.resolve()):
            yield number, f"{match[2]}: the page has no such heading"


def findings(path: str, text: str) -> list[str]:
    kind = next(kind for kind in KINDS if path.endswith(kind))
    prose = KINDS[kind](text)
    found = [*words(prose), *widths(text, prose), *(links(path, text) if kind == ".md" else ())]
    return [f"{path}:{number}: {problem}" for number, problem in sorted(found)]


LONG = "word " * 21
# A text of each kind, and the lines on which the checks must find something.
SAMPLES: dict[str, tuple[str, set[int]]] = {
    "sample.md": (
        'The\nperson `anew` "anew" anew.\n\n```c\nwhoever\n```\n\n'
        f"{LONG}\n\n| {LONG} |\n\n[a](README.md#no-such) [b](nowhere.md)\n\nIt's the\nserver's. The user's\nname.\n",
        {1, 2, 8, 12, 15},
    ),
    "sample.rs": (
        f'/// Of the\n/// library\'s state.\nlet anew = "// anew"; // seldom\n// {LONG}\n/// ```\n/// anew();\n/// ```\n',
        {1, 3, 4},
    ),
    "sample.h": ("/**\n * Heeded.\n */\nint anew(void); /* anew */\n", {2, 4}),
    "sample.d.cts": ("/** Renewed. */\nrenewed(): void\n", {1}),
    "sample.pyi": ('class A:\n    """Seldom."""\n    anew: str\n', {2}),
    "sample.py": (
        f'def anew():\n    """A\n\n    {LONG}\n    """\n    return "anew"  # anew\n',
        {4, 6},
    ),
}


def main() -> int:
    for path, (text, expected) in SAMPLES.items():
        found = {int(problem.split(":")[1]) for problem in findings(path, text)}
        assert found == expected, f"{path}: found something in lines {found}, expected {expected}"

    problems = []
    paths = tracked(CHECKED)
    for path in paths:
        found_here = findings(path, (ROOT / path).read_text(encoding="utf-8"))
        if path not in NOT_YET:
            problems += found_here
        elif found_here:
            print(f"not yet checked: {path} ({len(found_here)})")
        else:
            problems.append(f"{path}: passes, so take it off NOT_YET")
    problems += [f"{path}: is on NOT_YET, but not checked" for path in NOT_YET if path not in paths]
    print(*problems, f"{len(paths)} files, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
