"""Compares the table of docs/environment.md with the variables that the code reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pages.markdown import ROOT

PAGE = ROOT / "docs" / "environment.md"
ROW = re.compile(r"^\| (?P<names>`[^|]+`) \|", re.MULTILINE)
RUST = ("core/src", "cli/src", "realm/src")
SCRIPTS = (
    "bindings-node/index.cjs",
    "bindings-node/bin",
    "bindings-node/lib",
    "bindings-python/python",
    "realm/node/index.cjs",
    "realm/node/lib",
    "realm/python/sipgate_oauth2_realm",
)

# Not after this, and not what the compiler reads.
TESTS = "#[cfg(test)]\nmod tests {"
COMPILED = re.compile(r'\benv!\("\w+"\)|//.*')
# Names with these starts are variables wherever they are. In a file that reads the environment,
# any name may be one.
OURS = re.compile(r'"((?:SIPGATE_|PG)[A-Z_]+)"')
READS = re.compile(r"\benv::vars?(?:_os)?\b")
ANY = re.compile(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*|[a-z]+_proxy)"')
# From the variable, or from the file that another one names.
SECRET = re.compile(r'\bsecret\("(\w+)"\)')
FOR_TESTS = "SIPGATE_OAUTH2_TEST_"
# Of SQL, in a file that reads the environment too.
STATEMENTS = {"BEGIN", "COMMIT"}
IN_SCRIPTS = re.compile(r"""\bprocess\.env\.(\w+)|\b(?:environ|getenv)(?:\.get)?[\[(]["'](\w+)""")


def in_page() -> set[str]:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {name for names in rows for name in re.findall(r"`(\w+)`", names)}


def in_code() -> set[str]:
    found = {name for path in _files(RUST, ".rs") for name in _of_rust(path)}
    for path in _files(SCRIPTS, ".py", ".cjs"):
        names = IN_SCRIPTS.findall(path.read_text(encoding="utf-8"))
        found |= {name for pair in names for name in pair if name}
    return found


def problems(page: set[str], code: set[str]) -> Iterator[str]:
    for name in sorted(code - page):
        yield f"{PAGE.name} lacks {name}, which the code reads"
    for name in sorted(page - code):
        yield f"{PAGE.name} has {name}, which no code reads"


def _of_rust(path: Path) -> Iterator[str]:
    text = COMPILED.sub("", path.read_text(encoding="utf-8").partition(TESTS)[0])
    for pattern in (OURS, ANY) if READS.search(text) else (OURS,):
        names = set(pattern.findall(text)) - STATEMENTS
        yield from (name for name in names if not name.startswith(FOR_TESTS))
    yield from (f"{name}_FILE" for name in SECRET.findall(text))


def _files(folders: tuple[str, ...], *endings: str) -> Iterator[Path]:
    for folder in folders:
        for path in (ROOT / folder, *(ROOT / folder).rglob("*")):
            if path.suffix in endings and path.stem != "tests":
                yield path
