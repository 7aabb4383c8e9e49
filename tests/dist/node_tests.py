"""Runs the tests of the Node.js package as it is installed on musl, with a Node.js for musl.

Those of `package.test.mjs` are left out: they are about what is packed, the same everywhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dist import guests, install
from dist.elsewhere import MUSL
from dist.install import CannotBeUsed
from driver.installed import Missing
from driver.programs import REALM_PROGRAM, ROOT
from driver.report import skips_fail

TESTS = ROOT / "bindings-node" / "test"
LEFT_OUT = "package.test.mjs"
COUNTS = re.compile(r"^# (pass|fail|cancelled) (\d+)$", re.MULTILINE)
SECONDS = 900


def run(room: Path) -> dict[str, int]:
    """Returns how many tests passed, failed and were cancelled."""
    *node, _ = install.node(MUSL, guests.musl_node(room), room)
    shutil.copytree(TESTS, room / "test")
    files = [f"test/{file.name}" for file in TESTS.glob("*.test.mjs") if file.name != LEFT_OUT]
    start = ["env", f"SIPGATE_TEST_REALM={REALM_PROGRAM}", *node]
    done = subprocess.run(
        [*start, "--test", "--test-reporter=tap", *sorted(files)],
        cwd=room,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    counts = {word: int(number) for word, number in COUNTS.findall(done.stdout)}
    if done.returncode != 0 or counts.get("fail") != 0 or not counts.get("pass"):
        raise CannotBeUsed(f"exit code {done.returncode}\n{done.stdout[-20000:]}")
    return counts


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        try:
            counts = run(Path(room))
        except Missing as missing:
            print(f"node tests on musl: SKIPPED, needs {missing}")
            return int(skips_fail())
        except (CannotBeUsed, OSError, subprocess.SubprocessError) as problem:
            print(f"node tests on musl: FAILED, {problem}")
            return 1
    seconds = time.monotonic() - began
    print(f"node tests on musl: {counts['pass']} passed in {seconds:.0f} s, without {LEFT_OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
