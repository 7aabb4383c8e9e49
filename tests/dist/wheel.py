"""Packs a wheel around the library that cargo built.

maturin would do that, but only after its own call of cargo for one package, whose selection of
features compiles most of the dependencies once more. The metadata is what maturin wrote into the
sdist.
"""

from __future__ import annotations

import base64
import hashlib
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from dist.archives import read, tracked
from dist.notices import NOTICES
from dist.targets import Target, version
from driver.programs import ROOT

PACKAGE = "bindings-python/python"


def write(target: Target, library: Path, dist: Path, date: int) -> None:
    info = f"sipgate_oauth2-{version()}.dist-info"
    files = {
        **{name: (ROOT / PACKAGE / name).read_bytes() for name in tracked(PACKAGE)},
        f"sipgate_oauth2/{'_native.pyd' if target.windows else '_native.abi3.so'}": (
            library.read_bytes()
        ),
        f"{info}/METADATA": metadata(dist),
        f"{info}/WHEEL": tags(target),
        f"{info}/sboms/sbom.cdx.json": (NOTICES / "sbom.cdx.json").read_bytes(),
    }
    for licence in (*ROOT.glob("LICENSE-*"), *NOTICES.glob("*.txt")):
        files[f"{info}/licenses/{licence.name}"] = licence.read_bytes()
    files[f"{info}/RECORD"] = record(files, f"{info}/RECORD")

    to = dist / f"sipgate_oauth2-{version()}-cp310-abi3-{target.wheel}.whl"
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, time.gmtime(date)[:6])
            entry.create_system = 3
            entry.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED)


def metadata(dist: Path) -> bytes:
    written = read(dist / f"sipgate_oauth2-{version()}.tar.gz").files["PKG-INFO"]
    before, field, after = written.partition(b"License-File: ")
    if not field:
        raise SystemExit("the metadata of the sdist names no licence")
    return before + b"License-File: THIRD-PARTY-LICENSES.txt\n" + field + after


def tags(target: Target) -> bytes:
    lines = [
        "Wheel-Version: 1.0",
        f"Generator: sipgate-oauth2 ({version()})",
        "Root-Is-Purelib: false",
        *(f"Tag: cp310-abi3-{platform}" for platform in target.wheel.split(".")),
    ]
    return ("\n".join(lines) + "\n").encode()


def record(files: Mapping[str, bytes], own: str) -> bytes:
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return ("\n".join([*lines, f"{own},,"]) + "\n").encode()
