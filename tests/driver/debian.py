"""Packages of Debian, installed by apt-get where this process is root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from driver.installed import CannotInstall


def install(packages: Sequence[str]) -> None:
    """Makes sure of them. Removes none for that."""
    missing = [package for package in packages if not _is_installed(package)]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotInstall(f"as root: apt-get install --no-install-recommends {' '.join(missing)}")
    print(f"installing {', '.join(missing)}", flush=True)
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--no-remove"]
    command += ["-o", "DPkg::Lock::Timeout=600", *missing]
    done = _run(command)
    if done.returncode != 0:
        _run(["apt-get", "update", "--quiet"])
        done = _run(command)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CannotInstall(f"apt-get install {' '.join(missing)}: {said}")


def _is_installed(package: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout == "installed"


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
