"""Packages from PyPI and npm, installed once into a folder of `.cache`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driver.programs import ROOT

INSTALL_SECONDS = 600


class Missing(Exception):
    """Something cannot be had on this machine; the message says what, or why."""


class CannotInstall(Missing):
    """Packages cannot be installed here; the message says why."""


@dataclass(frozen=True)
class Packages:
    """Packages with their versions, of one registry or of both, in a folder of this name."""

    name: str
    pypi: Mapping[str, str] = field(default_factory=dict)
    npm: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return ROOT / ".cache" / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def modules(self) -> Path:
        return self.folder / "node_modules"

    def install(self) -> None:
        if self.pypi:
            self.install_from_pypi()
        if self.npm:
            self.install_from_npm()

    def install_from_pypi(self) -> None:
        wanted = [f"{name}=={version}" for name, version in self.pypi.items()]
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        environment = [sys.executable, "-m", "venv", str(self.folder)]
        self._install("from_pypi", wanted, [environment, [*pip, *wanted]])

    def install_beside_library(self) -> None:
        """Those from npm, and this library as `make build` has left it."""
        self.install_from_npm()
        copy_packages(ROOT / "target" / "node" / "node_modules", self.modules)

    def install_from_npm(self) -> None:
        wanted = [f"{name}@{version}" for name, version in self.npm.items()]
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


def copy_packages(source: Path, modules: Path) -> None:
    """Packages and scopes of one folder in place of those of the same names in another."""
    for package in source.iterdir():
        shutil.rmtree(modules / package.name, ignore_errors=True)
        shutil.copytree(package, modules / package.name)
