"""PyInstaller: a small program in one folder, moved, and run without Python."""

from __future__ import annotations

from pathlib import Path

from driver.programs import ROOT

from .building import built, expect_url, fresh
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
    [recipe] = recipes("PyInstaller")
    # As `make build` has left the package.
    staged = {"PYTHONPATH": str(ROOT / "target" / "python")}
    programs = environment_folder / "bin"
    with built(recipe, {"app.py": PROGRAM}, folder, programs, ["dist/app"], staged) as moved:
        expect_url([str(moved / "app" / "app")], moved)
