"""The information for type checkers and editors."""

from __future__ import annotations

import ast
import inspect
import itertools
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

import sipgate_oauth2
from sipgate_oauth2 import ERROR_CODES, TokenSource, _native, aio, types

PACKAGE = Path(sipgate_oauth2.__file__).resolve().parent
# Methods that a public class inherits unchanged.
INHERITED = ["access_token", "authorization_header", "peek"]


def test_inherited_methods_are_documented_and_typed_in_their_source() -> None:
    """For type checkers and editors alone: the methods that run have no code in Python."""
    tree = ast.parse((PACKAGE / "token_source.py").read_text(encoding="utf-8"))
    public = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    typed = next(node for node in public.body if isinstance(node, ast.If))
    assert ast.unparse(typed.test) == "TYPE_CHECKING"
    methods = [node for node in typed.body if isinstance(node, ast.FunctionDef)]
    assert {node.name: ast.get_docstring(node) for node in methods} == {
        name: inspect.getdoc(getattr(_native.TokenSourceHandle, name)) for name in INHERITED
    }
    assert {node.name: [one.arg for one in node.args.kwonlyargs] for node in methods} == {
        name: list(inspect.signature(getattr(_native.TokenSourceHandle, name)).parameters)[1:]
        for name in INHERITED
    }
    inherited = {name for name in dir(TokenSource) if not name.startswith("_")} - set(
        vars(TokenSource)
    )
    assert sorted(inherited) == INHERITED


def definitions(path: Path) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public definitions of a file, and of its classes."""
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node
            for member in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(member, kinds) and not member.name.startswith("_"):
                    yield member


def test_every_public_class_and_function_is_documented_for_editors() -> None:
    files = [path for path in PACKAGE.glob("*.py") if not path.name.startswith("_")]
    # What `types` exports.
    files.append(PACKAGE / "_native_types.py")
    public = [node for path in files for node in definitions(path)]
    assert len(public) > 110
    assert [node.name for node in public if ast.get_docstring(node) is None] == []


@pytest.mark.parametrize(
    "kind",
    [
        types.AuthorizationParameters,
        types.CallOptions,
        types.ClientOptions,
        types.DiscoveryOptions,
        types.LogoutParameters,
    ],
)
def test_every_keyword_argument_is_documented_for_editors(kind: type) -> None:
    tree = ast.parse((PACKAGE / "types.py").read_text(encoding="utf-8"))
    body = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    followed = [
        one.target.id
        for one, after in itertools.pairwise(body)
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and isinstance(after, ast.Expr)
    ]
    assert followed == list(kind.__annotations__)


def test_every_public_class_has_its_source_in_python() -> None:
    for module in (sipgate_oauth2, aio):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                assert inspect.getsourcefile(thing) is not None


def test_the_codes_for_type_checkers_are_complete() -> None:
    assert list(typing.get_args(types.ErrorCode)) == [code for code, _, _ in ERROR_CODES]
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for remedy in typing.get_args(types.Remedy):
        assert f"| `{remedy}` |" in page
