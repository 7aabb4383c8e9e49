"""The program `sipgate-oauth2-realm`, which is in this package."""

import os
import subprocess
import sys
from pathlib import Path

NAME = "sipgate-oauth2-realm.exe" if os.name == "nt" else "sipgate-oauth2-realm"
PROGRAM = Path(__file__).resolve().parent / "bin" / NAME


def main() -> int:
    """Is called by the command of the same name."""
    command = [str(PROGRAM), *sys.argv[1:]]
    if os.name != "nt":
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode
