"""Linux on arm64: built with Debian's compiler, run under qemu."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from driver import debian
from driver.installed import Missing
from platforms import core
from platforms.outcome import Outcome
from platforms.rust import OPTIMIZED, Target
from platforms.tools import last_line

DEBIAN = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"]
TARGET = Target(
    "aarch64-unknown-linux-gnu",
    # Emulated, unoptimized programs are slow.
    {**OPTIMIZED, "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER": "aarch64-linux-gnu-gcc"},
)
# qemu makes up when a process started, and tells each thread another time.
SKIPPED = ["sys::process::tests::the_start_of_this_process_is_stable_and_it_is_alive"]
EMULATED = ["bash", str(Path(__file__).with_name("emulated.sh"))]


def core_units() -> Outcome:
    return core.units(TARGET, EMULATED, emulation(), SKIPPED)


def emulation() -> dict[str, str]:
    """The environment in which programs for arm64 run."""
    if os.geteuid() != 0:
        raise Missing("root, to emulate the programs that tests start")
    debian.install(DEBIAN)
    tried = subprocess.run([*EMULATED, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise Missing(f"user namespaces, and Linux 6.7: {last_line(tried.stderr)}")
    return {**os.environ, "QEMU_LD_PREFIX": "/usr/aarch64-linux-gnu"}
