"""The tools, installed once into `.cache`, and the library, installed as from a registry."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from driver.installed import CannotInstall, Packages
from driver.programs import ROOT

PACK = ROOT / "bindings-node" / "pack.mjs"

# Those of `make test-bundlers`.
BUNDLERS = Packages(
    "bundlers",
    npm={
        "@arethetypeswrong/cli": "0.18.5",
        "@rollup/plugin-commonjs": "29.0.3",
        "@rollup/plugin-node-resolve": "16.0.3",
        "@vercel/nft": "1.11.5",
        "esbuild": "0.28.2",
        "node-loader": "2.1.0",
        "publint": "0.3.25",
        "rollup": "4.68.8",
        "webpack": "5.113.0",
        "webpack-cli": "7.3.1",
    },
)

# Large ones, which `make bundlers` uses as well.
NEXT = Packages("bundlers_next", npm={"next": "16.4.6", "react": "19.3.1", "react-dom": "19.3.1"})
PYINSTALLER = Packages("bundlers_pyinstaller", pypi={"pyinstaller": "6.22.3"})
NODE_VERSIONS: Mapping[str, str] = {
    "node-20": "20.20.2",
    "node-22": "22.23.5",
    "node-24": "24.22.3",
    "node-26": "26.12.1",
}
BUN_VERSION = "1.4.5"
DENO_VERSION = "2.9.6"


def install_runtimes() -> tuple[Path, Mapping[str, Path]]:
    """Returns their folder, and their programs by name."""
    cpu = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or cpu is None:
        raise CannotInstall("the runtimes are installed on Linux with glibc only")
    bun = f"@oven/bun-linux-{'aarch64' if cpu == 'arm64' else cpu}"
    deno = f"@deno/linux-{cpu}-glibc"
    nodes = {name: f"npm:node-linux-{cpu}@{version}" for name, version in NODE_VERSIONS.items()}
    versions = {**nodes, bun: BUN_VERSION, deno: DENO_VERSION}
    packages = Packages("bundlers_runtimes", npm=versions)
    packages.install()
    programs = {name: packages.modules / name / "bin" / "node" for name in nodes}
    programs["bun"] = packages.modules / bun / "bin" / "bun"
    programs["deno"] = packages.modules / deno / "deno"
    return packages.folder, programs


def install_library(project: Path) -> tuple[Path, Path]:
    """Packs both packages and installs them into an empty project, without a registry.

    Returns the tarballs: of the package itself, and of the one for this platform.
    """
    shutil.rmtree(project, ignore_errors=True)
    tarballs = project / "tarballs"
    tarballs.mkdir(parents=True)
    for what in (["main"], ["here", "debug"]):
        subprocess.run(["node", PACK, *what, tarballs], check=True, capture_output=True)
    [main], [native] = (
        tarballs.glob("sipgate-oauth2-[0-9]*"),
        tarballs.glob("sipgate-oauth2-[a-z]*"),
    )
    (project / "package.json").write_text('{ "private": true }\n')
    install = ["npm", "install", "--silent", "--offline", "--no-audit", "--no-fund"]
    subprocess.run([*install, main, native], cwd=project, check=True)
    return main, native
