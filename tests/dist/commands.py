"""Runs the programs that packages are built with; one that fails ends the build."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from driver.programs import ROOT


def run(
    *command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> None:
    subprocess.run(command, cwd=cwd, check=True, env=environment)


def output(
    *command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> str:
    """Returns what the program writes."""
    return subprocess.run(
        command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout.strip()
