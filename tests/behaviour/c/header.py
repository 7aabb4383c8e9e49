"""The C library for `ctypes`, with the types of the header.

They are those of the checkout, or those of an installed tree, which the variable C_TREE names. So
no call can pass a handle, a number or a count of arguments that a C program could not.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TREE = os.environ.get("C_TREE")
HEADER = Path(TREE or ROOT) / "include" / "sipgate_oauth2.h"
FILES = {"darwin": "libsipgate_oauth2.dylib", "win32": "sipgate_oauth2.dll"}
FILE = FILES.get(sys.platform, "libsipgate_oauth2.so")
FOLDER_IN_TREE = "bin" if sys.platform == "win32" else "lib"
LIBRARY = Path(TREE) / FOLDER_IN_TREE / FILE if TREE else ROOT / "target" / "debug" / FILE

FUNCTION_POINTER = re.compile(r"(.+?)\(\*(\w+)\)\((.*)\)", re.DOTALL)


class Header:
    """`constants`, `types` and `functions` by their names, without `sipgate_oauth2_`."""

    def __init__(self) -> None:
        text = re.sub(
            r"/\*.*?\*/|//.*?$|^#.*?$",
            "",
            HEADER.read_text("utf-8"),
            flags=re.DOTALL | re.MULTILINE,
        )
        self.constants = {
            name: int(value) for name, value in re.findall(r"(SIPGATE_\w+) = (\d+)", text)
        }
        self.types: dict[str, Any] = {
            "void": None,
            "bool": ctypes.c_bool,
            "size_t": ctypes.c_size_t,
            "int64_t": ctypes.c_int64,
            "uint32_t": ctypes.c_uint32,
            "uint64_t": ctypes.c_uint64,
            # Text, and bytes that are passed in: memory that the library only reads.
            "char *": ctypes.c_char_p,
            "uint8_t *": ctypes.c_char_p,
            "void *": ctypes.c_void_p,
        }
        for name in re.findall(r"typedef uint32_t sipgate_oauth2_(\w+);", text):
            self.types[name] = ctypes.c_uint32
        for name in re.findall(r"typedef struct sipgate_oauth2_\w+ sipgate_oauth2_(\w+);", text):
            self.types[name] = type(name, (ctypes.Structure,), {})
        for result, name, arguments in re.findall(
            r"typedef ([\w *]+)\(\*sipgate_oauth2_(\w+)\)\((.*?)\);", text, re.DOTALL
        ):
            self.types[name] = self._function_type(result, arguments)
        for members, name in re.findall(
            r"typedef struct \{(.*?)\} sipgate_oauth2_(\w+);", text, re.DOTALL
        ):
            named = [self._named(member) for member in members.split(";") if member.strip()]
            # The library's memory need not end with NUL, so it is read by its length.
            fields = [
                (member, ctypes.c_void_p if kind is ctypes.c_char_p else kind)
                for member, kind in named
            ]
            self.types[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
        prototypes = re.findall(
            r"^([\w *]+?)\bsipgate_oauth2_(\w+)\(([^;{}]*)\);", text, re.MULTILINE
        )
        library = ctypes.CDLL(str(LIBRARY))
        self.functions = {}
        for result, name, arguments in prototypes:
            function = getattr(library, f"sipgate_oauth2_{name}")
            function.restype = self._type(result)
            function.argtypes = [kind for _, kind in self._arguments(arguments)]
            self.functions[name] = function

    def _arguments(self, text: str) -> list[tuple[str, Any]]:
        return (
            []
            if text.strip() == "void"
            else [self._named(one) for one in re.split(r",(?![^()]*\))", text)]
        )

    def _function_type(self, result: str, arguments: str) -> Any:
        return ctypes.CFUNCTYPE(
            self._type(result), *(kind for _, kind in self._arguments(arguments))
        )

    def _named(self, text: str) -> tuple[str, Any]:
        """A member or an argument: its name, and its type."""
        if pointer := FUNCTION_POINTER.search(text):
            return pointer[2], self._function_type(pointer[1], pointer[3])
        found = re.fullmatch(r"(.*?)(\w+)", text.strip(), re.DOTALL)
        assert found is not None, text
        return found[2], self._type(found[1])

    def _type(self, text: str) -> Any:
        name = re.sub(r"\bconst\b|\bsipgate_oauth2_", "", text).strip()
        base, stars = name.rstrip("* "), name.count("*")
        if stars and f"{base} *" in self.types:
            base, stars = f"{base} *", stars - 1
        kind = self.types[base]
        for _ in range(stars):
            kind = ctypes.POINTER(kind)
        return kind
