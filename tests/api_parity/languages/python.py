"""The Python package, imported and inspected.

Its items are names, attributes, keywords, and the words of its types.
"""

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

# What `object`, `Exception` and `dict` have, too.
ORDINARY = set(dir(Exception)) | set(dir(dict))

# The key of an event that says what happened.
KIND = "type"


def items() -> set[str]:
    """`Class.attribute`, `function(keyword)`, `Type='word'`, `Type.key` and `Event='kind'.key` for
    the exports of the package and of its module `types`.
    """
    return _exported(_module("")) | _exported(_module(".types"))


def items_with_await() -> set[str]:
    """The items of `aio`. It shares the errors, constants and types of the package."""
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
        kinds = typing.get_args(thing.__annotations__.get(KIND))
        for kind in kinds:
            yield f"Event={kind!r}"
            yield from (f"Event={kind!r}.{key}" for key in thing.__annotations__ if key != KIND)
        if not kinds:
            yield from (f"{name}.{key}" for key in thing.__annotations__)
    elif inspect.isclass(thing):
        # A protocol has no constructor.
        bases: tuple[Any, ...] = thing.__bases__
        if typing.Protocol not in bases:
            yield from (f"{name}({keyword})" for keyword in _keywords(module, thing))
        # A protocol may have what a dict has.
        ordinary = set() if typing.Protocol in bases else ORDINARY
        for member in sorted(_members(thing) - ordinary):
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


def _members(thing: type) -> set[str]:
    """The members of a class, and what it inherits from classes that are not exported."""
    exported = {getattr(_module(""), name) for name in _module("").__all__ if name[0].isupper()}
    found: set[str] = set()
    for base in thing.__mro__:
        if base is object or (base is not thing and base in exported):
            break
        found |= set(vars(base)) | set(vars(base).get("__annotations__", {}))
    return found


def _keywords(module: ModuleType, function: Any) -> Iterator[str]:
    """The keyword-only arguments."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        # A class of the native module, without a constructor.
        return
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            yield parameter.name
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            yield from _unpacked(function, parameter.annotation).__annotations__


def _unpacked(function: Any, annotation: str) -> Any:
    """The TypedDict in `Unpack[…]`. Its name may be missing at run time."""
    expression = ast.parse(annotation, mode="eval").body
    if not isinstance(expression, ast.Subscript) or not isinstance(expression.slice, ast.Name):
        raise LookupError(f"the keywords of {function} cannot be read: {annotation}")
    name = expression.slice.id
    for place in (inspect.getmodule(function), _module(".types")):
        if hasattr(place, name):
            return getattr(place, name)
    raise LookupError(f"the keywords of {function} cannot be read: there is no {name} at run time")
