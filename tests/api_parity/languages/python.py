"""The Python package, imported and inspected: its names, attributes and keywords, and the words of its types."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import typing
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from driver.programs import ROOT

# Not what a class is for: what `object`, `Exception` and `dict` have.
ORDINARY = set(dir(Exception)) | set(dir(dict))

# The key of an event that says what happened.
KIND = "type"


def items() -> set[str]:
    """`Class.attribute`, `function(keyword)`, `Type='word'`, `Event='kind'.key` for what the package and its `types` export."""
    return _exported(_module("")) | _exported(_module(".types"))


def items_with_await() -> set[str]:
    """Those of `aio`, which has the errors, constants and types of the package."""
    package, awaiting = _module(""), _module(".aio")
    shared = {
        item
        for name in set(package.__all__) - set(awaiting.__all__)
        if not inspect.isclass(thing := getattr(package, name)) or issubclass(thing, Exception)
        for item in _of(package, name, thing)
    }
    return _exported(awaiting) | shared | _exported(_module(".types"))


def _module(name: str) -> ModuleType:
    sys.path.insert(0, str(ROOT / "target" / "python"))
    return importlib.import_module("sipgate_oauth2" + name)


def _exported(module: ModuleType) -> set[str]:
    return {item for name in module.__all__ for item in _of(module, name, getattr(module, name))}


def _of(module: ModuleType, name: str, thing: Any) -> Iterator[str]:
    yield name
    words = [word for word in typing.get_args(thing) if isinstance(word, str)]
    if words:
        yield from (f"{name}={word!r}" for word in words)
    elif typing.is_typeddict(thing):
        for kind in typing.get_args(thing.__annotations__.get(KIND)):
            yield f"Event={kind!r}"
            yield from (f"Event={kind!r}.{key}" for key in thing.__annotations__ if key != KIND)
    elif inspect.isclass(thing):
        yield from (f"{name}({keyword})" for keyword in _keywords(module, thing))
        own = set(vars(thing)) | set(vars(thing).get("__annotations__", {}))
        for member in sorted(own - ORDINARY):
            if not member.startswith("_"):
                yield f"{name}.{member}"
                value = inspect.getattr_static(thing, member, None)
                if callable(value) or isinstance(value, (staticmethod, classmethod)):
                    yield from (
                        f"{name}.{member}({keyword})"
                        for keyword in _keywords(module, getattr(thing, member))
                    )
    elif inspect.isroutine(thing):
        yield from (f"{name}({keyword})" for keyword in _keywords(module, thing))


def _keywords(module: ModuleType, function: Any) -> Iterator[str]:
    """What can be given by its name alone."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        # A class of the native module without a constructor.
        return
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            yield parameter.name
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            yield from _unpacked(function, parameter.annotation).__annotations__


def _unpacked(function: Any, annotation: str) -> Any:
    """The TypedDict in `Unpack[…]`, whose name need not be there at run time."""
    expression = ast.parse(annotation, mode="eval").body
    if not isinstance(expression, ast.Subscript) or not isinstance(expression.slice, ast.Name):
        raise LookupError(f"the keywords of {function} cannot be read: {annotation}")
    name = expression.slice.id
    for place in (inspect.getmodule(function), _module(".types")):
        if hasattr(place, name):
            return getattr(place, name)
    raise LookupError(f"the keywords of {function} cannot be read: there is no {name} at run time")
