"""Counts the instructions of operations without I/O, and compares them with recorded figures.

    python3 benches/instructions.py [--record]

Instructions can be counted on a busy machine: two runs of one program differ by less than 1 %.
An operation that takes over 3 % more than recorded fails; --record accepts the figures of today.

The figures depend on rustc, so those of another version may be 30 % higher, and on how the program
is built. The C library and the crypto library choose code for the processor, but valgrind shows all
processors with AVX2 as one. Python and Node.js have no figures: most instructions would be those of
their interpreters.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from dist.build import environment_for
from dist.targets import TARGETS, host
from driver import debian
from driver.installed import Missing
from driver.report import skips_fail

RECORDED = ROOT / "benches" / "instructions" / "recorded.json"
CALLS = 400
TOLERANCE = 0.03
# With a compiler that the figures were not recorded with.
TOLERANCE_OF_OTHERS = 0.3

# As .ci/run builds packages, whatever those that users get are linked with.
BUILD = {"CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16", "CARGO_PROFILE_RELEASE_LTO": "thin"}


def built_with() -> str:
    """What other figures may follow from, though the source is the same."""
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True)
    return f"{rustc.stdout.strip()}, {platform.machine()} {platform.system()}"


def counted() -> Mapping[str, int]:
    """The instructions of one call of each operation."""
    target = TARGETS[host()]
    told = environment_for(target) | BUILD
    # With what packages have compiled, if they are built.
    build = ["cargo-zigbuild", "zigbuild", "--release", "--locked", "--target", target.for_zig]
    subprocess.run([*build, "--package", "bench-instructions"], cwd=ROOT, env=told, check=True)
    program = ROOT / "target" / target.triple / "release" / "bench-instructions"
    with tempfile.TemporaryDirectory() as folder:
        # One dump each time that `measured` returns: one for each operation.
        only = ["--toggle-collect=measured", "--dump-after=measured", "--collect-atstart=no"]
        output = f"--callgrind-out-file={folder}/out"
        run = ["valgrind", "--quiet", "--tool=callgrind", *only, output, str(program), str(CALLS)]
        # Without the variables of this machine, whose length moves the stack.
        done = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True, env={})
        names = done.stdout.splitlines()
        dumps = [Path(folder, f"out.{number}") for number in range(1, len(names) + 1)]
        return {name: total(dump) // CALLS for name, dump in zip(names, dumps, strict=True)}


def total(dump: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE)
    assert found is not None, f"callgrind wrote no total to {dump}"
    return int(found[1])


def compared(recorded: Mapping[str, int], now: Mapping[str, int], tolerance: float) -> list[str]:
    """Prints each operation, and returns what is wrong."""
    wrong = [f"{name}: is not measured any more" for name in recorded if name not in now]
    print(f"{'instructions':<48}{'recorded':>10}{'now':>10}")
    for name, instructions in now.items():
        before = recorded.get(name)
        if before is None:
            wrong.append(f"{name}: is not recorded")
            print(f"{name:<48}{'-':>10}{instructions:>10}")
            continue
        change = instructions / before - 1
        print(f"{name:<48}{before:>10}{instructions:>10}{change:>+8.1%}")
        if change > tolerance:
            wrong.append(f"{name}: {instructions} instructions, {change:+.1%}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="accept the figures of today")
    record = parser.parse_args().record
    try:
        if shutil.which("valgrind") is None:
            debian.install(["valgrind"])
    except Missing as problem:
        print(
            f"SKIPPED: no instructions are counted, because valgrind is missing; {problem}",
            flush=True,
        )
        return int(skips_fail() or record)
    now, here = counted(), built_with()
    if record:
        RECORDED.write_text(json.dumps({"with": here, "instructions": now}, indent=2) + "\n")
        print(f"recorded {len(now)} operations in {RECORDED.relative_to(ROOT)}")
        return 0
    recorded = json.loads(RECORDED.read_text())
    tolerance = TOLERANCE
    if recorded["with"] != here:
        tolerance = TOLERANCE_OF_OTHERS
        print(
            f"recorded with {recorded['with']}, and this is {here}: {tolerance:.0%} more passes; "
            "run `make instructions` on the commit before a change to record new ones"
        )
    wrong = compared(recorded["instructions"], now, tolerance)
    for problem in wrong:
        print(f"FAILED {problem}; `make instructions` accepts it if it must be")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
