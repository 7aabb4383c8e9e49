"""Puts the library that cargo built, and the Python package, where programs find them.

It needs no maturin:

    python3 stage.py [debug|release]
    PYTHONPATH=target/python python3 -c 'import sipgate_oauth2'

The package's Python files are linked, so that they can be edited, or copied if that is impossible.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# What cargo calls the library, and what Python looks for.
NAMES = {
    "linux": ("lib_native.so", "_native.abi3.so"),
    "darwin": ("lib_native.dylib", "_native.abi3.so"),
    "win32": ("_native.dll", "_native.pyd"),
}


def stage(profile: str) -> Path:
    package = ROOT / "target" / "python" / "sipgate_oauth2"
    package.mkdir(parents=True, exist_ok=True)
    built, wanted = NAMES.get(sys.platform, NAMES["linux"])
    sources = [path for path in (HERE / "python" / "sipgate_oauth2").iterdir() if path.is_file()]

    for old in package.iterdir():
        if not old.is_dir() and old.name not in {wanted, *(source.name for source in sources)}:
            old.unlink()
    for source in sources:
        replace(source, package / source.name, link_or_copy)
    replace(TARGET / profile / built, package / wanted, shutil.copy)
    return package


def replace(source: Path, wanted: Path, put: Callable[[Path, Path], object]) -> None:
    """Renames the new file into place: a process that has loaded the old one keeps it."""
    new = wanted.with_name(f"{wanted.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    put(source, new)
    new.replace(wanted)


def link_or_copy(source: Path, new: Path) -> None:
    try:
        new.symlink_to(source)
    except OSError:
        shutil.copy(source, new)


if __name__ == "__main__":
    print(stage(sys.argv[1] if len(sys.argv) > 1 else "debug"))
