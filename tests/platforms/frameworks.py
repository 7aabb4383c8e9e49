"""Apple's frameworks as a linker sees them: their names, and those of their functions.

Apple licenses its SDK for Macs only. In its place there is one `.tbd` file a framework, which is
the text form of a library without code. It has the functions and constants that the crate of its
bindings declares. So what neither a crate declares nor the C library of zig has does not link.
Whether macOS has what a crate declares, only macOS can tell.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from driver.programs import ROOT
from platforms.tools import folder

# With the crates that declare what they have.
CRATES = {
    "CoreFoundation": "core-foundation-sys",
    "Security": "security-framework-sys",
}
# A declaration, or what a macro makes one of: `Algorithm => kSecKeyAlgorithm,`.
DECLARED = re.compile(r"(?:\bpub (?:fn|static(?: mut)?)|=>) (\w+)")
STUB = """\
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '{install_name}'
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ {symbols} ]
...
"""


def install_name(framework: str) -> str:
    return f"/System/Library/Frameworks/{framework}.framework/Versions/A/{framework}"


def sdk() -> Path:
    """Writes the stubs, and returns the folder that stands for the SDK."""
    root = folder("macos-sdk")
    # zig warns if there is none.
    (root / "usr" / "lib").mkdir(parents=True, exist_ok=True)
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    packages = json.loads(said)["packages"]
    for framework, crate in CRATES.items():
        sources = [
            source
            for package in packages
            if package["name"] == crate
            for source in Path(package["manifest_path"]).parent.glob("src/**/*.rs")
        ]
        names = {name for source in sources for name in DECLARED.findall(source.read_text())}
        stub = root / f"System/Library/Frameworks/{framework}.framework/{framework}.tbd"
        stub.parent.mkdir(parents=True, exist_ok=True)
        symbols = ", ".join(f"_{name}" for name in sorted(names))
        stub.write_text(STUB.format(install_name=install_name(framework), symbols=symbols))
    return root
