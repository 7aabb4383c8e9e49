"""What the platforms need on this machine: Debian's packages, and folders in `.cache`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from driver.programs import ROOT

CACHE = ROOT / ".cache" / "platforms"


class Missing(Exception):
    """Something cannot be had on this machine; the message says what, and how to get it."""


def folder(name: str) -> Path:
    path = CACHE / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def debian(packages: Sequence[str]) -> None:
    """Makes sure of Debian's packages. Removes none for that."""
    missing = [package for package in packages if not _is_installed(package)]
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "--no-remove"]
    install += ["-o", "DPkg::Lock::Timeout=600", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"as root: apt-get install --no-install-recommends {' '.join(missing)}")
    print(f"installing {', '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (install, ["apt-get", "update", "--quiet"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if command is install and done.returncode == 0:
            return
    raise Missing(f"apt-get install {' '.join(missing)}: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def _is_installed(package: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout == "installed"
