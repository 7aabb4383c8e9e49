"""Compares the header with the interface of the last release, `bindings-c/abi.h`.

Programs that were compiled with the last release must still work.

    python3 bindings-c/abi.py           fails if something was removed or changed; lists additions
    python3 bindings-c/abi.py --accept  accepts the header, at a release or for a breaking change

Names of arguments count: if two strings are swapped, programs break although the types match. A
structure that begins with its size may grow. If `abidiff` (libabigail) is installed, it compares
both interfaces as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = ROOT / "include" / "sipgate_oauth2.h"
RELEASED = ROOT / "bindings-c" / "abi.h"
INCLUDES = "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
INTRODUCTION = """\
/* The interface of the last release, without comments. `make lint` compares the header with it;
 * `make abi` accepts the current header. Generated; do not edit. */

"""
CC = os.environ.get("CC", "cc")
# Differences that abidiff reports but that do not affect programs.
SUPPRESSED = """\
[suppress_type]
  name = sipgate_oauth2_store_functions
  has_data_member_inserted_at = end
"""


def declarations(header: Path) -> list[str]:
    """The declarations of a header, as a C99 compiler sees them, without those that it includes."""
    own = re.sub(r"^#include.*$", "", header.read_text(encoding="utf-8"), flags=re.MULTILINE)
    command = [CC, "-std=c99", "-E", "-P", "-x", "c", "-"]
    seen = subprocess.run(command, input=own, text=True, check=True, stdout=subprocess.PIPE).stdout
    found = re.findall(r"[^;{}]+(?:\{[^{}]*\}[^;{}]*)?;", seen)
    return [re.sub(r"\s*([,();])", r"\1", re.sub(r"\s+", " ", text).strip()) for text in found]


def parts(declaration: str) -> tuple[str, list[str], str] | None:
    """The text before the members of a structure or an enumeration, the members, and its name."""
    found = re.fullmatch(r"([^{]*)\{(.*)\}([^}]*);", declaration)
    if found is None:
        return None
    members = re.findall(
        r"\s*([^;]+;)" if "struct" in found[1] else r"\s*([^,]+,?)", found[2].strip()
    )
    return found[1].strip(), members, found[3].strip()


def facts(declared: list[str]) -> Iterator[str]:
    """What a program can rely on, one line each."""
    for declaration in declared:
        split = parts(declaration)
        if split is None:
            yield declaration
            continue
        before, members, behind = split
        name, is_enumeration = f"{before} {behind}".strip(), before.startswith("enum")
        if not is_enumeration and members[0] != "size_t size;":
            yield f"{name}: {len(members)} members"
        for place, member in enumerate(members):
            yield f"{name}: {'' if is_enumeration else place} {member.strip(' ,;')}"


def written(declaration: str) -> str:
    split = parts(declaration)
    if split is None:
        return declaration
    before, members, behind = split
    return "\n  ".join([f"{before} {{", *members]) + f"\n}} {behind}".rstrip() + ";"


def accept() -> int:
    lines = "\n".join(map(written, declarations(HEADER)))
    RELEASED.write_text(f"{INTRODUCTION}{INCLUDES}\n{lines}\n", encoding="utf-8")
    print(f"{RELEASED.relative_to(ROOT)} is the interface to compare with")
    return 0


def broken_by(header: Path) -> bool:
    """Whether programs that were compiled with the last release break."""
    released = set(facts(declarations(RELEASED)))
    present = set(facts(declarations(header)))
    for fact in sorted(present - released):
        print(f"new:  {fact}")
    gone = sorted(released - present)
    for fact in gone:
        print(f"gone: {fact}")
    return bool(gone) | abidiff(header)


def abidiff(header: Path) -> bool:
    """Whether abidiff finds a difference between two libraries with these headers' functions."""
    if shutil.which("abidiff") is None:
        print("abidiff: SKIPPED, it is not installed; the declarations were compared only as text")
        return False
    with tempfile.TemporaryDirectory() as folder:
        libraries = [
            hollow(Path(folder), RELEASED, "released"),
            hollow(Path(folder), header, "present"),
        ]
        suppressed = Path(folder) / "suppressed.ini"
        suppressed.write_text(SUPPRESSED, encoding="utf-8")
        command = ["abidiff", "--no-added-syms", "--suppressions", str(suppressed), *libraries]
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"abidiff: {done.stdout.strip() or 'nothing was changed or removed'}")
    return done.returncode != 0


def hollow(folder: Path, header: Path, name: str) -> str:
    """A library with empty functions for this header, for its debugging information."""
    bodies = [
        f"{text[:-1]} {{ __builtin_trap(); }}" if is_function(text) else text
        for text in declarations(header)
    ]
    source, library = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text(INCLUDES + "\n".join(bodies) + "\n", encoding="utf-8")
    subprocess.run([CC, "-std=c99", "-g", "-shared", "-fPIC", source, "-o", library], check=True)
    return str(library)


def is_function(declaration: str) -> bool:
    return declaration.endswith(");") and not declaration.startswith("typedef")


def main() -> int:
    if sys.argv[1:] == ["--accept"]:
        return accept()
    if broken_by(HEADER):
        print(
            "programs that were compiled with the last release break: if this is intended, run `make abi`"
            " and raise the version"
        )
        return 1
    print("the header has everything that the last release had")
    return 0


if __name__ == "__main__":
    sys.exit(main())
