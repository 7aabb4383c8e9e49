"""What each language offers: the names of its public functions, attributes, constants and classes, read off the thing itself."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def rust() -> set[str]:
    """`Type::function` for the types that lib.rs exports, and the crate's constants, from the sources."""
    library = (ROOT / "core" / "src" / "lib.rs").read_text(encoding="utf-8")
    used = " ".join(re.findall(r"^pub use [\w:]+::\{?([\w, ]+)\}?;", library, re.M))
    types = set(re.findall(r"\w+", re.sub(r"\w+ as ", "", used)))
    names = set(types) | set(re.findall(r"^pub const (\w+)", library, re.M))
    for path in (ROOT / "core" / "src").rglob("*.rs"):
        source = path.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
        for type_name, body in re.findall(
            r"^impl(?:<[^>]*>)? (\w+)(?:<[^>]*>)? \{\n(.*?)^\}", source, re.M | re.S
        ):
            if type_name in types:
                functions = re.findall(r"(#\[doc\(hidden\)\]\n)?    pub (?:const )?fn (\w+)", body)
                names |= {f"{type_name}::{name}" for hidden, name in functions if not hidden}
    return names


def python() -> set[str]:
    """`Class.attribute` for what `sipgate_oauth2` and `sipgate_oauth2.aio` export, from the imported package."""
    sys.path.insert(0, str(ROOT / "target" / "python"))
    import sipgate_oauth2
    import sipgate_oauth2.aio

    names = set()
    for prefix, module in (("", sipgate_oauth2), ("aio.", sipgate_oauth2.aio)):
        for name in module.__all__:
            thing = getattr(module, name)
            names.add(prefix + name)
            if inspect.isclass(thing):
                names |= {f"{prefix}{name}.{attribute}" for attribute in members(thing, module)}
    return names


def members(kind: type, module: ModuleType) -> Iterator[str]:
    """Public attributes of a class, with those that it has from a base of the package which is not public itself."""
    for base in kind.__mro__:
        private = (
            base.__module__.startswith("sipgate_oauth2") and base.__name__ not in module.__all__
        )
        if base is kind or private:
            yield from (attribute for attribute in vars(base) if not attribute.startswith("_"))


def node() -> set[str]:
    """`Class.member` (static ones too) for what the package exports, from the imported package."""
    script = """
        const library = require('./target/node/node_modules/sipgate-oauth2')
        const names = []
        const plumbing = ['constructor', 'prototype', 'length', 'name', 'toJSON']
        const own = (thing) => Object.getOwnPropertyNames(thing).filter((name) => !plumbing.includes(name))
        for (const [name, thing] of Object.entries(library)) {
          names.push(name)
          if (typeof thing === 'function' && thing.prototype) {
            for (const member of [...own(thing), ...own(thing.prototype)]) names.push(`${name}.${member}`)
          }
        }
        console.log(JSON.stringify(names))
    """
    done = subprocess.run(["node", "--eval", script], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return set(json.loads(done.stdout))


def c() -> set[str]:
    """Functions of the header, without their `sipgate_`, and the types of its handles."""
    header = (ROOT / "include" / "sipgate_oauth2.h").read_text(encoding="utf-8")
    functions = re.findall(r"^[\w *]+?\bsipgate_(\w+)\(", header, re.M)
    return set(functions)


LISTINGS = {"rust": rust, "python": python, "node": node, "c": c}
