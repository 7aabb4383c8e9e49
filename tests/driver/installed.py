"""Packages from PyPI and npm, installed once into a folder of `.cache`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.programs import ROOT

INSTALL_SECONDS = 600


class CannotInstall(Exception):
    """Packages cannot be installed here; the message says why."""


@dataclass(frozen=True)
class Packages:
    """Packages with their versions; a folder may have those of both registries."""

    name: str

    @property
    def folder(self) -> Path:
        return ROOT / ".cache" / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def modules(self) -> Path:
        return self.folder / "node_modules"

    def from_pypi(self, versions: Mapping[str, str]) -> None:
        wanted = [f"{name}=={version}" for name, version in versions.items()]
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        environment = [sys.executable, "-m", "venv", str(self.folder)]
        self._install("from_pypi", wanted, [environment, [*pip, *wanted]])

    def from_npm(self, versions: Mapping[str, str]) -> None:
        wanted = [f"{name}@{version}" for name, version in versions.items()]
        npm = [
            "npm",
            "install",
            "--prefix",
            str(self.folder),
            "--no-audit",
            "--no-fund",
            "--no-save",
        ]
        self._install("from_npm", wanted, [[*npm, *wanted]])

    def _install(self, source: str, wanted: Sequence[str], commands: Sequence[list[str]]) -> None:
        """Does nothing if these versions are installed."""
        stamp = self.folder / source
        if stamp.exists() and stamp.read_text() == "\n".join(wanted):
            return
        print(f"installing {', '.join(wanted)}", file=sys.stderr, flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        for command in commands:
            try:
                subprocess.run(
                    command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
                )
            except (OSError, subprocess.SubprocessError) as problem:
                said = (getattr(problem, "stderr", None) or str(problem)).strip().splitlines()
                raise CannotInstall(f"{' '.join(command[:4])} …: {said[-1]}") from problem
        stamp.write_text("\n".join(wanted))
