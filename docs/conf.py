"""How Sphinx makes the site from the Markdown of this repository (`make site`).

The navigation is the list in docs/README.md: a page that it lacks is a warning, and a warning fails
the build. So does a link that leads nowhere. The pages load nothing from other hosts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
DRAW = """
mermaid.initialize({ startOnLoad: false, theme: "neutral", deterministicIds: true });
addEventListener("load", () => {
  const nodes = document.querySelectorAll(".highlight-mermaid pre");
  // Without the elements that Sphinx has put around the text.
  for (const node of nodes) node.textContent = node.textContent;
  mermaid.run({ nodes });
});
"""
ENTRY = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<target>[^)#]+)\)", re.MULTILINE)

project = "sipgate-oauth2"
html_title = project
root_doc = "README"
include_patterns = [
    "*.md",
    "bindings-*/README.md",
    "docs/**",
    "fuzz/README.md",
    "realm/README.md",
]
exclude_patterns = [".cache", "dist", "node_modules", "target"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]

html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
# Installed from npm. Only pages with a diagram load it.
html_static_path = ["../.cache/site/node_modules/mermaid/dist/mermaid.min.js"]

myst_heading_anchors = 4

# Docstrings are written for an editor: one backtick means code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_default_options = {
    "inherited-members": "Exception",
    "members": True,
    "special-members": "__init__",
}


def navigation() -> str:
    """The list of docs/README.md as the site's tables of contents."""
    page = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    text = "```{toctree}\n:hidden:\n\nAll pages </docs/README.md>\n```\n"
    for section in page.split("\n## ")[1:]:
        entries = [f"{title} </docs/{target}>" for title, target in ENTRY.findall(section)]
        caption = section.splitlines()[0]
        text += "\n".join(
            ["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```\n"]
        )
    return text


def add_navigation(_app: Sphinx, name: str, content: list[str]) -> None:
    if name == root_doc:
        content[0] += "\n" + navigation()
    if name in ("docs/decisions/README", "docs/migration/README"):
        content[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def draw_diagrams(
    app: Sphinx,
    _name: str,
    _template: str,
    _context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Mermaid, on pages that have blocks in its language."""
    blocks = doctree.findall(nodes.literal_block) if doctree else ()
    if any(block.get("language") == "mermaid" for block in blocks):
        app.add_js_file("mermaid.min.js")
        app.add_js_file(None, body=DRAW)


def setup(app: Sphinx) -> None:
    app.add_lexer("mermaid", TextLexer)
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", draw_diagrams)
