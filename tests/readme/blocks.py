"""The README's code blocks."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def block(language: str) -> str:
    """The first code block of this language in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = readme.partition(f"```{language}\n")
    text, fence, _ = rest.partition("```")
    if not fence:
        raise SystemExit(f"README.md has no {language} block")
    return text


def replaced(text: str, old: str, new: str) -> str:
    """Replaces the only `old` in `text`; fails if there is not exactly one."""
    if text.count(old) != 1:
        raise SystemExit(
            f"the README's block contains {old!r} {text.count(old)} times, expected once"
        )
    return text.replace(old, new)
