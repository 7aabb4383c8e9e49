"""Builds for other platforms, and runs what can be run of them here.

    python3 run.py [PLATFORM…]

Without a platform, all of them. What a machine cannot have is said in one line; it is a failure
only of a platform that was asked for by name. A part that ran no test is a failure.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from platforms import windows
from platforms.outcome import Failed, Outcome
from platforms.tools import Missing

Part = Callable[[], Outcome]

PLATFORMS: Mapping[str, Mapping[str, Part]] = {"windows": windows.PARTS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM")
    options = parser.parse_args()
    unknown = sorted(set(options.platforms) - set(PLATFORMS))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}: choose from {', '.join(PLATFORMS)}")

    failed = passed = 0
    for platform in options.platforms or PLATFORMS:
        for name, part in PLATFORMS[platform].items():
            what = f"{platform}, {name}"
            started = time.monotonic()
            try:
                outcome = part()
            except Missing as missing:
                print(f"{what}: NOT RUN, needs {missing}", flush=True)
                failed += platform in options.platforms
            except Failed as problem:
                print(f"{what}: FAILED\n{problem}", flush=True)
                failed += 1
            else:
                passed += outcome.passed
                print(f"{what}: {outcome} in {time.monotonic() - started:.0f} s", flush=True)
    if passed == 0:
        print("FAILED: nothing was run on any platform")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
