"""Installs each package of `dist/` into an empty environment, and runs the main job there.

    python3 run.py [NAME…]

The wheel is installed with each Python from 3.10 to 3.13 that this machine has. What takes minutes
(compiling the sdist, unpacking an old Debian) is done only if it is named.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo import LOGIN, set_lifespan
from dist import old_glibc
from dist.targets import TARGETS, host
from driver import zig
from driver.local_realm import running_local_realm
from driver.main_job import Server, run_main_job
from driver.programs import REALM_PROGRAM, ROOT

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MUSL = "x86_64-unknown-linux-musl"

DIST = ROOT / "dist"
EXAMPLES = ROOT / "examples"

# Installs a package into a folder, and tells how the main job is started there.
Install = Callable[[Path], Sequence[str]]


def only(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"dist/ has {len(found)} files {pattern}, expected one; run `make dist`")
    return found[0]


def check(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    print(f"         $ {shlex.join(map(str, command))}", flush=True)
    env = None if environment is None else {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


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


def wheel(program: str, room: Path) -> Sequence[str]:
    offline = "--no-index"
    return installed(program, only(f"sipgate_oauth2-*{TARGETS[host()].wheel}*.whl"), room, offline)


def installed(program: str, package: Path, room: Path, *options: str) -> Sequence[str]:
    check(program, "-m", "venv", "venv", cwd=room)
    inside = room / "venv" / "bin" / "python"
    check(inside, "-m", "pip", "install", "--quiet", *options, package, cwd=room)
    check(inside.parent / "sipgate-oauth2", "--version", cwd=room)
    shutil.copy(EXAMPLES / "python" / "main_job.py", room)
    return [str(inside), "main_job.py"]


def node(room: Path) -> Sequence[str]:
    (room / "package.json").write_text('{ "private": true }\n')
    tarballs = [
        only("sipgate-oauth2-[0-9]*.tgz"),
        only(f"sipgate-oauth2-{TARGETS[host()].npm}-*.tgz"),
    ]
    check("npm", "install", "--silent", "--offline", "--no-audit", *tarballs, cwd=room)
    check("npx", "--offline", "sipgate-oauth2", "--version", cwd=room)
    same = "import('sipgate-oauth2').then((m) => console.log(m.Client === require('sipgate-oauth2').Client))"
    if check("node", "--eval", same, cwd=room).strip() != "true":
        raise SystemExit("import and require return different classes")
    shutil.copy(EXAMPLES / "node" / "main_job.mjs", room)
    return ["node", "main_job.mjs"]


def c(room: Path) -> Sequence[str]:
    return compiled(room, host())


def c_static(room: Path) -> Sequence[str]:
    return compiled(room, host(), "--static")


def c_musl(room: Path) -> Sequence[str]:
    """A program that needs nothing of the machine that it runs on."""
    return compiled(room, MUSL, "--static", compiler=("musl-gcc", "-static"))


def compiled(
    room: Path, target: str, *kind: str, compiler: Sequence[str] = ("cc",)
) -> Sequence[str]:
    """Uses only pkg-config's output, for a tree that was moved."""
    with tarfile.open(only(f"sipgate-oauth2-c-*-{target}.tar.gz")) as archive:
        archive.extractall(room, filter="data")
    tree = next(room.glob("sipgate-oauth2-c-*")).rename(room / "a moved tree")
    if kind:
        for shared in tree.glob("lib/*.so*"):
            shared.unlink()
    configured = {"PKG_CONFIG_PATH": str(tree / "lib" / "pkgconfig")}
    asked = ["pkg-config", "--cflags", "--libs", *kind, "sipgate_oauth2"]
    flags = shlex.split(check(*asked, cwd=room, environment=configured))
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    source = EXAMPLES / "c" / "main_job.c"
    check(*compiler, *warnings, source, "-o", "main_job", *flags, cwd=room)
    return ["env", f"LD_LIBRARY_PATH={tree / 'lib'}", "./main_job"]


def sdist(room: Path) -> Sequence[str]:
    return installed(sys.executable, only("sipgate_oauth2-*.tar.gz"), room)


def node_on_old_glibc(room: Path) -> Sequence[str]:
    _, *job = node(room)
    return [*old_glibc.loader(), str(old_glibc.node(room)), *job]


def c_on_old_glibc(room: Path) -> Sequence[str]:
    python = str(zig.PROGRAMS / "python")
    compiler = (python, "-m", "ziglang", "cc", "-target", "x86_64-linux-gnu.2.17")
    *_, job = compiled(room, host(), compiler=compiler)
    return [*old_glibc.loader(room / "a moved tree" / "lib"), job]


def packages() -> dict[str, Install]:
    """What is quick."""
    found: dict[str, Install] = {}
    for version in PYTHONS:
        program = interpreter(version)
        if program is None:
            print(f"python{version}: SKIPPED, this machine has none")
        else:
            found[f"python{version}"] = functools.partial(wheel, program)
    if not found:
        raise SystemExit("the wheel cannot be tested: no Python from 3.10 to 3.13 was found")
    found |= {"node": node, "c": c, "c-static": c_static}
    if list(DIST.glob(f"sipgate-oauth2-c-*-{MUSL}.tar.gz")):
        found["c-musl"] = c_musl
    return found


IF_NAMED: Mapping[str, Install] = {
    "sdist": sdist,
    "node-on-old-glibc": node_on_old_glibc,
    "c-on-old-glibc": c_on_old_glibc,
}


def main(names: Sequence[str]) -> int:
    # The installed package must be used, not the checkout.
    os.environ.pop("PYTHONPATH", None)
    failed = 0
    selected = {name: IF_NAMED[name] for name in names} or packages()
    for name, install in selected.items():
        with tempfile.TemporaryDirectory() as room, running_local_realm(REALM_PROGRAM) as realm:
            set_lifespan(realm)
            command = install(Path(room))
            server = Server(realm.base, "third-party", realm.api_url)
            outcome = run_main_job(name, command, server, LOGIN, cwd=room)
        failed += not outcome.succeeded
        print(f"{name:>10} | {outcome.problem or 'ok'}\n", flush=True)
    print(f"{len(selected) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
