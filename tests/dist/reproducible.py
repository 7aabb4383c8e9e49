"""Builds the packages of dist/ a second time, elsewhere: the bytes must be the same."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dist.commands import output, run
from driver.programs import ROOT


def digests(dist: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}


def main() -> int:
    if output("git", "status", "--porcelain"):
        raise SystemExit("what is built twice is the last commit, and there are changes beyond it")
    first = digests(ROOT / "dist")
    with tempfile.TemporaryDirectory() as room:
        elsewhere = Path(room) / "another folder"
        run("git", "clone", "--quiet", "--shared", ROOT, elsewhere)
        (elsewhere / ".cache").mkdir()
        for installed in (".cache/zig", "bindings-node/node_modules"):
            (elsewhere / installed).symlink_to(ROOT / installed)
        environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
        build = [sys.executable, "tests/dist/build.py", *sys.argv[1:]]
        run(*build, cwd=elsewhere, environment=environment)
        second = digests(elsewhere / "dist")
    other = sorted(name for name in first | second if first.get(name) != second.get(name))
    for name in other:
        print(f"{name}: another build has other bytes")
    print(f"{len(first | second) - len(other)} archives are the same, {len(other)} are not")
    return 1 if other or not first else 0


if __name__ == "__main__":
    sys.exit(main())
