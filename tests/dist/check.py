"""Looks into each archive of dist/: what is in it, its size, what its library asks of a machine.

It is run by the Python of .cache/zig, which has the reader of ELF.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dist.archives import Archive, read, tracked
from dist.targets import TARGETS, Target, version
from driver.programs import ROOT

DIST = ROOT / "dist"
# What is installed today, to notice what makes it larger. Other machines need more instructions for
# the same.
LARGEST = 7_000_000
LARGEST_ELSEWHERE = 9_000_000
ELSEWHERE = re.compile(r"musl|arm64|aarch64|win|macosx|darwin")
# CI links in a fraction of the time, and more than users get: the size says nothing then.
OF_A_RELEASE = not any(name.startswith("CARGO_PROFILE_RELEASE_") for name in os.environ)

# What is compiled: libraries, and the local realm.
NATIVE = re.compile(r"\.(so|node|pyd|dll|dylib)\b|(^|/)sipgate-oauth2-realm(\.exe)?$")

NOTICES = ("LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-LICENSES.txt", "sbom.cdx.json")

# What a library may need beside it: parts of the C library, and nothing of the compiler.
GLIBC = re.compile(r"(libc\.so\.6|lib(m|dl|pthread|rt|util)\.so\.\d|ld-linux[\w-]*\.so\.\d)")
MUSL = re.compile(r"libc(\.musl-\w+)?\.so(\.1)?")

# Where this machine keeps things, as bytes that no archive may hold.
MACHINE = [
    str(path).encode()
    for path in (ROOT, Path.home() / ".cargo", Path.home() / ".rustup", Path("/usr/lib/rustlib"))
] + [os.environ.get("CARGO_HOME", str(ROOT)).encode()]


# What belongs into each archive.


def of_wheel(target: Target) -> set[str]:
    info = f"sipgate_oauth2-{version()}.dist-info"
    library = "_native.pyd" if target.windows else "_native.abi3.so"
    return {
        *tracked("bindings-python/python"),
        f"sipgate_oauth2/{library}",
        *(f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")),
        *(f"{info}/licenses/{name}" for name in NOTICES[:3]),
        f"{info}/sboms/sbom.cdx.json",
    }


def of_realm_wheel(target: Target) -> set[str]:
    info = f"sipgate_oauth2_realm-{version()}.dist-info"
    program = target.program("sipgate-oauth2-realm")
    module = "sipgate_oauth2_realm"
    return {
        *(f"{module}/{name}" for name in tracked(f"realm/python/{module}")),
        f"{module}/bin/{program}",
        *(f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")),
        *(f"{info}/licenses/{name}" for name in NOTICES[:3]),
        f"{info}/sboms/sbom.cdx.json",
    }


def of_main_npm(folder: str) -> set[str]:
    described = json.loads((ROOT / folder / "package.json").read_text())
    own = [
        name
        for name in tracked(folder)
        if any(name == part or name.startswith(f"{part}/") for part in described["files"])
    ]
    return {*own, "package.json", "README.md", *NOTICES[:2]}


def of_npm(target: Target) -> set[str]:
    return {f"sipgate-oauth2.{target.npm}.node", "package.json", "README.md", *NOTICES}


def of_realm_npm(target: Target) -> set[str]:
    return {target.program("sipgate-oauth2-realm"), "package.json", "README.md", *NOTICES}


def of_c_tree(target: Target) -> set[str]:
    minor = version().rpartition(".")[0]
    if target.windows:
        import_library = ".dll.lib" if target.triple.endswith("msvc") else ".dll.a"
        prefix = "" if target.triple.endswith("msvc") else "lib"
        static = ".lib" if target.triple.endswith("msvc") else ".a"
        libraries = {
            "bin/sipgate_oauth2.dll",
            *(f"lib/{prefix}sipgate_oauth2{ending}" for ending in (import_library, static)),
        }
    elif target.linux:
        endings = (".a", ".so", f".so.{minor}", f".so.{version()}")
        libraries = {f"lib/libsipgate_oauth2{ending}" for ending in endings}
    else:
        libraries = {
            f"lib/libsipgate_oauth2{ending}" for ending in (".a", ".dylib", f".{minor}.dylib")
        }
    return {
        "include/sipgate_oauth2.h",
        "lib/pkgconfig/sipgate_oauth2.pc",
        "lib/cmake/sipgate_oauth2/sipgate_oauth2-config.cmake",
        "lib/cmake/sipgate_oauth2/sipgate_oauth2-config-version.cmake",
        *(f"share/doc/sipgate_oauth2/{name}" for name in NOTICES),
        *libraries,
    }


# Of crates that are not the core, by what their names have.
FOLDERS = {"protocol": "core/protocol", "cli": "cli", "realm": "realm"}


def of_crate(folder: str) -> set[str]:
    own = {
        name
        for name in tracked(folder)
        # The protocol is a crate of its own within the core; the packages are around the realm.
        if not name.startswith(("protocol/", "python/", "node/", "stage.mjs"))
    }
    return own | {"Cargo.lock", "Cargo.toml.orig", ".cargo_vcs_info.json"}


def of_sdist() -> set[str]:
    """The Python package, and what its library is compiled from."""
    package = {f"python/{name}" for name in tracked("bindings-python/python")}
    top = {"Cargo.lock", "Cargo.toml", "PKG-INFO", "README.md", "pyproject.toml", *NOTICES[:2]}
    crates = {
        f"{folder}/{name}"
        for folder in ("bindings-memory", "bindings-python", "cli", "core")
        for name in tracked(folder)
        if not name.startswith("python/") and name != "pyproject.toml"
    }
    return {*top, *package, *crates}


def differences(archive: Archive, wanted: set[str]) -> Iterator[str]:
    there = set(archive.files)
    for name in sorted(there - wanted):
        yield f"{name} does not belong there"
    for name in sorted(wanted - there):
        yield f"{name} is missing"


# What holds for all that is linked.


def newest_glibc(library: ELFFile) -> str | None:
    asked = [
        auxiliary.name.removeprefix("GLIBC_")
        for section in library.iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, auxiliaries in section.iter_versions()
        for auxiliary in auxiliaries
        if auxiliary.name.startswith("GLIBC_")
    ]
    return max(asked, key=numbers, default=None)


def numbers(dotted: str) -> tuple[int, ...]:
    return tuple(map(int, dotted.split(".")))


def needed(library: ELFFile) -> list[str]:
    dynamic = library.get_section_by_name(".dynamic")
    assert isinstance(dynamic, DynamicSection)
    return [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]


def elf_problems(name: str, content: bytes, target: Target) -> Iterator[str]:
    library = ELFFile(io.BytesIO(content))
    machine = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}.get(library["e_machine"])
    if machine != target.triple.split("-")[0]:
        yield f"{name} is for {library['e_machine']}"
    allowed = GLIBC if target.glibc else MUSL
    for other in needed(library):
        if not allowed.fullmatch(other):
            yield f"{name} needs {other}"
    newest = newest_glibc(library)
    if newest and (target.glibc is None or numbers(newest) > numbers(target.glibc)):
        yield f"{name} needs glibc {newest}"
    if library.get_section_by_name(".symtab"):
        yield f"{name} is not stripped"


def native_problems(archive: Archive, target: Target) -> Iterator[str]:
    libraries = [name for name in archive.files if NATIVE.search(name)]
    if not libraries:
        yield "there is no library and no program in it"
    for name in libraries:
        content = archive.files[name]
        if target.linux and content:
            yield from elf_problems(name, content, target)
    for notice in NOTICES:
        if not any(name.endswith(notice) and text for name, text in archive.files.items()):
            yield f"{notice} is missing"
    for name, text in archive.files.items():
        if name.endswith(".cdx.json") and len(json.loads(text)["components"]) < 50:
            yield f"{name} does not name what is linked"


def wheel_problems(archive: Archive, target: Target) -> Iterator[str]:
    """What auditwheel finds out from the library must be what the name says. Of musl it knows the
    name in Alpine only; musl takes itself for any `libc.so`, which is what zig links.
    """
    if target.linux and not target.musl:
        auditwheel = Path(sys.executable).with_name("auditwheel")
        command: list[str | Path] = [auditwheel, "show", archive.path]
        shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        if not any(f'"{tag}"' in shown for tag in target.wheel.split(".")):
            yield f"auditwheel says:\n{shown}"


def everywhere_problems(archive: Archive) -> Iterator[str]:
    if version() not in archive.name:
        yield f"its name has not the version {version()}"
    for name, content in archive.files.items():
        for path in MACHINE:
            if path in content:
                yield f"{name} holds the path {path.decode()}"
        stated = {
            "METADATA": rb"^Version: (.*)$",
            "PKG-INFO": rb"^Version: (.*)$",
            "package.json": rb'^  "version": "(.*)",$',
            "sipgate_oauth2.pc": rb"^Version: (.*)$",
            "sipgate_oauth2-config-version.cmake": rb'^set\(PACKAGE_VERSION "(.*)"\)$',
        }.get(name.rpartition("/")[2])
        if stated:
            found = re.search(stated, content, re.MULTILINE)
            if not found or found[1].decode() != version():
                yield f"{name} has another version than {version()}"
    largest = LARGEST_ELSEWHERE if ELSEWHERE.search(archive.name) else LARGEST
    if OF_A_RELEASE and archive.installed_size > largest:
        yield f"it takes {archive.installed_size} bytes once installed, more than {largest}"


def problems(archive: Archive) -> Iterator[str]:
    yield from everywhere_problems(archive)
    name = archive.name
    if name.endswith(".crate"):
        folder = next((folder for part, folder in FOLDERS.items() if part in name), "core")
        yield from differences(archive, of_crate(folder))
    elif name.startswith("sipgate_oauth2_realm-"):
        target = next(t for t in TARGETS.values() if name.endswith(f"-py3-none-{t.wheel}.whl"))
        yield from wheel_problems(archive, target)
        yield from differences(archive, of_realm_wheel(target))
        yield from native_problems(archive, target)
    elif name.endswith(".whl"):
        target = next(t for t in TARGETS.values() if name.endswith(f"-cp310-abi3-{t.wheel}.whl"))
        yield from wheel_problems(archive, target)
        yield from differences(archive, of_wheel(target))
        yield from native_problems(archive, target)
    elif name.endswith(".tgz"):
        realm = "realm" in name
        start = "sipgate-oauth2-realm-" if realm else "sipgate-oauth2-"
        platform = next((t for t in TARGETS.values() if f"{start}{t.npm}-" in name), None)
        if platform:
            wanted = of_realm_npm(platform) if realm else of_npm(platform)
        else:
            wanted = of_main_npm("realm/node" if realm else "bindings-node")
        yield from differences(archive, wanted)
        if platform:
            yield from native_problems(archive, platform)
    elif name.startswith("sipgate-oauth2-c-"):
        target = next(t for t in TARGETS.values() if f"-{t.triple}." in name)
        yield from differences(archive, of_c_tree(target))
        yield from native_problems(archive, target)
    elif name.startswith("sipgate_oauth2-"):
        yield from differences(archive, of_sdist())


def main(names: Sequence[str]) -> int:
    paths = [Path(name) for name in names] or sorted(p for p in DIST.iterdir() if p.is_file())
    if not OF_A_RELEASE:
        print("sizes: SKIPPED, the environment has another profile than that of a release")
    failed = 0
    for path in paths:
        archive = read(path)
        found = list(problems(archive))
        failed += bool(found)
        size = f"{archive.installed_size / 1e6:.2f} MB installed, {path.stat().st_size / 1e6:.2f} packed"
        print(f"{path.name}: {size}{''.join(f'{chr(10)}    {problem}' for problem in found)}")
    print(f"{len(paths) - failed} archives as they should be, {failed} not")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
