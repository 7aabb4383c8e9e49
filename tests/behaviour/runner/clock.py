"""A wall clock that a case can set, only for the shims that were started with it.

It needs the dynamic linker and the system calls of Linux.
"""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from driver.programs import ROOT

SOURCE = ROOT / "tests" / "behaviour" / "clock" / "shifted.c"
LIBRARY = ROOT / "target" / "behaviour" / "shifted.so"


def build() -> None:
    LIBRARY.parent.mkdir(parents=True, exist_ok=True)
    made = LIBRARY.with_name(f"{LIBRARY.name}.{os.getpid()}")
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, str(SOURCE), "-o", str(made)], check=True)
    # Another run may have loaded the file.
    made.replace(LIBRARY)


class Clock:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "shift"
        self._file.write_bytes(bytes(8))
        self._seconds = 0.0

    @property
    def environment(self) -> Mapping[str, str]:
        before = os.environ.get("LD_PRELOAD", "")
        return {"LD_PRELOAD": f"{LIBRARY} {before}".strip(), "SHIFTED_CLOCK": str(self._file)}

    def shift(self, seconds: float) -> None:
        """Sets the distance from the machine's clock, which does not change."""
        self._seconds = seconds
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", round(seconds * 1e9)))

    def now(self) -> float:
        return time.time() + self._seconds
