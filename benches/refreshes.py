"""CPU time of refreshes over TLS, with a connection each:

    python3 benches/refreshes.py rust,python,node,c

The local realm is another process, so that only the client's time counts. For each language, one
process makes all refreshes; the processes take turns, and each figure is the median of its turns.
`by hand` is the least code that rustls allows, in Rust. The realm says how many of the handshakes
resumed a session.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from driver.local_realm import running_local_realm
from driver.programs import environment
from driver.realm_by_hand import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, RealmByHand

TURNS = 15
REFRESHES = 256
CALLERS = (1, 8, 64)
RESUMED = 98.0
# As `await` may cost, of what the same call without it costs.
AIO = 1.4

RUST = str(ROOT / "target/release/bench-refreshes")
PYTHON = [sys.executable, str(ROOT / "benches/refreshes_python.py")]


@dataclass(frozen=True)
class Program:
    command: Sequence[str]
    # CPU seconds of a thousand refreshes, for 8 and for 64 callers.
    goal: float | None = None


PROGRAMS: Mapping[str, Mapping[str, Program]] = {
    "rust": {"by hand": Program([RUST, "by-hand"]), "rust": Program([RUST], 0.26)},
    "python": {"python": Program(PYTHON, 0.32), "aio": Program([*PYTHON, "aio"])},
    "node": {"node": Program(["node", str(ROOT / "benches/refreshes_node.mjs")], 0.36)},
    "c": {"c": Program([str(ROOT / "target/c/refreshes")], 0.28)},
}


@dataclass
class Measured:
    # By callers, of each turn: CPU seconds of a thousand refreshes, and the handshakes in percent
    # that resumed a session.
    seconds: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in CALLERS})
    resumed: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in CALLERS})


@contextlib.contextmanager
def running(program: Program, told: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(program.command, stdin=pipe, stdout=pipe, text=True, env=told) as process:
        yield process


def measure(process: subprocess.Popen[str], callers: int, refreshes: int) -> float:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{callers} {refreshes}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{process.args} failed with {process.wait()}")
    return float(line)


def main() -> int:
    programs = {
        name: program
        for language in sys.argv[1].split(",")
        for name, program in PROGRAMS[language].items()
    }
    measured = {name: Measured() for name in programs}
    with (
        running_local_realm(ROOT / "target/release/sipgate-oauth2-realm") as local_realm,
        tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted,
        contextlib.ExitStack() as started,
    ):
        realm = RealmByHand(local_realm)
        trusted.write(local_realm.ca_pem)
        trusted.flush()
        told = {
            **os.environ,
            **environment(),
            "SIPGATE_CLIENT_ID": CLIENT_ID,
            "SIPGATE_CLIENT_SECRET": CLIENT_SECRET,
            "SIPGATE_REDIRECT_URI": REDIRECT_URI,
            "SIPGATE_ISSUER": realm.issuer,
            "SSL_CERT_FILE": trusted.name,
            "REFRESH_TOKEN": realm.token_response()["refresh_token"],
        }
        processes = {
            name: started.enter_context(running(program, told))
            for name, program in programs.items()
        }
        for callers in CALLERS:
            for process in processes.values():
                measure(process, callers, REFRESHES)
            for _ in range(TURNS):
                for name, process in processes.items():
                    handshakes, resumptions = realm.handshakes()
                    cpu = measure(process, callers, REFRESHES)
                    handshakes, resumptions = (
                        after - before
                        for after, before in zip(
                            realm.handshakes(), (handshakes, resumptions), strict=True
                        )
                    )
                    measured[name].seconds[callers].append(cpu * 1000 / REFRESHES)
                    measured[name].resumed[callers].append(100 * resumptions / handshakes)
        for process in processes.values():
            assert process.stdin is not None
            process.stdin.close()
    return report(programs, measured)


def report(programs: Mapping[str, Program], measured: Mapping[str, Measured]) -> int:
    print(f"refreshes over TLS, CPU s of 1,000; handshakes resumed; {TURNS} turns of {REFRESHES}")
    missed = False
    for name, program in programs.items():
        figures = measured[name]
        seconds = {callers: statistics.median(figures.seconds[callers]) for callers in CALLERS}
        resumed = min(statistics.mean(figures.resumed[callers]) for callers in CALLERS)
        verdict = ""
        if program.goal is not None:
            reached = max(seconds[8], seconds[64]) <= program.goal and resumed >= RESUMED
            missed |= not reached
            verdict = f"goal: <= {program.goal:.2f}, >= {RESUMED:g} %  " + (
                "reached" if reached else "MISSED"
            )
        shown = ", ".join(f"{seconds[callers]:.3f} for {callers}" for callers in CALLERS)
        print(f"{name:<8} {shown:<42} {resumed:6.1f} %  {verdict}")
    if "aio" in measured:
        for callers in CALLERS:
            ratio = statistics.median(
                ours / plain
                for ours, plain in zip(
                    measured["aio"].seconds[callers],
                    measured["python"].seconds[callers],
                    strict=True,
                )
            )
            reached = ratio <= AIO
            missed |= not reached
            print(
                f"aio against the call without await, {callers} callers: {ratio:.2f} x"
                f"  goal: <= {AIO:g} x  {'reached' if reached else 'MISSED'}"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
