"""What a part of the tests came to: how many passed, read from what the test programs say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.programs import ROOT

RUST = re.compile(r"^test result: ok\. (\d+) passed; 0 failed", re.MULTILINE)

SECONDS = 1800


class Failed(Exception):
    """Tests failed, or none ran; the message is what they said."""


@dataclass(frozen=True)
class Outcome:
    passed: int
    what: str = "tests"

    def __str__(self) -> str:
        return f"{self.passed} {self.what}"


def rust(
    programs: Iterable[Path],
    under: Sequence[str],
    environment: Mapping[str, str],
    skipped: Sequence[str] = (),
) -> Outcome:
    """Runs test programs of cargo, each from the folder of its package, and says what it skips."""
    passed = 0
    skip = [argument for name in skipped for argument in ("--skip", name)]
    for program in programs:
        command = [*under, str(program), *skip]
        passed += counted(RUST, command, environment, ROOT / "core").passed
    without = "".join(f", without {name}," for name in skipped)
    return Outcome(passed, f"tests{without}")


def counted(
    passed: re.Pattern[str],
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
) -> Outcome:
    """Fails if the program fails, and also if it says of no test that it passed."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    found = passed.findall(done.stdout)
    number = sum(int(count) for count in found)
    if done.returncode != 0 or number == 0:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-20000:]}")
    return Outcome(number)
