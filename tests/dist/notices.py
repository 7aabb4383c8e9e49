"""Writes what a package must say about the code of others that is linked into it.

    python3 notices.py TARGET [ZIG]

target/notices/THIRD-PARTY-LICENSES.txt has the licences, and target/notices/sbom.cdx.json the list
for programs (CycloneDX). Both are about all three libraries, for Python, Node.js and C: each links
nearly all of it. target/realm-notices has the same for the local realm. ZIG is the folder of the
compiler, if that linked them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dist.commands import output
from dist.targets import version as own_version
from driver.programs import ROOT

NOTICES = ROOT / "target" / "notices"
LIBRARIES = ("sipgate-oauth2-python", "sipgate-oauth2-node", "sipgate-oauth2-c-library")
REALM_NOTICES = ROOT / "target" / "realm-notices"
REALM = "sipgate-oauth2-realm"

LICENCE_FILES = re.compile(r"(un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)
# Also those of C sources within a crate.
PLACES = ("*", "*/*", "*/*/*")

# They name the licence MIT, and their packages hold no file of it.
WITHOUT_A_FILE = {"napi": "the authors of napi-rs", "napi-sys": "the authors of napi-rs"}

INTRODUCTION = """\
sipgate-oauth2 is under MIT or Apache-2.0, at your option. These are the licences of what is linked
into {product}.
Where a package may be used under several licences, this is MIT.
"""


@dataclass(frozen=True)
class Component:
    name: str
    version: str
    licence: str
    url: str
    texts: Sequence[str]
    # Of a crate, with the checksum of Cargo.lock.
    package_url: str | None = None
    sha256: str | None = None


def mit(holder: str) -> str:
    text = (ROOT / "LICENSE-MIT").read_text()
    return re.sub(r"^Copyright.*$", f"Copyright (c) {holder}", text, flags=re.MULTILINE)


def linked_crates(target: str, packages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and version of what cargo links; build scripts and macros are not."""
    selected = [part for name in packages for part in ("--package", name)]
    kinds = ("--edges", "normal,no-proc-macro", "--no-dedupe", "--prefix", "none")
    tree = output("cargo", "tree", "--locked", "--target", target, *selected, *kinds)
    for line in sorted({line for line in tree.splitlines() if line}):
        name, version = line.split()[:2]
        if not name.startswith("sipgate-oauth2"):
            yield name, version.removeprefix("v")


def texts_of(package: Mapping[str, Any]) -> Sequence[str]:
    if package["name"] in WITHOUT_A_FILE:
        return [mit(WITHOUT_A_FILE[package["name"]])]
    folder = Path(package["manifest_path"]).parent
    files = sorted(
        path
        for place in PLACES
        for path in folder.glob(place)
        if path.is_file()
        and path.suffix not in {".rs", ".c", ".h"}
        and LICENCE_FILES.match(path.name)
    )
    if not files:
        raise SystemExit(f"{package['name']} {package['version']} holds no licence")
    under_mit = [path for path in files if "mit" in path.name.lower()]
    if under_mit and " AND " not in package["license"]:
        files = under_mit
    return [path.read_text().strip() + "\n" for path in files]


def crates(target: str, packages: Sequence[str]) -> Iterator[Component]:
    asked = ("--format-version", "1", "--locked", "--filter-platform", target)
    known = {
        (package["name"], package["version"]): package
        for package in json.loads(output("cargo", "metadata", *asked))["packages"]
    }
    locked = (ROOT / "Cargo.lock").read_text()
    for name, version in linked_crates(target, packages):
        package = known[name, version]
        entry = f'name = "{name}"\nversion = "{version}"\n'
        checksum = re.search(re.escape(entry) + r'source = .*\nchecksum = "(\w+)"', locked)
        yield Component(
            name,
            version,
            # As it was written before SPDX had expressions.
            package["license"].replace("/", " OR "),
            package["repository"] or "",
            texts_of(package),
            f"pkg:cargo/{name}@{version}",
            checksum[1] if checksum else None,
        )
        if name == "libsqlite3-sys":
            source = (Path(package["manifest_path"]).parent / "sqlite3" / "sqlite3.h").read_text()
            sqlite = re.search(r'#define SQLITE_VERSION\s+"([\d.]+)"', source)
            if not sqlite:
                raise SystemExit("SQLite's source does not name its version")
            dedicated = ["SQLite is in the public domain: https://sqlite.org/copyright.html\n"]
            url = "https://sqlite.org"
            yield Component("SQLite", sqlite[1], "blessing", url, dedicated)


def runtimes(zig: Path | None) -> Iterator[Component]:
    """What the compilers add."""
    version = output("rustc", "--version").split()[1]
    developers = mit("The Rust Project Developers (see https://thanks.rust-lang.org)")
    url = "https://www.rust-lang.org"
    yield Component("Rust standard library", version, "MIT OR Apache-2.0", url, [developers])
    if zig is None:
        return
    version = output(zig / "zig", "version").strip()
    own = (zig / "LICENSE").read_text()
    yield Component("Zig compiler runtime", version, "MIT", "https://ziglang.org", [own])
    unwinder = (zig / "lib" / "libunwind" / "LICENSE.TXT").read_text()
    licence = "Apache-2.0 WITH LLVM-exception"
    yield Component("LLVM libunwind", version, licence, "https://llvm.org", [unwinder])


def licences(product: str, components: Sequence[Component]) -> str:
    """The components, then each text once with the names of those that have it."""
    listed = [f"{c.name} {c.version}: {c.licence}\n    {c.url}".rstrip() + "\n" for c in components]
    owners: dict[str, list[str]] = {}
    shown: dict[str, str] = {}
    for component in components:
        for text in component.texts:
            words = " ".join(text.split())
            shown.setdefault(words, text)
            names = owners.setdefault(words, [])
            if component.name not in names:
                names.append(component.name)
    line = "-" * 80 + "\n"
    texts = [f"{line}{', '.join(names)}\n{line}\n{shown[words]}" for words, names in owners.items()]
    return "\n".join([INTRODUCTION.format(product=product), "".join(listed), *texts])


def bill_of_materials(product: str, components: Sequence[Component]) -> str:
    own = Component(product, own_version(), "MIT OR Apache-2.0", "", [])
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": entry(own)},
        "components": [entry(component) for component in components],
    }
    return json.dumps(bill, indent=1) + "\n"


def entry(component: Component) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": component.package_url or f"{component.name}@{component.version}",
        "name": component.name,
        "version": component.version,
        "licenses": [{"expression": component.licence}],
    }
    if component.sha256:
        made["hashes"] = [{"alg": "SHA-256", "content": component.sha256}]
    if component.package_url:
        made["purl"] = component.package_url
    if component.url:
        made["externalReferences"] = [{"type": "website", "url": component.url}]
    return made


def write(target: str, zig: Path | None) -> None:
    what = "its libraries for Python, Node.js and C"
    for folder, product, linked, packages in (
        (NOTICES, "sipgate-oauth2", what, LIBRARIES),
        (REALM_NOTICES, REALM, REALM, (REALM,)),
    ):
        components = [*crates(target, packages), *runtimes(zig)]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "THIRD-PARTY-LICENSES.txt").write_text(licences(linked, components))
        (folder / "sbom.cdx.json").write_text(bill_of_materials(product, components))


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None)
