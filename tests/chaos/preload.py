"""Compiles a library of this folder that is preloaded into a process."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def compiled(name: str, folder: Path) -> Path:
    library = folder / f"{name}.so"
    warnings = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    source = str(HERE / f"{name}.c")
    command = ["cc", *warnings, "-O1", "-shared", "-fPIC", source, "-o", str(library), "-ldl"]
    subprocess.run(command, check=True)
    return library
