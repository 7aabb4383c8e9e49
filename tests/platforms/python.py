"""The tests of the Python package with a newer Python than this machine has."""

from __future__ import annotations

import os
import re
import subprocess

from driver import cpython
from driver.installed import Missing
from driver.programs import ROOT
from platforms.outcome import SECONDS, Failed, Outcome
from platforms.tools import last_line

PACKAGE = ROOT / "target" / "python"
PASSED = re.compile(r"^(\d+) passed", re.MULTILINE)


def newest() -> Outcome:
    if not PACKAGE.is_dir():
        raise Missing("make build")
    python = _environment()
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT / "bindings-python",
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    passed = PASSED.search(done.stdout)
    if done.returncode != 0 or passed is None:
        raise Failed(f"pytest: exit code {done.returncode}\n{done.stdout[-20000:]}")
    return Outcome(int(passed[1]), ())


def _environment() -> str:
    """The Python of one with what the tests use."""
    program = cpython.for_linux()
    venv = program.parents[2] / "venv"
    python = str(venv / "bin" / "python")
    stamp = venv / "ready"
    wanted = ROOT / "tests" / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        pip = ["-m", "pip", "install", "--quiet", "--requirement", str(wanted)]
        for command in ([str(program), "-m", "venv", str(venv)], [python, *pip]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Missing(f"{' '.join(command)}: {last_line(done.stderr)}")
        stamp.write_text(wanted.read_text())
    return python
