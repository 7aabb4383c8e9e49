"""Builds what users install, optimized, into dist/.

    python3 build.py [TARGET…]

For each target: a wheel, an npm package and an archive of the C tree; a wheel and an npm package of
the local realm. For all of them: npm's main packages, which are JavaScript, an sdist, the crates.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dist import notices, wheel, windows
from dist.commands import output, run
from dist.targets import Target, chosen, version
from driver import standard_library, zig
from driver.installed import Missing
from driver.programs import ROOT

DIST = ROOT / "dist"


def compiler() -> Path:
    """The folder of zig."""
    return Path(output(zig.PROGRAMS / "python", "-c", "import ziglang; print(*ziglang.__path__)"))


def environment() -> dict[str, str]:
    """One date in every archive: that of the commit."""
    return {
        **os.environ,
        "CARGO_INCREMENTAL": "0",
        "CARGO_TARGET_DIR": str(ROOT / "target"),
        "SOURCE_DATE_EPOCH": output("git", "log", "-1", "--format=%ct"),
    }


def environment_for(target: Target) -> dict[str, str]:
    """With the target's compiler and standard library, and no path of this machine in a library."""
    told = environment()
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    flags = [
        f"--remap-path-prefix={home / 'registry' / 'src'}=registry",
        f"--remap-path-prefix={ROOT}=sipgate-oauth2",
    ]
    if target.musl:
        # A library for Python and Node.js uses the C library of its process.
        flags += ["-C", "target-feature=-crt-static"]
    # Neither tables for elliptic curves nor what AVX-512 is needed for (decision 43).
    told["AWS_LC_SYS_SMALL"] = "1"
    if target.linux:
        told |= zig.environment()
        # zig would add debug information, and a static library keeps it. Nothing unwinds through C.
        c_flags = "-g0 -fno-asynchronous-unwind-tables"
        told[f"CFLAGS_{target.triple.replace('-', '_')}"] = c_flags
    if target.triple.endswith("windows-gnu") and os.name != "nt":
        told |= windows.environment()
    compiled = standard_library.environment(target.triple, told["PATH"])
    if compiled:
        told |= compiled
        source = standard_library.DEBIANS_SOURCE.parent
        flags.append(f"--remap-path-prefix={source}=rust")
    told["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(flags)
    return told


def build(target: Target) -> None:
    told = environment_for(target)
    c_compiler = [compiler()] if target.linux else []
    run(sys.executable, "tests/dist/notices.py", target.triple, *c_compiler, environment=told)
    cargo = ["cargo-zigbuild", "zigbuild"] if target.linux else ["cargo", "build"]
    # In one call, so that what they share is compiled once.
    packages = [part for library in notices.LIBRARIES for part in ("--package", library)]
    options = ["--release", "--locked", "--target", target.for_zig, *packages]
    run(*cargo, *options, environment=told)
    # In another call, so that the libraries have no features that only the realm asks for.
    options = ["--release", "--locked", "--target", target.for_zig, "--package", notices.REALM]
    run(*cargo, *options, environment=told)

    built = ROOT / "target" / target.triple / "release"
    date = int(told["SOURCE_DATE_EPOCH"])
    wheel.of_library(target, built / target.library("_native"), DIST).write(DIST, date)
    addon = built / target.library("sipgate_oauth2_node")
    run("node", "bindings-node/pack.mjs", target.npm, addon, DIST, notices.NOTICES)
    c_tree(target, date)
    realm = built / target.program(notices.REALM)
    wheel.of_realm(target, realm).write(DIST, date)
    run("node", "realm/node/pack.mjs", target.npm, realm, DIST, notices.REALM_NOTICES)


def c_tree(target: Target, date: int) -> None:
    tree = ROOT / "target" / "c-tree" / f"sipgate-oauth2-c-{version()}-{target.triple}"
    shutil.rmtree(tree, ignore_errors=True)
    run("bash", "bindings-c/install.sh", tree, "release", target.triple)
    for notice in sorted(notices.NOTICES.iterdir()):
        shutil.copy(notice, tree / "share" / "doc" / "sipgate_oauth2")
    archive(tree, DIST / f"{tree.name}.tar.gz", date)


def archive(tree: Path, to: Path, date: int) -> None:
    """The same bytes for the same tree, wherever and whenever it is packed."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = date
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with (
        to.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        archive.add(tree, tree.name, filter=plain)


def sources() -> None:
    told = environment()
    sdist = ("sdist", "--manifest-path", "bindings-python/Cargo.toml", "--out", DIST)
    run(zig.PROGRAMS / "maturin", *sdist, environment=told)
    run("node", "bindings-node/pack.mjs", "main", DIST)
    run("node", "realm/node/pack.mjs", "main", DIST)
    names = ("sipgate-oauth2-protocol", "sipgate-oauth2", "sipgate-oauth2-cli", notices.REALM)
    crates = [part for name in names for part in ("--package", name)]
    run("cargo", "package", "--locked", "--no-verify", "--allow-dirty", *crates, environment=told)
    for crate in (ROOT / "target" / "package").glob(f"*-{version()}.crate"):
        shutil.copy(crate, DIST)


def main() -> int:
    targets = chosen(sys.argv[1:])
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    sources()
    for target in targets:
        try:
            build(target)
        except Missing as missing:
            raise SystemExit(f"{target.triple}: needs {missing}") from missing
    for path in sorted(DIST.iterdir()):
        print(f"{path.stat().st_size:>10} {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
