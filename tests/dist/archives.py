"""Reads each kind of archive that users install, by one interface; and what belongs into them."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from driver.programs import ROOT


@dataclass(frozen=True)
class Archive:
    """What one installs. A link among the files is empty: it takes no place."""

    path: Path
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def installed_size(self) -> int:
        """Without static libraries: what they are linked into is installed instead of them."""
        static = (".a", ".lib")
        return sum(len(file) for name, file in self.files.items() if not name.endswith(static))


def read(path: Path) -> Archive:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return Archive(path, {name: wheel.read(name) for name in wheel.namelist()})
    with tarfile.open(path) as tar:
        # All lie in one folder, whose name says only what the archive's says.
        return Archive(
            path,
            {
                entry.name.partition("/")[2]: file.read() if entry.isfile() and file else b""
                for entry in tar
                if not entry.isdir()
                for file in [tar.extractfile(entry) if entry.isfile() else None]
            },
        )


def tracked(folder: str) -> list[str]:
    """What is in the repository, or will be: all that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."]
    listed = subprocess.run(
        command, cwd=ROOT / folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return sorted(listed.stdout.splitlines())
