"""The C header, as the preprocessor and a C parser (pycparser) read it.

Its items are macros, functions, types, members of structures and constants of enumerations. An item
of another header does not count.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from pycparser import c_ast, c_parser

from driver.programs import ROOT

HEADER = ROOT / "include" / "sipgate_oauth2.h"

# GNU words in the system's headers, which the C parser does not know.
WITHOUT_GNU = ("-D__attribute__(x)=", "-D__extension__=", "-D__restrict=", "-D__inline=")


def items() -> set[str]:
    tree = c_parser.CParser().parse(_preprocessed(*WITHOUT_GNU), str(HEADER))
    found = set(_macros())
    for node in tree.ext:
        if node.coord is not None and node.coord.file == str(HEADER):
            found.update(_names(node))
    return found


def _names(node: c_ast.Node) -> Iterator[str]:
    declared = node.type
    if node.name is not None:
        yield f"{node.name}()" if isinstance(declared, c_ast.FuncDecl) else node.name
    if isinstance(declared, c_ast.TypeDecl):
        declared = declared.type
    if isinstance(declared, c_ast.Enum) and declared.values is not None:
        if declared.name is not None:
            yield declared.name
        yield from (f"{declared.name or node.name}.{constant.name}" for constant in declared.values)
    if isinstance(declared, c_ast.Struct) and declared.decls is not None:
        yield from (f"{declared.name or node.name}.{member.name}" for member in declared.decls)


def _macros() -> Iterator[str]:
    """The macros that the header defines, except its include guard."""
    here = False
    for line in _preprocessed("-dD").splitlines():
        if line.startswith("# "):
            here = line.split('"')[1] == str(HEADER)
        elif here and line.startswith("#define "):
            name = line.split()[1].partition("(")[0]
            if name != "SIPGATE_OAUTH2_H":
                yield name


def _preprocessed(*options: str) -> str:
    command = ["cc", "-E", "-std=c99", *options, str(HEADER)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
