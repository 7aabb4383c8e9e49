"""What type checkers and editors are told."""

from __future__ import annotations

import ast
import sys
import typing

from conftest import ROOT

from sipgate_oauth2 import ERROR_CODES, types

sys.path.insert(0, str(ROOT / "bindings-python"))

from docstrings import STUB, definitions, documented


def test_the_stub_has_the_documentation_of_the_native_classes() -> None:
    """`python3 bindings-python/docstrings.py` brings it up to date."""
    source = STUB.read_text(encoding="utf-8")
    assert documented(source) == source


def test_every_public_class_and_function_is_documented_where_editors_look() -> None:
    from sipgate_oauth2 import _native

    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    public = [node for node, _ in definitions(tree, _native)]
    assert len(public) > 60
    assert [node.name for node in public if ast.get_docstring(node) is None] == []


def test_the_codes_for_type_checkers_are_those_there_are() -> None:
    assert list(typing.get_args(types.ErrorCode)) == [code for code, _, _ in ERROR_CODES]
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for remedy in typing.get_args(types.Remedy):
        assert f"| `{remedy}` |" in page
