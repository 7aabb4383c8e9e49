"""The Node package: its declarations, as TypeScript's checker reads them.

The loaded module must have the same names.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from driver.programs import ROOT

PACKAGE = ROOT / "target" / "node" / "node_modules" / "sipgate-oauth2"


def items() -> set[str]:
    command = ["node", str(Path(__file__).with_suffix(".mjs")), str(PACKAGE)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    differing = set(found["values"]) ^ set(found["loaded"])
    if differing:
        raise LookupError(f"declared or loaded, not both: {', '.join(sorted(differing))}")
    return set(found["values"]) | set(found["types"])
