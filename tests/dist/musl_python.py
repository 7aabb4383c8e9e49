"""CPython for musl, compiled from the sources that Debian has: no registry has one."""

from __future__ import annotations

import os
import shlex
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from dist.commands import run
from driver import debian
from driver.programs import ROOT

PYTHON = ("python3.13", "trixie")
# For ctypes, by which the C library is called. Later releases have no configure.
LIBFFI = ("libffi", "bookworm")
FOLDER = ROOT / ".cache" / "musl-python-3.13"
WRAPPER = """#!/bin/sh
case "$*" in
    *-print-multiarch*) echo x86_64-linux-musl ;;
    *) exec {compiler} "$@" ;;
esac
"""


def program(compiler: Sequence[str]) -> Path:
    if not FOLDER.is_dir():
        new = FOLDER.with_name(f"{FOLDER.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        _compile(compiler, new).rename(FOLDER)
        shutil.rmtree(new)
    return FOLDER / "bin" / "python3"


def _compile(compiler: Sequence[str], folder: Path) -> Path:
    """Returns what is to become `FOLDER`."""
    # musl-gcc says that it compiles for this machine, and configure believes it.
    wrapper = folder / "compiler"
    wrapper.write_text(WRAPPER.format(compiler=shlex.join(compiler)))
    wrapper.chmod(0o755)
    # Without the libraries that pkg-config finds: they are for glibc. And not for this processor.
    told = {**os.environ, "CC": str(wrapper), "CFLAGS": "-O1", "PKG_CONFIG": "false"}

    libffi = folder / "installed-libffi"
    # Without what the headers of Linux are needed for.
    small = ("--disable-shared", "--with-pic", "--disable-exec-static-tramp", "--disable-docs")
    _make(_source(*LIBFFI, folder), told, f"--prefix={libffi}", *small)

    told["LIBFFI_CFLAGS"] = f"-I{libffi / 'include'}"
    told["LIBFFI_LIBS"] = str(next(libffi.glob("lib*/libffi.a")))
    installed = folder / "installed-python"
    options = (f"--prefix={FOLDER}", "--without-ensurepip", "--disable-test-modules")
    _make(_source(*PYTHON, folder), told, *options, into=installed)
    return installed / FOLDER.relative_to("/")


def _source(package: str, release: str, folder: Path) -> Path:
    own = folder / package
    own.mkdir()
    with tarfile.open(debian.source(package, release, own)) as source:
        source.extractall(own, filter="data")
    return next(own.glob("*/configure")).parent


def _make(tree: Path, told: dict[str, str], *options: str, into: Path | None = None) -> None:
    run("./configure", "--quiet", *options, cwd=tree, environment=told)
    run("make", "--quiet", "--jobs=2", cwd=tree, environment=told)
    placed = () if into is None else (f"DESTDIR={into}",)
    run("make", "--quiet", "install", *placed, cwd=tree, environment=told)
