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
from dist import guests, old_glibc
from dist.targets import TARGETS, host
from driver import zig
from driver.local_realm import running_local_realm
from driver.main_job import Server, run_main_job
from driver.programs import REALM_PROGRAM, ROOT

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MUSL = "x86_64-unknown-linux-musl"
ARM64 = "aarch64-unknown-linux-gnu"
WINDOWS = "x86_64-pc-windows-gnu"
# What npm calls a C library.
NPM_LIBC = {"gnu": "glibc", "musl": "musl"}

DIST = ROOT / "dist"
EXAMPLES = ROOT / "examples"

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")

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
    job = node_on(["node"], host(), room)
    check("npx", "--offline", "sipgate-oauth2", "--version", cwd=room)
    return job


def node_on(program: Sequence[str], target: str, room: Path) -> Sequence[str]:
    """With a Node.js of that target, which npm need not be run by."""
    (room / "package.json").write_text('{ "private": true }\n')
    platform = TARGETS[target].npm
    tarballs = [only("sipgate-oauth2-[0-9]*.tgz"), only(f"sipgate-oauth2-{platform}-*.tgz")]
    system, cpu, *libc = platform.split("-")
    kind = [f"--os={system}", f"--cpu={cpu}", *(f"--libc={NPM_LIBC[name]}" for name in libc)]
    check("npm", "install", "--silent", "--offline", "--no-audit", *kind, *tarballs, cwd=room)
    same = "import('sipgate-oauth2').then((m) => console.log(m.Client === require('sipgate-oauth2').Client))"
    if check(*program, "--eval", same, cwd=room).strip() != "true":
        raise SystemExit("import and require return different classes")
    shutil.copy(EXAMPLES / "node" / "main_job.mjs", room)
    return [*program, "main_job.mjs"]


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
    source = EXAMPLES / "c" / "main_job.c"
    check(*compiler, *WARNINGS, source, "-o", "main_job", *flags, cwd=room)
    return ["env", f"LD_LIBRARY_PATH={tree / 'lib'}", "./main_job"]


def sdist(room: Path) -> Sequence[str]:
    return installed(sys.executable, only("sipgate_oauth2-*.tar.gz"), room)


def node_on_old_glibc(room: Path) -> Sequence[str]:
    return node_on([*old_glibc.loader(), str(old_glibc.node(room))], host(), room)


def node_on_musl(room: Path) -> Sequence[str]:
    return node_on(guests.musl_node(sys.executable, room), MUSL, room)


def node_on_arm64(room: Path) -> Sequence[str]:
    return node_on(guests.arm64_node(room), ARM64, room)


def python_on_arm64(room: Path) -> Sequence[str]:
    job = installed_for(ARM64, room)
    return ["env", "PYTHONPATH=packages", *guests.arm64_python(), job]


def python_on_windows(room: Path) -> Sequence[str]:
    job = installed_for(WINDOWS, room)
    return [*guests.windows_python(sys.executable, room), job]


def installed_for(target: str, room: Path) -> str:
    """Into a folder, by a pip that is told of another machine."""
    platform = TARGETS[target].wheel.split(".")[0]
    kind = ["--platform", platform, "--python-version", "3.11", "--only-binary=:all:", "--no-index"]
    package = only(f"*{TARGETS[target].wheel}.whl")
    pip = (sys.executable, "-m", "pip", "install", "--quiet")
    check(*pip, *kind, "--target", "packages", package, cwd=room)
    shutil.copy(EXAMPLES / "python" / "main_job.py", room)
    return "main_job.py"


def c_on_arm64(room: Path) -> Sequence[str]:
    start, _ = guests.arm64()
    python = str(zig.PROGRAMS / "python")
    compiler = (python, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu.2.17")
    *_, job = compiled(room, ARM64, compiler=compiler)
    return [*start, "-E", f"LD_LIBRARY_PATH={room / 'a moved tree' / 'lib'}", job]


def c_on_old_glibc(room: Path) -> Sequence[str]:
    python = str(zig.PROGRAMS / "python")
    compiler = (python, "-m", "ziglang", "cc", "-target", "x86_64-linux-gnu.2.17")
    *_, job = compiled(room, host(), compiler=compiler)
    return [*old_glibc.loader(room / "a moved tree" / "lib"), job]


def c_on_windows(room: Path) -> Sequence[str]:
    """As a user of mingw links it: by its import library, with the DLL beside the program."""
    with tarfile.open(only(f"sipgate-oauth2-c-*-{WINDOWS}.tar.gz")) as archive:
        archive.extractall(room, filter="data")
    tree = next(room.glob("sipgate-oauth2-c-*"))
    source = EXAMPLES / "c" / "main_job.c"
    compiler = ("x86_64-w64-mingw32-gcc", *WARNINGS, f"-I{tree / 'include'}")
    libraries = (f"-L{tree / 'lib'}", "-lsipgate_oauth2", "-lws2_32")
    check(*compiler, source, "-o", "main_job.exe", *libraries, cwd=room)
    shutil.copy(tree / "bin" / "sipgate_oauth2.dll", room)
    return [*guests.on_wine(), "main_job.exe"]


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
    "node-on-musl": node_on_musl,
    "node-on-arm64": node_on_arm64,
    "python-on-arm64": python_on_arm64,
    "c-on-arm64": c_on_arm64,
    "python-on-windows": python_on_windows,
    "c-on-windows": c_on_windows,
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
