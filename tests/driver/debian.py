"""Packages of Debian: installed by apt-get where this process is root, and their sources."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from driver.installed import CannotInstall

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


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


def source(package: str, release: str, folder: Path) -> Path:
    """The archive of a package's source as its authors published it, fetched into a folder."""
    if shutil.which("apt-get") is None:
        raise CannotInstall(f"apt-get, to fetch the source of {package}")
    listed = folder / "sources.list"
    listed.write_text(f"deb-src [signed-by={KEYS}] {_mirror()} {release} main\n")
    for used in ("lists", "cache"):
        (folder / used).mkdir()
    # Of their own: those of the machine stay as they are.
    options = {
        "Dir::Etc::sourcelist": listed,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "--quiet", *(f"-o{name}={value}" for name, value in options.items())]
    for command in (["update"], ["source", "--download-only", package]):
        done = _run([*apt, *command], folder)
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CannotInstall(f"the source of {package}: {said}")
    return next(folder.glob("*.orig.tar.*z"))


def _mirror() -> str:
    """Where this machine gets Debian's packages from."""
    ours = ("Created-By: Packages", "Label: Debian", "Component: main")
    found = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", *ours]).stdout.split()
    if not found:
        raise CannotInstall("a machine whose apt-get has packages of Debian")
    return found[0]


def _is_installed(package: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout == "installed"


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
