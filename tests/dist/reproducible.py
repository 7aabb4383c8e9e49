"""Builds the packages of dist/ a second time, elsewhere: the bytes must be the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def digests(dist: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}


def git(*arguments: str | Path) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def main() -> int:
    if git("status", "--porcelain"):
        raise SystemExit("what is built twice is the last commit, and there are changes beyond it")
    first = digests(ROOT / "dist")
    with tempfile.TemporaryDirectory() as room:
        elsewhere = Path(room) / "another folder"
        git("clone", "--quiet", "--shared", ROOT, elsewhere)
        (elsewhere / ".cache").mkdir()
        (elsewhere / ".cache" / "zig").symlink_to(ROOT / ".cache" / "zig")
        command = [sys.executable, "tests/dist/build.py", *sys.argv[1:]]
        environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
        subprocess.run(command, cwd=elsewhere, check=True, env=environment)
        second = digests(elsewhere / "dist")
    other = sorted(name for name in first | second if first.get(name) != second.get(name))
    for name in other:
        print(f"{name}: another build has other bytes")
    print(f"{len(first | second) - len(other)} archives are the same, {len(other)} are not")
    return 1 if other or not first else 0


if __name__ == "__main__":
    sys.exit(main())
