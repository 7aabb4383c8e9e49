"""The peers, installed once into `.cache/openid`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from driver.programs import ROOT

FOLDER = ROOT / ".cache" / "openid"
PYTHON = FOLDER / "bin" / "python"
MODULES = FOLDER / "node_modules"

FROM_PYPI: Mapping[str, str] = {
    "cryptography": "50.0.2",
    "google-auth": "2.63.0",
    "joserfc": "1.8.0",
    "PyJWT": "2.15.1",
}
FROM_NPM: Mapping[str, str] = {"jose": "6.2.18", "openid-client": "6.8.9"}


class PeersUnavailable(Exception):
    """The peers cannot be installed here; the message says why."""


def install() -> None:
    """Does nothing if these versions are installed."""
    packages = [f"{name}=={version}" for name, version in FROM_PYPI.items()]
    modules = [f"{name}@{version}" for name, version in FROM_NPM.items()]
    wanted = "\n".join([*packages, *modules])
    stamp = FOLDER / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    commands = [
        [sys.executable, "-m", "venv", str(FOLDER)],
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", *modules],
    ]
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            last = (getattr(problem, "stderr", None) or str(problem)).strip().splitlines()[-1]
            raise PeersUnavailable(f"{' '.join(command[:4])} …: {last}") from problem
    stamp.write_text(wanted)
