"""Rust's standard library for another target: the toolchain's own, or compiled from its source."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from driver import debian
from driver.installed import Missing
from driver.programs import ROOT

# Debian has the source, and the compiler of the same version.
DEBIAN = ("rustc-web", "cargo-web", "rust-web-src")
DEBIANS_SOURCE = Path("/usr/lib/rustlib/src/rust/library")


def _is_installed(triple: str) -> bool:
    """Whether the toolchain in use has it."""
    found = subprocess.run(
        ["rustc", "--print", "sysroot"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return (Path(found.stdout.strip()) / "lib" / "rustlib" / triple / "lib").is_dir()


def environment(triple: str, path: str) -> dict[str, str]:
    """What cargo is told, so that there is one for the target; `path` is the PATH so far.

    Nothing if the toolchain has one. Else Debian's compiler compiles it.
    """
    if _is_installed(triple):
        return {}
    try:
        debian.install(DEBIAN)
    except Missing as problem:
        raise Missing(f"rustup target add {triple}; or {problem}") from problem
    return {
        "PATH": os.pathsep.join(["/usr/bin", path]),
        "CARGO": "/usr/bin/cargo",
        "RUSTC": "/usr/bin/rustc",
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_UNSTABLE_BUILD_STD": "std,panic_unwind",
    }
