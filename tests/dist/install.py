"""Installs packages of `dist/` into a folder as their users do."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dist.targets import TARGETS, host
from driver.programs import ROOT

DIST = ROOT / "dist"
EXAMPLES = ROOT / "examples"

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")

# What npm calls a C library.
NPM_LIBC = {"gnu": "glibc", "musl": "musl"}

# Installs a package into a folder, and tells how the main job is started there.
Install = Callable[[Path], Sequence[str]]


class CannotBeUsed(Exception):
    """A package is not there, or cannot be installed; the message says why."""


def only(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        raise CannotBeUsed(f"dist/ has {len(found)} files {pattern}, expected one; run `make dist`")
    return found[0]


def check(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    print(f"         $ {shlex.join(map(str, command))}", flush=True)
    env = None if environment is None else {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=env, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise CannotBeUsed(f"{command[0]}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def wheel(program: str, package: Path, room: Path, *options: str) -> Sequence[str]:
    """Into a new environment of this Python."""
    check(program, "-m", "venv", "venv", cwd=room)
    inside = room / "venv" / "bin" / "python"
    check(inside, "-m", "pip", "install", "--quiet", *options, package, cwd=room)
    check(inside.parent / "sipgate-oauth2", "--version", cwd=room)
    shutil.copy(EXAMPLES / "python" / "main_job.py", room)
    return [str(inside), "main_job.py"]


def host_wheel(program: str, room: Path) -> Sequence[str]:
    package = only(f"sipgate_oauth2-*{TARGETS[host()].wheel}*.whl")
    return wheel(program, package, room, "--no-index")


def wheel_for(target: str, start: Sequence[str], room: Path) -> Sequence[str]:
    """Into the folder `packages`, by a pip that is told of another machine."""
    platform = TARGETS[target].wheel.split(".")[0]
    kind = ["--platform", platform, "--python-version", "3.11", "--only-binary=:all:", "--no-index"]
    package = only(f"sipgate_oauth2-*{TARGETS[target].wheel}.whl")
    pip = (sys.executable, "-m", "pip", "install", "--quiet")
    check(*pip, *kind, "--target", "packages", package, cwd=room)
    shutil.copy(EXAMPLES / "python" / "main_job.py", room)
    return ["env", "PYTHONPATH=packages", *start, "main_job.py"]


def node(target: str, start: Sequence[str], room: Path) -> Sequence[str]:
    """For a Node.js of that target, which npm need not be run by."""
    (room / "package.json").write_text('{ "private": true }\n')
    platform = TARGETS[target].npm
    tarballs = [only("sipgate-oauth2-[0-9]*.tgz"), only(f"sipgate-oauth2-{platform}-*.tgz")]
    system, cpu, *libc = platform.split("-")
    kind = [f"--os={system}", f"--cpu={cpu}", *(f"--libc={NPM_LIBC[name]}" for name in libc)]
    if target != host():
        # A tarball by its path is for this machine, whatever is said of another.
        kind.append("--force")
    check("npm", "install", "--silent", "--offline", "--no-audit", *kind, *tarballs, cwd=room)
    same = "import('sipgate-oauth2').then((m) => console.log(m.Client === require('sipgate-oauth2').Client))"
    if check(*start, "--eval", same, cwd=room).strip() != "true":
        raise CannotBeUsed("import and require return different classes")
    shutil.copy(EXAMPLES / "node" / "main_job.mjs", room)
    return [*start, "main_job.mjs"]


def c_tree(target: str, room: Path) -> Path:
    """Unpacked, and moved."""
    with tarfile.open(only(f"sipgate-oauth2-c-*-{target}.tar.gz")) as archive:
        archive.extractall(room, filter="data")
    return next(room.glob("sipgate-oauth2-c-*")).rename(room / "a moved tree")


def c(target: str, compiler: Sequence[str], room: Path, *kind: str) -> Sequence[str]:
    """Uses only pkg-config's output."""
    tree = c_tree(target, room)
    if kind:
        for shared in tree.glob("lib/*.so*"):
            shared.unlink()
    configured = {"PKG_CONFIG_PATH": str(tree / "lib" / "pkgconfig")}
    asked = ["pkg-config", "--cflags", "--libs", *kind, "sipgate_oauth2"]
    flags = shlex.split(check(*asked, cwd=room, environment=configured))
    source = EXAMPLES / "c" / "main_job.c"
    check(*compiler, *WARNINGS, source, "-o", "main_job", *flags, cwd=room)
    return ["env", f"LD_LIBRARY_PATH={tree / 'lib'}", "./main_job"]
