"""What the tests came to: how many passed, read from what the test programs say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driver.programs import ROOT

PASSED = re.compile(r"^test result: ok\. (\d+) passed; 0 failed", re.MULTILINE)

SECONDS = 1800


class Failed(Exception):
    """Tests failed, or none ran; the message is what they said."""


@dataclass(frozen=True)
class Outcome:
    passed: int
    skipped: Sequence[str]

    def __str__(self) -> str:
        return f"{self.passed} tests" + "".join(f", without {name}" for name in self.skipped)


@dataclass(frozen=True)
class Linked:
    """What was compiled and linked for a platform whose programs cannot be run here."""

    files: int
    passed: int = field(default=0, init=False)

    def __str__(self) -> str:
        return f"{self.files} programs and libraries compiled and linked, none run"


def run(
    programs: Iterable[Path],
    under: Sequence[str],
    environment: Mapping[str, str],
    skipped: Sequence[str],
) -> Outcome:
    """Runs test programs of the core, from the folder of its package."""
    skip = [argument for name in skipped for argument in ("--skip", name)]
    passed = sum(_passed([*under, str(program), *skip], environment) for program in programs)
    return Outcome(passed, skipped)


def _passed(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Fails if the program fails, and also if it says of no test that it passed."""
    done = subprocess.run(
        command,
        cwd=ROOT / "core",
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    passed = sum(map(int, PASSED.findall(done.stdout)))
    if done.returncode != 0 or passed == 0:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-20000:]}")
    return passed
