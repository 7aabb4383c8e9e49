"""The frameworks, installed once into `.cache/signing_in`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping

from driver.programs import ROOT

FOLDER = ROOT / ".cache" / "signing_in"
PYTHON = FOLDER / "bin" / "python"
MODULES = FOLDER / "node_modules"

FROM_PYPI: Mapping[str, str] = {
    "Django": "5.2.19",
    "fastapi": "0.165.0",
    "Flask": "3.1.3",
    "itsdangerous": "2.2.0",
    "python-multipart": "0.0.34",
    "uvicorn": "0.54.0",
}
FROM_NPM: Mapping[str, str] = {
    "@fastify/cookie": "11.1.5",
    "@fastify/formbody": "9.0.1",
    "@fastify/session": "11.1.3",
    "cookie-session": "2.1.1",
    "express": "5.3.0",
    "fastify": "5.12.8",
    "iron-session": "8.0.4",
    "next": "16.4.6",
    "react": "19.3.1",
    "react-dom": "19.3.1",
}


class FrameworksUnavailable(Exception):
    """They cannot be installed here; the message says why."""


def install_from_pypi() -> None:
    packages = [f"{name}=={version}" for name, version in FROM_PYPI.items()]
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _install(
        "from_pypi", packages, [[sys.executable, "-m", "venv", str(FOLDER)], [*pip, *packages]]
    )


def install_from_npm() -> None:
    modules = [f"{name}@{version}" for name, version in FROM_NPM.items()]
    npm = ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--no-save"]
    _install("from_npm", modules, [[*npm, *modules]])
    # As `make build` has left it.
    library = MODULES / "sipgate-oauth2"
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(ROOT / "target" / "node" / "node_modules" / "sipgate-oauth2", library)


def _install(name: str, wanted: list[str], commands: list[list[str]]) -> None:
    """Does nothing if these versions are installed."""
    stamp = FOLDER / name
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            last = (getattr(problem, "stderr", None) or str(problem)).strip().splitlines()[-1]
            raise FrameworksUnavailable(f"{' '.join(command[:4])} …: {last}") from problem
    stamp.write_text("\n".join(wanted))
