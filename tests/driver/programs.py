"""The main-job programs that `make` builds, by language."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEBUG = ROOT / "target" / "debug"
# The local realm. A test on another platform names its own.
REALM_PROGRAM = Path(os.environ.get("SIPGATE_TEST_REALM", DEBUG / "sipgate-oauth2-realm"))

# In display order.
PROGRAMS: Mapping[str, Sequence[str]] = {
    "rust": [str(DEBUG / "examples" / "main_job")],
    "python": [sys.executable, str(ROOT / "examples" / "python" / "main_job.py")],
    "node": ["node", str(ROOT / "target" / "node" / "main_job.mjs")],
    "c": [str(ROOT / "target" / "c" / "main_job")],
}


def environment() -> dict[str, str]:
    """What the programs need to find the staged packages."""
    paths = [str(ROOT / "target" / "python"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
