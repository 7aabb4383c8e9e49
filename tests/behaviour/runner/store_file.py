"""What happens to the file of a SQLite store or its folder: their rights, the room on the disk, and copies of the file."""

from __future__ import annotations

import fcntl
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path


def bound_by_rights() -> Sequence[str]:
    """What a program is started with so that file rights bind it: they do not bind root, which on Linux can give that up."""
    if os.geteuid() != 0 or sys.platform != "linux":
        return []
    return ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"]


def make_read_only(path: Path) -> None:
    path.chmod(0o500 if path.is_dir() else 0o400)


def make_writable(path: Path) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)


def fill_disk(process: int) -> None:
    """For one process of Linux: no file of its own can be written any more."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, most))


def make_room(process: int) -> None:
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))


def keep(path: Path) -> bytes:
    with path.open("r+b") as file:
        # As every program that uses SQLite does, the library included: nobody writes meanwhile.
        fcntl.lockf(file, fcntl.LOCK_EX)
        return file.read()


def put(path: Path, content: bytes) -> None:
    """In the place of what is there, in the same file."""
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.write(content)
        file.truncate()
