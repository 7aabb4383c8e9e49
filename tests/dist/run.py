"""Installs each package of `dist/` into an empty environment, and runs the main job there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo import LOGIN, set_lifespan
from driver.local_realm import running_local_realm
from driver.main_job import Server, run_main_job
from driver.programs import DEBUG, ROOT

DIST = ROOT / "dist"
EXAMPLES = ROOT / "examples"


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


def python(room: Path) -> Sequence[str]:
    venv.create(room / "venv", with_pip=True)
    program = room / "venv" / "bin" / "python"
    check(program, "-m", "pip", "install", "--quiet", "--no-index", only("*.whl"), cwd=room)
    shutil.copy(EXAMPLES / "python" / "main_job.py", room)
    return [str(program), "main_job.py"]


def node(room: Path) -> Sequence[str]:
    (room / "package.json").write_text('{ "private": true }\n')
    tarballs = [only("sipgate-oauth2-[0-9]*.tgz"), only("sipgate-oauth2-[a-z]*.tgz")]
    check("npm", "install", "--silent", "--offline", "--no-audit", *tarballs, cwd=room)
    same = "import('sipgate-oauth2').then((m) => console.log(m.Client === require('sipgate-oauth2').Client))"
    if check("node", "--eval", same, cwd=room).strip() != "true":
        raise SystemExit("import and require return different classes")
    shutil.copy(EXAMPLES / "node" / "main_job.mjs", room)
    return ["node", "main_job.mjs"]


def c(room: Path) -> Sequence[str]:
    return _c(room)


def c_static(room: Path) -> Sequence[str]:
    return _c(room, "--static")


def _c(room: Path, *kind: str) -> Sequence[str]:
    """Uses only pkg-config's output, for a tree that was moved."""
    tree = room / "a moved tree"
    shutil.copytree(DIST / "c", tree, symlinks=True)
    if kind:
        for shared in tree.glob("lib/*.so*"):
            shared.unlink()
    configured = {"PKG_CONFIG_PATH": str(tree / "lib" / "pkgconfig")}
    asked = ["pkg-config", "--cflags", "--libs", *kind, "sipgate_oauth2"]
    flags = shlex.split(check(*asked, cwd=room, environment=configured))
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    source = EXAMPLES / "c" / "main_job.c"
    check("cc", *warnings, source, "-o", "main_job", *flags, cwd=room)
    return ["env", f"LD_LIBRARY_PATH={tree / 'lib'}", "./main_job"]


PACKAGES: Mapping[str, Callable[[Path], Sequence[str]]] = {
    "python": python,
    "node": node,
    "c": c,
    "c-static": c_static,
}


def main() -> int:
    # The installed package must be used, not the checkout.
    os.environ.pop("PYTHONPATH", None)
    failed = 0
    for name, install in PACKAGES.items():
        with tempfile.TemporaryDirectory() as room, running_local_realm(DEBUG / "realm") as realm:
            set_lifespan(realm)
            command = install(Path(room))
            server = Server(realm.base, "third-party", realm.api_url)
            outcome = run_main_job(name, command, server, LOGIN, cwd=room)
        failed += not outcome.succeeded
        print(f"{name:>8} | {outcome.problem or 'ok'}\n", flush=True)
    print(f"{len(PACKAGES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
