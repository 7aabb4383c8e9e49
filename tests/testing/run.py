"""Tests the local realm as a package, and runs the tests of docs/testing.md, unchanged.

    python3 run.py [NAME…]
    python3 run.py --installed [NAME…]

With --installed, the packages of `dist/` are installed into empty environments, and nothing else of
this repository is used; without, those that `realm/stage.mjs` has put into `target/`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dist.targets import TARGETS, host
from driver.installed import copy_packages
from driver.programs import DEBUG, ROOT
from driver.report import report
from testing import page
from testing.installed import PACKAGES

DIST = ROOT / "dist"
LIMIT_SECONDS = 600


class Failed(Exception):
    """A command has failed; the message is its output."""


@dataclass(frozen=True)
class Place:
    """Where the packages are: a Python, a folder with node_modules, and what else is needed."""

    python: Path
    node: Path
    environment: Mapping[str, str]

    def run(self, *command: str | Path, cwd: Path) -> str:
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        if done.returncode:
            raise Failed(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
        return done.stdout

    @contextlib.contextmanager
    def room(self, *titles: str, **more: str) -> Iterator[Path]:
        """A folder with the files of these sections, below that of node_modules."""
        with tempfile.TemporaryDirectory(dir=self.node) as name:
            room = Path(name)
            for title in titles:
                for file, text in page.files(title).items():
                    (room / file).write_text(text)
            for file, text in more.items():
                (room / file.replace("__", ".")).write_text(text)
            yield room


@contextlib.contextmanager
def checkout() -> Iterator[Place]:
    PACKAGES.install()
    staged = ROOT / "target" / "realm"
    copy_packages(staged / "node" / "node_modules", PACKAGES.modules)
    paths = [str(staged / "python"), str(ROOT / "target" / "python")]
    environment = {
        "PYTHONPATH": os.pathsep.join(paths),
        "PATH": os.pathsep.join([str(DEBUG), os.environ["PATH"]]),
    }
    yield Place(PACKAGES.python, PACKAGES.folder, environment)


def only(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"dist/ has {len(found)} files {pattern}, expected one; run `make dist`")
    return found[0]


@contextlib.contextmanager
def installed() -> Iterator[Place]:
    target = TARGETS[host()]
    wheels = [
        only(f"{name}-*{target.wheel}.whl") for name in ("sipgate_oauth2", "sipgate_oauth2_realm")
    ]
    starts = ("sipgate-oauth2", "sipgate-oauth2-realm")
    tarballs = [only(f"{start}-[0-9]*.tgz") for start in starts]
    tarballs += [only(f"{start}-{target.npm}-*.tgz") for start in starts]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        python = str(scripts / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pypi = [f"{package}=={version}" for package, version in PACKAGES.pypi.items()]
        subprocess.run([*pip, *wheels, *pypi], check=True, timeout=LIMIT_SECONDS)
        (folder / "package.json").write_text('{ "private": true }\n')
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        packages = [f"{package}@{version}" for package, version in PACKAGES.npm.items()]
        subprocess.run([*npm, *tarballs, *packages], check=True, cwd=folder, timeout=LIMIT_SECONDS)
        path = os.pathsep.join([str(scripts), os.environ["PATH"]])
        yield Place(scripts / "python", folder, {"PATH": path})


def python_module(place: Place) -> None:
    tests = ROOT / "realm" / "python" / "tests"
    with place.room() as room:
        shutil.copytree(tests, room / "tests")
        place.run(place.python, "-m", "pytest", "-q", "tests", cwd=room)


def node_module(place: Place) -> None:
    tests = sorted((ROOT / "realm" / "node" / "test").glob("*.test.mjs"))
    place.run("node", "--test", *tests, cwd=ROOT)


def pytest(place: Place) -> None:
    sections = ("pytest", "An account without a server", "Errors that a test makes")
    with place.room(*sections, app__py=page.application()) as room:
        said = place.run(place.python, "-m", "pytest", "-q", ".", cwd=room)
        expect(said, "10 passed")
        said = place.run(place.python, "-m", "pytest", "-q", "-n", "2", ".", cwd=room)
        expect(said, "10 passed")


def node_test(place: Place) -> None:
    with place.room("node:test", "Errors that a test makes") as room:
        expect(place.run("node", "--test", "--test-reporter=tap", cwd=room), "# pass 6\n")


def vitest(place: Place) -> None:
    program = place.node / "node_modules" / "vitest" / "vitest.mjs"
    with place.room("Vitest") as room:
        expect(place.run("node", program, "run", "--no-color", cwd=room), "1 passed")


def jest(place: Place) -> None:
    program = place.node / "node_modules" / "jest" / "bin" / "jest.js"
    with place.room("Jest", package__json="{}") as room:
        expect(place.run("node", program, cwd=room), "1 passed")


def rust(place: Place) -> None:
    test = ("cargo", "test", "--package", "testing-example")
    expect(place.run("sipgate-oauth2-realm", "--", *test, cwd=ROOT), "1 passed")


def c(place: Place) -> None:
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    library: list[str | Path] = [DEBUG / "libsipgate_oauth2.so", f"-Wl,-rpath,{DEBUG}"]
    with place.room("C") as room:
        include = f"-I{ROOT / 'include'}"
        place.run("cc", *flags, include, "test_login.c", "-o", "test_login", *library, cwd=room)
        place.run("sipgate-oauth2-realm", "--", "./test_login", cwd=room)


def command(place: Place) -> None:
    """The command that both packages install."""
    node_command = place.node / "node_modules" / ".bin" / "sipgate-oauth2-realm"
    for program in ("sipgate-oauth2-realm", node_command):
        expect(place.run(program, "--", "env", cwd=place.node), "SIPGATE_STORE=memory")


def expect(said: str, part: str) -> None:
    if part not in said:
        raise Failed(f"expected {part.strip()!r} in:\n{said}")


EVERYWHERE = {"pytest": pytest, "node:test": node_test, "vitest": vitest, "jest": jest}
IN_CHECKOUT = {
    "python module": python_module,
    "node module": node_module,
    **EVERYWHERE,
    "rust": rust,
    "c": c,
}
IN_PACKAGES = {"python module": python_module, "command": command, **EVERYWHERE}


def problem_of(job: Callable[[Place], None], place: Place) -> str | None:
    try:
        job(place)
    except (Failed, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installed", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if page.unnamed():
        raise SystemExit(
            f"{page.unnamed()} blocks of {page.PAGE.name} name no file, and do not run"
        )
    known = IN_PACKAGES if options.installed else IN_CHECKOUT
    for name in options.names:
        if name not in known:
            raise SystemExit(f"there is no {name}; there are {', '.join(known)}")
    # The installed package must be used, not the checkout.
    os.environ.pop("PYTHONPATH", None)
    selected = options.names or list(known)
    with installed() if options.installed else checkout() as place:
        return report(((name, problem_of(known[name], place)) for name in selected), width=14)


if __name__ == "__main__":
    sys.exit(main())
