"""zig, a C compiler and linker for any platform, as `make .cache/zig/.ready` installs it."""

from __future__ import annotations

import os

from driver.programs import ROOT

FOLDER = ROOT / ".cache" / "zig"
PROGRAMS = FOLDER / ("Scripts" if os.name == "nt" else "bin")


def environment() -> dict[str, str]:
    """What cargo-zigbuild is told."""
    return {
        "PATH": os.pathsep.join([str(PROGRAMS), os.environ["PATH"]]),
        # Another Python may come first on the PATH, and has no zig.
        "CARGO_ZIGBUILD_PYTHON_PATH": str(PROGRAMS / "python"),
        "CARGO_ZIGBUILD_CACHE_DIR": str(FOLDER / "cache"),
        "ZIG_GLOBAL_CACHE_DIR": str(FOLDER / "cache"),
    }
