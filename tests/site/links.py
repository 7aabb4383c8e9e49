"""Checks the links of the site: each leads to a page of it, and to an anchor of that page.

Links to other hosts are not followed. But no page may load anything from one: no script, style,
font or picture.
"""

from __future__ import annotations

import functools
import re
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads by itself, by the element and its attribute.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("object", "data"),
    ("link", "href"),
}
LOADED_BY_CODE = re.compile(
    r"""(?:@import\s+|url\(\s*|\bfrom\s*|\bimport\s*\(\s*)["']?((?:https?:)?//[^"')\s]+)"""
)
# Of `link`, only these make a browser load something.
RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest"}
LINES = re.compile(r"^(\d+)-\d+$")
# rustdoc asks for a list of implementations that it did not write: nothing implements this trait.
NOT_WRITTEN = "../trait.impl/sipgate_oauth2/store/token_store/trait.TokenStore.js"


class Page(HTMLParser):
    """The anchors and links of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors = {"", "top"}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self._code = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self._code = tag in ("script", "style")
        for name, value in given.items():
            passive = tag == "link" and not RELATIONS & set(given.get("rel", "").split())
            if (tag, name) in LOADED and not passive:
                self.loaded.append(value)
            elif (tag, name) in (("a", "href"), ("form", "action")):
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._code = False

    def handle_data(self, text: str) -> None:
        if self._code:
            self.loaded += LOADED_BY_CODE.findall(text)


@functools.cache
def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def problems_of(site: Path, path: Path) -> Iterator[str]:
    page = read(path)
    for url in page.loaded:
        if urlsplit(url).netloc:
            yield f"loads {url}"
    for url in {*page.links, *page.loaded} - {NOT_WRITTEN}:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
        if not target.is_relative_to(site.resolve()):
            yield f"{url}: leads out of the site"
        elif not target.is_file():
            yield f"{url}: there is no such page"
        elif target.suffix == ".html":
            # rustdoc writes anchors with `%3C`, as in links, and ranges of lines as `#5-9`.
            names = {parts.fragment, unquote(parts.fragment), LINES.sub(r"\1", parts.fragment)}
            if not names & read(target).anchors:
                yield f"{url}: the page has no such anchor"


def problems(site: Path) -> Iterator[str]:
    for path in sorted(site.rglob("*.html")):
        for problem in problems_of(site, path):
            yield f"{path.relative_to(site)}: {problem}"
    for path in sorted(site.rglob("*.css")):
        for url in LOADED_BY_CODE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: loads {url}"


PLANTED = """
<link rel="stylesheet" href="https://a.example/a.css">
<link rel="canonical" href="https://b.example">
<script>import("https://c.example/c.mjs")</script><p id="here"><a href="#here">a</a>
<a href="#away">b</a><a href="gone.html">c</a><a href="../out.html">d</a>
<a href="https://e.example">e</a>
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text(PLANTED, encoding="utf-8")
        found = len(list(problems(Path(folder))))
    assert found == 5, f"found {found} of the 5 planted mistakes"
    site = Path(sys.argv[1])
    pages = len(list(site.rglob("*.html")))
    found_here = list(problems(site))
    print(*found_here, f"{pages} pages, {len(found_here)} problems", sep="\n")
    return 1 if found_here or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
