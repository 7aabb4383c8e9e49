"""What a runner prints: a line for each job, and how many have passed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Skipped:
    """A job that has not run, and why. It has not passed either."""

    reason: str


def skips_fail() -> bool:
    """Whether what cannot run fails: a run of CI must not pass without it."""
    return os.environ.get("CI") == "true"


# None if the job has passed, or what is wrong.
Outcome: TypeAlias = str | Skipped | None


def report(outcomes: Iterable[tuple[str, Outcome]], width: int) -> int:
    """Prints each outcome as soon as it is there. Returns the exit status of the runner."""
    passed = skipped = failed = 0
    for name, outcome in outcomes:
        match outcome:
            case None:
                passed += 1
                said = "ok"
            case Skipped(reason):
                skipped += 1
                said = f"SKIPPED: {reason}"
            case problem:
                failed += 1
                said = problem
        print(f"{name:<{width}} {said}", flush=True)
    counts = f"{passed} passed, {failed} failed"
    print(f"{counts}, {skipped} skipped" if skipped else counts)
    return 1 if failed or (skipped and skips_fail()) else 0
