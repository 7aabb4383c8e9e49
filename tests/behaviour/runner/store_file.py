"""Changes a SQLite store's file or folder: permissions, free disk space, and copies of the file."""

from __future__ import annotations

import fcntl
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from driver import rights


def bound_by_rights() -> Sequence[str]:
    """A prefix for commands so that file permissions apply to them."""
    if os.geteuid() != 0 or sys.platform != "linux":
        return []
    return rights.BOUND


def make_read_only(path: Path) -> None:
    path.chmod(0o500 if path.is_dir() else 0o400)


def make_writable(path: Path) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)


def fill_disk(process: int) -> None:
    """Makes every write to a file fail, for one process on Linux."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, most))


def make_room(process: int) -> None:
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))


def keep(path: Path) -> bytes:
    with path.open("r+b") as file:
        # Every program that uses SQLite takes this lock, so nothing is written meanwhile.
        fcntl.lockf(file, fcntl.LOCK_EX)
        return file.read()


def put(path: Path, content: bytes) -> None:
    """Replaces the content of the file, not the file."""
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.write(content)
        file.truncate()
