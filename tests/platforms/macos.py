"""macOS: compiled, and linked by zig. Nothing is run, as there is no emulator of macOS."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.programs import ROOT
from platforms import frameworks, mach_o
from platforms.outcome import Failed, Linked
from platforms.rust import Target

# Every macOS has them.
SYSTEM = {
    *map(frameworks.install_name, frameworks.CRATES),
    "/usr/lib/libSystem.B.dylib",
    # Rust's binding of the C library asks for the one, which brings the other.
    "/usr/lib/libiconv.2.dylib",
    "/usr/lib/libcharset.1.dylib",
}


@dataclass(frozen=True)
class Product:
    """A program or shared library, by cargo's name for it."""

    name: str
    file_type: str
    install_name: str | None = None
    # The functions that it expects of the process which loads it.
    of_process: str = "nothing"


def arm64() -> Linked:
    return _linked("aarch64-apple-darwin", "arm64")


def x86_64() -> Linked:
    return _linked("x86_64-apple-darwin", "x86_64")


def _linked(triple: str, cpu: str) -> Linked:
    # Not optimized: nobody runs it.
    environment = {"SDKROOT": str(frameworks.sdk()), "CARGO_PROFILE_DEV_OPT_LEVEL": "0"}
    target = Target(triple, environment, zig=True)
    products = _products()
    packages = [argument for package in products for argument in ("--package", package)]
    built = target.programs_and_libraries(*packages)
    expected = [(built.get(product.name), product) for product in products.values()]
    tests = target.test_programs("--package", "sipgate-oauth2", "--lib").get("sipgate_oauth2")
    expected.append((tests, Product("unit tests", mach_o.PROGRAM)))
    problems = [
        f"{product.name} {problem}"
        for path, product in expected
        for problem in _problems(path, product, cpu)
    ]
    if problems:
        raise Failed("\n".join(problems))
    return Linked(len(expected))


def _products() -> Mapping[str, Product]:
    """By package."""
    version = ["bash", str(ROOT / "bindings-c" / "version.sh"), "--abi"]
    abi = subprocess.run(version, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return {
        "sipgate-oauth2-python": Product("_native", mach_o.SHARED_LIBRARY, of_process="_?_Py.*"),
        "sipgate-oauth2-node": Product(
            "sipgate_oauth2_node", mach_o.SHARED_LIBRARY, of_process="_(napi|node_api)_.*"
        ),
        "sipgate-oauth2-c-library": Product(
            "sipgate_oauth2",
            mach_o.SHARED_LIBRARY,
            install_name=f"@rpath/libsipgate_oauth2.{abi}.dylib",
        ),
        "sipgate-oauth2-cli": Product("sipgate-oauth2", mach_o.PROGRAM),
        "sipgate-oauth2-realm": Product("sipgate-oauth2-realm", mach_o.PROGRAM),
    }


def _problems(path: Path | None, product: Product, cpu: str) -> Sequence[str]:
    if path is None:
        return ["was not built"]
    try:
        file = mach_o.read(path)
    except ValueError as problem:
        return [f"{path}: {problem}"]
    unknown = [name for name in file.looked_up if not re.fullmatch(product.of_process, name)]
    checked = {
        f"is for {file.cpu}, not for {cpu}": file.cpu == cpu,
        f"is a {file.file_type}, not a {product.file_type}": file.file_type == product.file_type,
        f"calls itself {file.install_name}, not {product.install_name}": product.install_name
        in (None, file.install_name),
        f"is loaded with {sorted(file.loaded - SYSTEM)}": file.loaded <= SYSTEM,
        f"calls what nothing has: {sorted(unknown)}": not unknown,
    }
    return [problem for problem, is_right in checked.items() if not is_right]
