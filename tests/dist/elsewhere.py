"""Installs packages for machines of other kinds, whose programs run here (guests.py)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from dist import guests, install, old_glibc
from dist.install import EXAMPLES, WARNINGS, Install, check
from dist.targets import host
from driver import cpython, mingw, zig

ARM64 = "aarch64-unknown-linux-gnu"
ARM64_MUSL = "aarch64-unknown-linux-musl"
MUSL = "x86_64-unknown-linux-musl"
WINDOWS = "x86_64-pc-windows-gnu"


def zig_for(target: str) -> Sequence[str]:
    """The C compiler for a target, in zig's words."""
    return (str(zig.PROGRAMS / "python"), "-m", "ziglang", "cc", "-target", target)


def node_on_old_glibc(room: Path) -> Sequence[str]:
    return install.node(host(), [*old_glibc.loader(), str(old_glibc.node(room))], room)


def c_on_old_glibc(room: Path) -> Sequence[str]:
    *_, job = install.c(host(), zig_for("x86_64-linux-gnu.2.17"), room)
    return [*old_glibc.loader(room / "a moved tree" / "lib"), job]


def python_3_14(room: Path) -> Sequence[str]:
    return install.host_wheel(str(cpython.for_linux()), room)


def c_on_musl(room: Path) -> Sequence[str]:
    return install.c(MUSL, guests.musl_compiler(), room)


def c_static_on_musl(room: Path) -> Sequence[str]:
    """A program that needs nothing of the machine that it runs on."""
    return install.c(MUSL, [*zig_for("x86_64-linux-musl"), "-static"], room, "--static")


def node_on_musl(room: Path) -> Sequence[str]:
    return install.node(MUSL, guests.musl_node(room), room)


def python_on_musl(room: Path) -> Sequence[str]:
    start = install.wheel_for(MUSL, guests.musl_python(), room)
    # This Python has no OpenSSL, and the program calls an API that is not https.
    (room / "packages" / "ssl.py").write_text(
        "def create_default_context(cafile=None): return object()\n"
    )
    return start


def c_on_arm64(room: Path) -> Sequence[str]:
    start = guests.arm64()
    *environment, job = install.c(ARM64, zig_for("aarch64-linux-gnu.2.17"), room)
    return [*environment, *start, job]


def node_on_arm64(room: Path) -> Sequence[str]:
    return install.node(ARM64, guests.arm64_node(room), room)


def python_on_arm64(room: Path) -> Sequence[str]:
    return install.wheel_for(ARM64, guests.arm64_python(), room)


def c_static_on_arm64_musl(room: Path) -> Sequence[str]:
    compiler = [*zig_for("aarch64-linux-musl"), "-static"]
    *_, job = install.c(ARM64_MUSL, compiler, room, "--static")
    return [*guests.arm64(), job]


def node_on_arm64_musl(room: Path) -> Sequence[str]:
    return install.node(ARM64_MUSL, guests.arm64_musl_node(room), room)


def c_on_windows(room: Path) -> Sequence[str]:
    """As a user of mingw links it: by its import library, with the DLL beside the program."""
    start = guests.on_wine()
    tree = install.c_tree(WINDOWS, room)
    source = EXAMPLES / "c" / "main_job.c"
    compiler = (mingw.program("gcc"), *WARNINGS, f"-I{tree / 'include'}")
    libraries = (f"-L{tree / 'lib'}", "-lsipgate_oauth2", "-lws2_32")
    check(*compiler, source, "-o", "main_job.exe", *libraries, cwd=room)
    shutil.copy(tree / "bin" / "sipgate_oauth2.dll", room)
    return [*start, "main_job.exe"]


def python_on_windows(room: Path) -> Sequence[str]:
    return install.wheel_for(WINDOWS, guests.windows_python(), room)


ELSEWHERE: Mapping[str, Install] = {
    "c-on-musl": c_on_musl,
    "c-static-on-musl": c_static_on_musl,
    "node-on-musl": node_on_musl,
    "python-on-musl": python_on_musl,
    "c-on-arm64": c_on_arm64,
    "node-on-arm64": node_on_arm64,
    "python-on-arm64": python_on_arm64,
    "c-static-on-arm64-musl": c_static_on_arm64_musl,
    "node-on-arm64-musl": node_on_arm64_musl,
    "c-on-windows": c_on_windows,
    "python-on-windows": python_on_windows,
}
