"""Runs the shared behaviour suite with packages for other platforms, which run here (guests.py).

    python3 suite.py [--case PATTERN] [PLATFORM…]

What this machine cannot have is said in one line, and fails only if it is named. A platform where
no case passes fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner import report, suite
from behaviour.runner.cases import Case, all_cases, matching
from behaviour.runner.place import Place
from dist import guests, install
from dist.elsewhere import ARM64, MUSL, WINDOWS
from dist.install import CannotBeUsed
from dist.known_failures import ON_WINDOWS
from driver import cpython
from driver.installed import Missing
from driver.programs import REALM_PROGRAM
from driver.shims import SUITE
from platforms import windows as wine

PYTHON = SUITE / "python" / "shim.py"
NODE = SUITE / "node" / "shim.mjs"
C = SUITE / "c" / "shim.py"
BROWSER = SUITE.parent / "driver" / "browser.py"


def arm64(room: Path) -> Place:
    python, node = guests.arm64_python(), guests.arm64_node(room)
    return Place({**_python(ARM64, python, room), **_node(ARM64, node, room)}, room)


def musl(room: Path) -> Place:
    python, node = guests.musl_python(), guests.musl_node(room)
    return Place({**_python(MUSL, python, room), **_node(MUSL, node, room)}, room)


def windows(room: Path) -> Place:
    """Without Node.js, which wine gives no pipes."""
    python = guests.windows_python()
    program = wine.path(cpython.for_windows())
    browser = {"BROWSER": f"{program} {wine.path(BROWSER)} --visit %s"}
    shims = _python(WINDOWS, python, room, wine.path)
    return Place(shims, room, browser, wine.path, ON_WINDOWS)


def _python(
    target: str, python: Sequence[str], room: Path, path: Callable[[Path], str] = str
) -> dict[str, Sequence[str]]:
    """The languages whose shims Python runs. C's calls the shared library by ctypes."""
    *start, _ = install.wheel_for(target, python, room)
    tree = install.c_tree(target, room)
    return {
        "python": [*start, path(PYTHON)],
        "aio": [*start, path(PYTHON), "--aio"],
        "c": ["env", f"C_TREE={path(tree)}", *python, path(C)],
    }


def _node(target: str, node: Sequence[str], room: Path) -> dict[str, Sequence[str]]:
    *start, _ = install.node(target, node, room)
    shutil.copy(NODE, room)
    return {"node": [*start, NODE.name]}


PLATFORMS: Mapping[str, Callable[[Path], Place]] = {
    "arm64": arm64,
    "musl": musl,
    "windows": windows,
}


def run(name: str, cases: Sequence[Case]) -> tuple[int, int]:
    """Returns how many cases passed on a platform, and how many failed."""
    with tempfile.TemporaryDirectory() as room:
        place = PLATFORMS[name](Path(room))
        languages = list(place.shims)
        outcome = suite.run(languages, cases, REALM_PROGRAM, place)
    return report.shown(languages, outcome.verdicts, outcome.not_started, every=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="", metavar="PATTERN", help="as of the suite's run.py")
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM")
    options = parser.parse_args()
    if unknown := set(options.platforms) - PLATFORMS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PLATFORMS)}")
    # The installed package must be used, not the checkout.
    os.environ.pop("PYTHONPATH", None)

    every = matching(all_cases(), options.case)
    cases = [case for case in every if not case.linux]
    failures = 0
    ran = False
    for name in options.platforms or PLATFORMS:
        began = time.monotonic()
        try:
            passed, failed = run(name, cases)
        except Missing as missing:
            print(f"{name}: SKIPPED, needs {missing}\n", flush=True)
            failures += name in options.platforms
            continue
        except (CannotBeUsed, OSError, subprocess.SubprocessError) as problem:
            print(f"{name}: FAILED, {problem}\n", flush=True)
            failures += 1
            continue
        ran = True
        failures += failed or not passed
        left_out = f"{len(every) - len(cases)} cases left out, which set the clock or the limits"
        seconds = time.monotonic() - began
        print(
            f"{name}: {passed} passed, {failed} failed in {seconds:.0f} s; {left_out}\n", flush=True
        )
    return 1 if failures or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
