"""PyInstaller: a small program in one folder, moved, and run without Python."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from driver.programs import ROOT

from .building import BUILD_SECONDS, Wrong, environment, expect_url, fresh, said
from .page import recipes

PROGRAM = """\
from sipgate_oauth2 import Client

client = Client.sipgate(
    client_id="id", client_secret="secret", redirect_uri="https://example.com/auth"
)
print(client.authorization_request("balance:read").url)
"""


def run_moved(environment_folder: Path) -> None:
    folder = fresh(environment_folder / "application")
    (folder / "app.py").write_text(PROGRAM)
    [recipe] = recipes("PyInstaller")
    # As `make build` has left the package.
    staged = {"PYTHONPATH": str(ROOT / "target" / "python")}
    built = subprocess.run(
        recipe.command,
        cwd=folder,
        env={**environment(environment_folder / "bin"), **staged},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    if built.returncode:
        raise Wrong(f"the build fails: {said(built)}")
    with tempfile.TemporaryDirectory() as elsewhere:
        moved = Path(elsewhere, "moved")
        shutil.copytree(folder / "dist" / "app", moved, symlinks=True)
        shutil.rmtree(folder)
        expect_url([str(moved / "app")], Path(elsewhere))
