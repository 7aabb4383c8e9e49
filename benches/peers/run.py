"""Compares the speed of the library with that of others, which it installs:

    python3 benches/peers/run.py [--languages rust,c,python,node]

Authlib and simple-oauth2 are what users of Python and Node pick most, openid-client is certified,
the crate oauth2 is used with ureq, and libcurl is used by hand. Each measurement is a process of
its own, and the libraries take turns; a figure is the median of the turns. All figures are CPU time
of the whole process, because on a busy machine the elapsed time is mostly that of others. The
library must be built (`benches/run.py` does that).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from driver import debian
from driver.installed import Missing, Packages
from driver.local_realm import running_local_realm
from driver.programs import environment
from driver.realm_by_hand import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, RealmByHand

OURS = "sipgate-oauth2"
HERE = ROOT / "benches" / "peers"
PACKAGES = Packages(
    "bench-peers",
    pypi={"Authlib": "1.9.10", "requests": "2.34.2"},
    npm={"openid-client": "6.9.0", "simple-oauth2": "5.1.0"},
)
TURNS = 7
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Operation:
    """What is measured, and the unit of its figures."""

    title: str
    name: str
    calls: int
    callers: int
    unit: str
    figure: Callable[[float], float]
    # The most, or for what is counted per second the least, by language.
    goals: Mapping[str, float]


def nanoseconds(seconds: float) -> float:
    return seconds * 1e9


def thousands(seconds: float) -> float:
    return 1e-3 / seconds


def per_thousand(seconds: float) -> float:
    return seconds * 1e3


OPERATIONS = (
    Operation(
        "token from memory",
        "token",
        200_000,
        1,
        "ns",
        nanoseconds,
        {"c": 50, "rust": 40, "python": 150, "node": 90},
    ),
    Operation(
        "token response into its object",
        "response",
        50_000,
        1,
        "thousand/s",
        thousands,
        {"rust": 500, "c": 450, "python": 150, "node": 150},
    ),
    Operation(
        "authorization URL",
        "url",
        20_000,
        1,
        "thousand/s",
        thousands,
        {"rust": 400, "c": 300, "node": 160},
    ),
    Operation(
        "refresh over TLS, 8 callers",
        "refresh",
        400,
        8,
        "CPU s per 1,000",
        per_thousand,
        {"rust": 0.26, "c": 0.28, "python": 0.32, "node": 0.36},
    ),
    Operation(
        "refresh over TLS, 64 callers",
        "refresh",
        960,
        64,
        "CPU s per 1,000",
        per_thousand,
        {"rust": 0.26, "c": 0.28, "python": 0.32, "node": 0.36},
    ),
)


@dataclass(frozen=True)
class Language:
    name: str
    program: Sequence[str]
    # What each library can do.
    libraries: Mapping[str, Sequence[str]]


ALL = ("url", "response", "token", "refresh")


def rust() -> Language:
    target = ROOT / "target"
    project = HERE / "rust"
    if not (project / "Cargo.lock").exists():
        shutil.copy(ROOT / "Cargo.lock", project)
    build = ["cargo", "build", "--release", "--quiet", "--target-dir", str(target)]
    subprocess.run(build, cwd=project, check=True)
    program = [str(target / "release" / "bench-peers")]
    return Language("rust", program, {OURS: ALL, "oauth2": ("url", "response", "refresh")})


def c() -> Language:
    debian.install(["libcurl4-gnutls-dev", "libssl-dev"])
    library = ROOT / "target" / "release"
    program = ROOT / "target" / "c" / "c_peers"
    program.parent.mkdir(parents=True, exist_ok=True)
    warnings = ["-std=c99", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    libraries = [str(library / "libsipgate_oauth2.so"), "-lcurl", "-lcrypto", "-lpthread"]
    linked = [*libraries, f"-Wl,-rpath,{library}"]
    source = [f"-I{ROOT / 'include'}", str(HERE / "c_peers.c"), "-o", str(program)]
    subprocess.run([os.environ.get("CC", "cc"), *warnings, *source, *linked], check=True)
    return Language("c", [str(program)], {OURS: ALL, "libcurl": ("url", "refresh")})


def python() -> Language:
    PACKAGES.install_from_pypi()
    interpreter = str(PACKAGES.python)
    program = [interpreter, str(HERE / "python_peers.py")]
    return Language("python", program, {OURS: ALL, "Authlib": ALL})


def node() -> Language:
    PACKAGES.install_from_npm()
    libraries = {OURS: ALL, "openid-client": ("url", "refresh"), "simple-oauth2": ALL}
    return Language("node", ["node", str(HERE / "node_peers.mjs")], libraries)


LANGUAGES: Mapping[str, Callable[[], Language]] = {
    "rust": rust,
    "c": c,
    "python": python,
    "node": node,
}


def cpu_seconds(command: Sequence[str], told: Mapping[str, str]) -> float:
    """Of the whole process."""
    with subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return used.ru_utime + used.ru_stime


def seconds_per_call(command: Sequence[str], told: Mapping[str, str]) -> float:
    done = subprocess.run(command, env=told, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def first_call(language: Language, told: Mapping[str, str]) -> str:
    """A process that makes one authorization URL, over the same that makes none. What the library
    alone costs, first_call.py measures.
    """
    able = [library for library, names in language.libraries.items() if "url" in names]
    commands = [[*language.program, library, "url", "1", "1"] for library in ("nothing", *able)]
    turns = [[cpu_seconds(command, told) for command in commands] for _ in range(5 * TURNS)]
    figures = {
        library: statistics.median(turn[number] - turn[0] for turn in turns) * 1e3
        for number, library in enumerate(able, 1)
    }
    return row("the first URL of a process", language, figures, "ms", None, "≤")


def operation(measured: Operation, language: Language, told: Mapping[str, str]) -> str:
    able = [library for library, names in language.libraries.items() if measured.name in names]
    amount = [measured.name, str(measured.calls), str(measured.callers)]
    turns = [
        [seconds_per_call([*language.program, library, *amount], told) for library in able]
        for _ in range(TURNS)
    ]
    figures = {
        library: measured.figure(statistics.median(turn[number] for turn in turns))
        for number, library in enumerate(able)
    }
    sign = "≥" if measured.figure is thousands else "≤"
    goal = measured.goals.get(language.name)
    return row(measured.title, language, figures, measured.unit, goal, sign)


def row(
    title: str,
    language: Language,
    figures: Mapping[str, float],
    unit: str,
    goal: float | None,
    sign: str,
) -> str:
    others = ", ".join(
        f"{library} {figure:.3g}" for library, figure in figures.items() if library != OURS
    )
    wanted = "" if goal is None else f"{sign} {goal:g}"
    reached = goal is None or (figures[OURS] >= goal if sign == "≥" else figures[OURS] <= goal)
    verdict = wanted if reached else f"{wanted} (missed)"
    cells = (title, language.name, f"{figures[OURS]:.3g}", unit, others or "–", verdict)
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    names = parser.parse_args().languages.split(",")
    print("| | language | sipgate-oauth2 | unit | others | goal |")
    print("|---|---|---|---|---|---|", flush=True)
    with (
        running_local_realm(ROOT / "target" / "release" / "sipgate-oauth2-realm") as local_realm,
        tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted,
        tempfile.NamedTemporaryFile("w", suffix=".pem") as of_the_realm,
        tempfile.TemporaryDirectory() as compiled_python,
    ):
        trusted.write((SYSTEM.read_text() if SYSTEM.exists() else "") + local_realm.ca_pem)
        trusted.flush()
        of_the_realm.write(local_realm.ca_pem)
        of_the_realm.flush()
        realm = RealmByHand(local_realm)
        tokens = realm.token_response()
        expires_at = int(time.time()) + tokens["expires_in"]
        told = {
            **os.environ,
            **environment(),
            "RESPONSE": json.dumps({**tokens, "expires_at": expires_at}),
            "REFRESH_TOKEN": tokens["refresh_token"],
            "SIPGATE_CLIENT_ID": CLIENT_ID,
            "SIPGATE_CLIENT_SECRET": CLIENT_SECRET,
            "SIPGATE_REDIRECT_URI": REDIRECT_URI,
            "SIPGATE_ISSUER": realm.issuer,
            "SIPGATE_STORE": "memory:",
            "SSL_CERT_FILE": trusted.name,
            # For libcurl, which reads it for each request: the system's certificates take 40 ms.
            "CURL_CA_BUNDLE": of_the_realm.name,
            "REQUESTS_CA_BUNDLE": trusted.name,
            "NODE_EXTRA_CA_CERTS": trusted.name,
            "MODULES": str(PACKAGES.modules),
            "OUR_MODULE": str(ROOT / "target" / "node" / "node_modules" / "sipgate-oauth2"),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": compiled_python,
        }
        skipped = False
        for name in names:
            try:
                language = LANGUAGES[name]()
            except Missing as problem:
                print(f"{name}: SKIPPED, {problem}", flush=True)
                skipped = True
                continue
            print(first_call(language, told), flush=True)
            for measured in OPERATIONS:
                print(operation(measured, language, told), flush=True)
    return int(skipped)


if __name__ == "__main__":
    sys.exit(main())
