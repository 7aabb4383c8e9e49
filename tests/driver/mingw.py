"""mingw, which compiles and links for Windows on other systems."""

from __future__ import annotations

import shutil

from driver import debian

PACKAGE = "gcc-mingw-w64-x86-64-win32"
PREFIX = "x86_64-w64-mingw32-"
COMPILER = f"{PREFIX}gcc"


def program(name: str) -> str:
    """One of its programs, which is there."""
    if shutil.which(PREFIX + name) is None:
        debian.install([PACKAGE])
    return PREFIX + name
