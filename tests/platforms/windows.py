"""Windows on x86-64: built with mingw, run under wine."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from driver import debian, mingw
from driver.installed import Missing
from platforms import core
from platforms.outcome import Outcome
from platforms.rust import Target
from platforms.tools import folder, last_line

DEBIAN = [mingw.PACKAGE, "wine64"]
WINE = "/usr/lib/wine/wine64"
TARGET = Target(
    "x86_64-pc-windows-gnu", {"CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER": mingw.COMPILER}
)

# Rust's standard library imports one function of a library that wine 8 lacks.
RANDOMNESS = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) {
    while (length) {
        ULONG part = length > 0x10000 ? 0x10000 : (ULONG)length;
        if (!SystemFunction036(bytes, part)) return FALSE;
        bytes += part;
        length -= part;
    }
    return TRUE;
}
"""


def core_units() -> Outcome:
    return core.units(TARGET, [WINE], wine())


def path(file: Path) -> str:
    """What Windows calls a file of this machine."""
    return "Z:" + str(file).replace("/", "\\")


@cache
def _prefix() -> Path:
    """The folder of an installed Windows."""
    debian.install(DEBIAN)
    prefix = folder("wine")
    stamp = prefix / "ready"
    if stamp.exists():
        return prefix
    temporary = folder("windows-temporary")
    _run([WINE, "wineboot", "--init"])
    source = folder("wine-sources") / "randomness.c"
    source.write_text(RANDOMNESS)
    library = prefix / "drive_c/windows/system32/bcryptprimitives.dll"
    _run([mingw.COMPILER, "-shared", "-O2", "-o", str(library), str(source), "-ladvapi32"])
    # The drive of the checkout: no relative path leads to another one.
    for name in ("TEMP", "TMP"):
        _run([WINE, "reg", "add", r"HKCU\Environment", "/f", "/v", name, "/d", path(temporary)])
    stamp.touch()
    return prefix


def wine() -> dict[str, str]:
    """The environment in which programs for Windows run."""
    _prefix()
    return _environment()


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "WINEPREFIX": str(folder("wine")),
        "WINEDEBUG": "-all",
        # Without questions about .NET and HTML.
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
    }


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Missing(f"{' '.join(command[:3])}: {last_line(done.stderr)}")
