"""Installs each package of `dist/` into an empty environment, and runs the main job there.

    python3 run.py [--elsewhere | NAME…]

The wheel is installed with each Python from 3.10 to 3.13 that this machine has. What takes minutes
(compiling the sdist, unpacking an old Debian) is done only if it is named. With `--elsewhere`, the
packages are those for other platforms, whose programs this machine runs or emulates; what it cannot
have is said in one line, and fails only if it is named.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo import LOGIN, set_lifespan
from dist import elsewhere, install
from dist.install import CannotBeUsed, Install, check, only
from dist.targets import host
from driver.installed import Missing
from driver.local_realm import running_local_realm
from driver.main_job import Server, run_main_job
from driver.programs import REALM_PROGRAM

PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """On the path, or among those of pyenv, whose shims start none that is not selected."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [name, *map(str, sorted(pyenv.glob(f"{version}.*/bin/{name}")))]
    for candidate in candidates:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            command = [candidate, "-c", "import sys, venv; print(sys.executable)"]
            asked = subprocess.run(command, check=True, capture_output=True, text=True)
            return asked.stdout.strip()
    return None


def node(room: Path) -> list[str]:
    job = install.node(host(), ["node"], room)
    check("npx", "--offline", "sipgate-oauth2", "--version", cwd=room)
    return [*job]


def sdist(room: Path) -> list[str]:
    return [*install.wheel(sys.executable, only("sipgate_oauth2-*.tar.gz"), room)]


def packages() -> dict[str, Install]:
    """What is quick."""
    found: dict[str, Install] = {}
    for version in PYTHONS:
        program = interpreter(version)
        if program is None:
            print(f"python{version}: SKIPPED, this machine has none")
        else:
            found[f"python{version}"] = functools.partial(install.host_wheel, program)
    if not found:
        raise SystemExit("the wheel cannot be tested: no Python from 3.10 to 3.13 was found")
    return found | {
        "node": node,
        "c": functools.partial(install.c, host(), ["cc"]),
        "c-static": lambda room: install.c(host(), ["cc"], room, "--static"),
    }


IF_NAMED: Mapping[str, Install] = {
    "sdist": sdist,
    "python3.14": elsewhere.python_3_14,
    "node-on-old-glibc": elsewhere.node_on_old_glibc,
    "c-on-old-glibc": elsewhere.c_on_old_glibc,
    **elsewhere.ELSEWHERE,
}


def problem_with(name: str, package: Install) -> str | None:
    """Installs it, and runs the main job; says what went wrong."""
    with tempfile.TemporaryDirectory() as room, running_local_realm(REALM_PROGRAM) as realm:
        set_lifespan(realm)
        try:
            command = package(Path(room))
        except (CannotBeUsed, OSError, subprocess.SubprocessError) as problem:
            return str(problem)
        server = Server(realm.base, "third-party", realm.api_url)
        return run_main_job(name, command, server, LOGIN, cwd=room).problem


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elsewhere", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if unknown := set(options.names) - set(IF_NAMED):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(IF_NAMED)}")
    # The installed package must be used, not the checkout.
    os.environ.pop("PYTHONPATH", None)

    if options.names:
        selected: Mapping[str, Install] = {name: IF_NAMED[name] for name in options.names}
    else:
        selected = elsewhere.ELSEWHERE if options.elsewhere else packages()
    passed = failed = 0
    for name, package in selected.items():
        try:
            problem = problem_with(name, package)
        except Missing as missing:
            print(f"{name}: SKIPPED, needs {missing}\n", flush=True)
            failed += name in options.names
            continue
        passed += problem is None
        failed += problem is not None
        print(f"{name:>10} | {problem or 'ok'}\n", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
