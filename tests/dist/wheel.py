"""Packs wheels around what cargo built.

maturin would do that for the library, but only after its own call of cargo for one package, whose
selection of features compiles most of the dependencies once more. The metadata of the library is
what maturin wrote into the sdist.
"""

from __future__ import annotations

import base64
import hashlib
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dist.archives import read, tracked
from dist.notices import NOTICES, REALM_NOTICES
from dist.targets import Target, version
from driver.programs import ROOT

PACKAGE = "bindings-python/python"
REALM_MODULE = "sipgate_oauth2_realm"
REALM_PACKAGE = f"realm/python/{REALM_MODULE}"
REALM_METADATA = """\
Metadata-Version: 2.4
Name: sipgate-oauth2-realm
Version: {version}
Summary: A local login server for tests: it responds as sipgate's does, and fails on demand
Keywords: sipgate,oauth2,openid-connect,keycloak,testing,pytest
Classifier: Development Status :: 3 - Alpha
Classifier: Framework :: Pytest
Classifier: Intended Audience :: Developers
Classifier: Topic :: Software Development :: Testing
Classifier: Typing :: Typed
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-APACHE
License-File: LICENSE-MIT
License-File: THIRD-PARTY-LICENSES.txt
Requires-Python: >=3.10
Project-URL: Documentation, https://github.com/sipgate-oauth2/sipgate-oauth2/blob/HEAD/docs/testing.md
Project-URL: Repository, https://github.com/sipgate-oauth2/sipgate-oauth2
Description-Content-Type: text/markdown

"""


@dataclass(frozen=True)
class Wheel:
    name: str
    # Python, ABI and platforms.
    tags: str
    files: Mapping[str, bytes]
    metadata: bytes
    # The folder of what must be said about the code of others.
    notices: Path
    entry_points: bytes | None = None

    def write(self, dist: Path, date: int) -> None:
        info = f"{self.name}-{version()}.dist-info"
        files = {
            **self.files,
            f"{info}/METADATA": self.metadata,
            f"{info}/WHEEL": described(self.tags),
            f"{info}/sboms/sbom.cdx.json": (self.notices / "sbom.cdx.json").read_bytes(),
        }
        if self.entry_points:
            files[f"{info}/entry_points.txt"] = self.entry_points
        for licence in (*ROOT.glob("LICENSE-*"), *self.notices.glob("*.txt")):
            files[f"{info}/licenses/{licence.name}"] = licence.read_bytes()
        files[f"{info}/RECORD"] = record(files, f"{info}/RECORD")

        to = dist / f"{self.name}-{version()}-{self.tags}.whl"
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for name, content in files.items():
                entry = zipfile.ZipInfo(name, time.gmtime(date)[:6])
                entry.create_system = 3
                runs = name.endswith(".so") or "/bin/" in name
                entry.external_attr = (0o100755 if runs else 0o100644) << 16
                packed.writestr(entry, content, zipfile.ZIP_DEFLATED)


def of_library(target: Target, library: Path, dist: Path) -> Wheel:
    native = "_native.pyd" if target.windows else "_native.abi3.so"
    files = {
        **{name: (ROOT / PACKAGE / name).read_bytes() for name in tracked(PACKAGE)},
        f"sipgate_oauth2/{native}": library.read_bytes(),
    }
    tags = f"cp310-abi3-{target.wheel}"
    return Wheel("sipgate_oauth2", tags, files, metadata(dist), NOTICES, scripts())


def of_realm(target: Target, program: Path) -> Wheel:
    """Any Python can start the program."""
    folder = ROOT / REALM_PACKAGE
    files = {
        **{
            f"{REALM_MODULE}/{name}": (folder / name).read_bytes()
            for name in tracked(REALM_PACKAGE)
        },
        f"{REALM_MODULE}/bin/{program.name}": program.read_bytes(),
    }
    readme = (folder.parent / "README.md").read_text()
    described = (REALM_METADATA.format(version=version()) + readme).encode()
    entry_points = (folder.parent / "entry_points.txt").read_bytes()
    tags = f"py3-none-{target.wheel}"
    return Wheel(REALM_MODULE, tags, files, described, REALM_NOTICES, entry_points)


def metadata(dist: Path) -> bytes:
    written = read(dist / f"sipgate_oauth2-{version()}.tar.gz").files["PKG-INFO"]
    before, field, after = written.partition(b"License-File: ")
    if not field:
        raise SystemExit("the metadata of the sdist names no licence")
    return before + b"License-File: THIRD-PARTY-LICENSES.txt\n" + field + after


def scripts() -> bytes:
    """The console scripts that pyproject.toml names."""
    text = (ROOT / "bindings-python" / "pyproject.toml").read_text()
    _, table, after = text.partition("[project.scripts]\n")
    if not table:
        raise SystemExit("pyproject.toml names no scripts")
    lines = after.partition("\n\n")[0].replace('"', "")
    return f"[console_scripts]\n{lines.replace(' = ', '=')}\n".encode()


def described(tags: str) -> bytes:
    python, abi, platforms = tags.split("-")
    lines = [
        "Wheel-Version: 1.0",
        f"Generator: sipgate-oauth2 ({version()})",
        "Root-Is-Purelib: false",
        *(f"Tag: {python}-{abi}-{platform}" for platform in platforms.split(".")),
    ]
    return ("\n".join(lines) + "\n").encode()


def record(files: Mapping[str, bytes], own: str) -> bytes:
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return ("\n".join([*lines, f"{own},,"]) + "\n").encode()
