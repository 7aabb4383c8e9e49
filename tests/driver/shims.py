"""The shims of the behaviour suite that `make` builds, by language."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from driver.programs import DEBUG, ROOT

SUITE = ROOT / "tests" / "behaviour"

SHIMS: Mapping[str, Sequence[str]] = {
    "rust": [str(DEBUG / "behaviour-shim")],
    "python": [sys.executable, str(SUITE / "python" / "shim.py")],
    "aio": [sys.executable, str(SUITE / "python" / "shim.py"), "--aio"],
    "node": ["node", str(ROOT / "target" / "node" / "shim.mjs")],
    "c": [sys.executable, str(SUITE / "c" / "shim.py")],
}
