"""Checks the links of the READMEs that registries show. There, a relative link leads nowhere.

A link to a file of this repository has the address of Cargo.toml, and the file and its heading must
exist. The other metadata must have that address too.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import prose
from pages.markdown import ROOT

# No package has these.
OTHERS = re.compile(r"README\.md|(docs|fuzz|tests|bindings-c)/.+")
METADATA = (
    "bindings-node/package.json",
    "bindings-python/pyproject.toml",
    "realm/node/package.json",
    "tests/dist/wheel.py",
)
LINK = re.compile(r"https://github\.com/[^\s)\"',]+?(?=\.git\b|[\s)\"',])")


def repository() -> str:
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(r'^repository = "(.+)"$', text, re.MULTILINE)
    assert found, "Cargo.toml names no repository"
    return found[1]


def readmes() -> list[str]:
    """Those that PyPI, npm and crates.io show. The packages have them as they are here."""
    command = ["git", "ls-files", "README.md", "**/README.md"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [name for name in listed.stdout.split() if not OTHERS.fullmatch(name)]


def problems_of(name: str, text: str) -> Iterator[str]:
    """Those of a README."""
    text = prose.INLINE_CODE.sub(prose.inline, prose.FENCE.sub(prose.code, text))
    for _, target in prose.LINK.findall(text):
        if not re.match(r"[a-z]+:|#", target):
            yield f"{name}: {target} leads nowhere on PyPI and npm; write {repository()}/blob/HEAD/…"
        elif target.startswith("https://github.com/"):
            yield from _wrong_address(name, target)


def _wrong_address(name: str, target: str) -> Iterator[str]:
    address = repository()
    if target == address:
        return
    path, _, anchor = target.removeprefix(f"{address}/blob/HEAD/").partition("#")
    page = ROOT / path
    if path.startswith("https:") or not page.is_file():
        yield f"{name}: {target} is no file of {address}/blob/HEAD/"
    elif anchor and anchor not in prose.anchors(page):
        yield f"{name}: {target}: the page has no such heading"


def problems() -> Iterator[str]:
    for name in readmes():
        yield from problems_of(name, (ROOT / name).read_text(encoding="utf-8"))
    for name in METADATA:
        found = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
        if repository() not in found:
            yield f"{name} does not name the repository {repository()}"
        for target in found:
            yield from _wrong_address(name, target)


def planted() -> None:
    """The check finds each kind of fault."""
    address = repository()
    for target in (
        "../docs/start.md",
        "docs/start.md",
        f"{address}/blob/HEAD/docs/none.md",
        f"{address}/blob/HEAD/docs/start.md#none",
        "https://github.com/another/repository",
    ):
        assert list(problems_of("planted", f"[a page]({target})")), f"{target} is not found"
    for target in (address, f"{address}/blob/HEAD/docs/start.md#python", "https://example.com/"):
        assert not list(problems_of("planted", f"[a page]({target})")), f"{target} is found"
