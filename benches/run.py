"""Builds the optimized packages, and compares speed with hand-written code, memory with goals."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import PIPE

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from driver.local_realm import running_local_realm
from driver.programs import environment
from fleet.servers import running

PACKAGES: Mapping[str, Sequence[str]] = {
    "rust": ["bench-rust", "bench-openid"],
    "python": ["sipgate-oauth2-python"],
    "node": ["sipgate-oauth2-node"],
    "c": ["sipgate-oauth2-c-library"],
}
STAGING: Mapping[str, Sequence[str]] = {
    "rust": ["true"],
    "python": [sys.executable, "bindings-python/stage.py", "release"],
    "node": ["node", "bindings-node/stage.mjs", "release"],
    "c": ["bash", "benches/build_c.sh"],
}
BENCHES: Mapping[str, Sequence[Sequence[str]]] = {
    "rust": [
        ["target/release/bench-rust"],
        ["target/release/bench-memory"],
        ["target/release/bench-hanging"],
        ["target/release/bench-openid"],
    ],
    "python": [[sys.executable, "benches/bench_python.py"]],
    "node": [["node", "benches/bench_node.mjs"]],
    "c": [["target/c/bench_c"]],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(PACKAGES))
    languages = parser.parse_args().languages.split(",")
    # In one call, so that what they share is compiled once.
    packages = [package for language in languages for package in PACKAGES[language]]
    packages.append("sipgate-oauth2-realm")
    selected = [part for package in packages for part in ("-p", package)]
    # With the crypto library that packages have (decision 43).
    told = os.environ | {"AWS_LC_SYS_SMALL": "1"}
    subprocess.run(["cargo", "build", "--release", *selected], cwd=ROOT, env=told, check=True)
    for language in languages:
        subprocess.run(STAGING[language], cwd=ROOT, check=True)
    missed = []
    for language in languages:
        print(f"\n{language}", flush=True)
        with running_local_realm(ROOT / "target" / "release" / "sipgate-oauth2-realm") as realm:
            statuses = [
                subprocess.run(
                    [*bench, realm.http], cwd=ROOT, env=os.environ | environment()
                ).returncode
                for bench in BENCHES[language]
            ]
        first_call = [sys.executable, "benches/first_call.py", language]
        statuses.append(subprocess.run(first_call, cwd=ROOT).returncode)
        if language == "rust":
            statuses.append(fleet())
        if not set(statuses) <= {0, 1}:
            return max(statuses, key=abs)
        if any(statuses):
            missed.append(language)
    print("\nrefreshes over TLS", flush=True)
    refreshes = [sys.executable, "benches/refreshes.py", ",".join(languages)]
    status = subprocess.run(refreshes, cwd=ROOT).returncode
    if status not in (0, 1):
        return status
    if status:
        missed.append("refreshes over TLS")
    if missed:
        print(f"\nsome goals were not met on this machine: {', '.join(missed)}")
    return 0


def fleet() -> int:
    """What the stores for several machines cost, on servers that are started for it."""
    with running(("postgres-18", "valkey")) as fleet:
        servers = fleet.servers.values()
        command = ["target/release/bench-fleet", *(server.url for server in servers)]
        with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as bench:
            assert bench.stdin is not None and bench.stdout is not None
            for line in bench.stdout:
                print(line, end="", flush=True)
                if line.startswith("stop the servers"):
                    for server in servers:
                        server.freeze()
                    bench.stdin.write("\n")
                    bench.stdin.flush()
        return bench.returncode


if __name__ == "__main__":
    sys.exit(main())
