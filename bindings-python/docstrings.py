#!/usr/bin/env python3
"""Writes the documentation of the native classes into their stub, where editors look for it.

It is written once, in Rust. `python3 docstrings.py` after `make build` brings the stub up to date; a test compares.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STUB = HERE / "python" / "sipgate_oauth2" / "_native.pyi"

WIDTH = 92

Definition = ast.ClassDef | ast.FunctionDef


def documented(source: str) -> str:
    """The stub with the docstrings that the native module has."""
    from sipgate_oauth2 import _native

    lines = source.splitlines()
    # From the end, so that what comes before stays where it is.
    for definition, thing in reversed(list(definitions(ast.parse(source), _native))):
        if text := inspect.getdoc(thing):
            put(lines, definition, text)
    return "\n".join(lines) + "\n"


def definitions(
    module: ast.Module | ast.ClassDef, owner: Any
) -> Iterator[tuple[Definition, object]]:
    """What is public, in the order of the file. A class comes before what it holds."""
    for node in module.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            thing = vars(owner).get(node.name)
            if isinstance(node, ast.ClassDef):
                yield node, thing
                yield from definitions(node, thing)
            elif isinstance(module, ast.ClassDef) or node.name == "check_store":
                yield node, thing.__func__ if isinstance(thing, staticmethod) else thing


def put(lines: list[str], definition: Definition, text: str) -> None:
    indent = " " * (definition.col_offset + 4)
    first = definition.body[0]
    assert isinstance(first, ast.stmt)
    written = docstring(text, indent)
    is_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    if is_docstring:
        assert first.end_lineno is not None
        lines[first.lineno - 1 : first.end_lineno] = written
    elif isinstance(definition, ast.ClassDef):
        decorators = first.decorator_list if isinstance(first, ast.FunctionDef) else []
        at = min(node.lineno for node in [first, *decorators]) - 1
        lines[at:at] = written
    else:
        at = first.lineno - 1
        lines[at] = lines[at][: first.col_offset].rstrip()
        lines[at + 1 : at + 1] = written


def docstring(text: str, indent: str) -> list[str]:
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    width = WIDTH - len(indent)
    wrapped = [textwrap.wrap(paragraph, width, break_on_hyphens=False) for paragraph in paragraphs]
    if len(wrapped) == 1 and len(wrapped[0]) == 1:
        return [f'{indent}"""{wrapped[0][0]}"""']
    body = [line for lines in wrapped for line in ["", *lines]][1:]
    body[0] = f'"""{body[0]}'
    return [f"{indent}{line}".rstrip() for line in [*body, '"""']]


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent / "target" / "python"))
    STUB.write_text(documented(STUB.read_text(encoding="utf-8")), encoding="utf-8")
