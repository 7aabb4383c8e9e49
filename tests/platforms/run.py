"""Builds for other platforms, and runs what can be run of them here.

    python3 run.py [--long] [PLATFORM…]

Without a platform, all of them. What a machine cannot have is said in one line; it is a failure
only of a platform that was asked for by name. One that ran no test is a failure. For macOS nothing
can be run: what is compiled and linked for it is checked, and the outcome says so.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.installed import Missing
from platforms import arm64, macos, musl, python, windows
from platforms.outcome import Failed, Linked, Outcome

# The long form.
PLATFORMS: Mapping[str, Callable[[], Outcome | Linked]] = {
    "windows": windows.core_units,
    "musl": musl.core_units,
    "arm64": arm64.core_units,
    "macos-arm64": macos.arm64,
    "macos-x86_64": macos.x86_64,
    "python-3.14": python.newest,
}
# What fits into a CI run.
SHORT: Sequence[str] = ["windows"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM")
    options = parser.parse_args()
    available = PLATFORMS if options.long else SHORT
    unknown = sorted(set(options.platforms) - set(available))
    if unknown:
        form = "long" if options.long else "short"
        parser.error(f"no {form} form for {', '.join(unknown)}: only {', '.join(available)}")

    failed = passed = 0
    for platform in options.platforms or available:
        started = time.monotonic()
        try:
            outcome = PLATFORMS[platform]()
        except Missing as missing:
            print(f"{platform}: NOT RUN, needs {missing}", flush=True)
            failed += platform in options.platforms
        except Failed as problem:
            print(f"{platform}: FAILED\n{problem}", flush=True)
            failed += 1
        else:
            passed += outcome.passed
            print(f"{platform}: {outcome} in {time.monotonic() - started:.0f} s", flush=True)
    if passed == 0 and not options.platforms:
        print("FAILED: nothing was run on any platform")
        failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
