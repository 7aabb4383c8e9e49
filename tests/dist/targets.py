"""What packages are built for, and what each of them may ask of a machine."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from driver.programs import ROOT


@dataclass(frozen=True)
class Target:
    """A target of rustc, and what its packages are called."""

    triple: str
    # The platform's tags in the name of a wheel: the second is the same in newer words.
    wheel: str
    # In packages.mjs of the bindings for Node.js.
    npm: str
    # The newest version of glibc that may be asked for.
    glibc: str | None = None

    @property
    def linux(self) -> bool:
        return "linux" in self.triple

    @property
    def musl(self) -> bool:
        return self.triple.endswith("musl")

    @property
    def windows(self) -> bool:
        return "windows" in self.triple

    def library(self, name: str) -> str:
        """What cargo calls a shared library."""
        if self.windows:
            return f"{name}.dll"
        return f"lib{name}.so" if self.linux else f"lib{name}.dylib"

    def program(self, name: str) -> str:
        return f"{name}.exe" if self.windows else name

    @property
    def for_zig(self) -> str:
        return f"{self.triple}.{self.glibc}" if self.glibc else self.triple


TARGETS = {
    target.triple: target
    for target in (
        Target(
            "x86_64-unknown-linux-gnu",
            "manylinux2014_x86_64.manylinux_2_17_x86_64",
            "linux-x64-gnu",
            "2.17",
        ),
        Target(
            "aarch64-unknown-linux-gnu",
            "manylinux2014_aarch64.manylinux_2_17_aarch64",
            "linux-arm64-gnu",
            "2.17",
        ),
        Target("x86_64-unknown-linux-musl", "musllinux_1_2_x86_64", "linux-x64-musl"),
        Target("aarch64-unknown-linux-musl", "musllinux_1_2_aarch64", "linux-arm64-musl"),
        Target("x86_64-pc-windows-gnu", "win_amd64", "win32-x64"),
        Target("x86_64-pc-windows-msvc", "win_amd64", "win32-x64"),
        Target("aarch64-apple-darwin", "macosx_11_0_arm64", "darwin-arm64"),
        Target("x86_64-apple-darwin", "macosx_10_12_x86_64", "darwin-x64"),
    )
}


def version() -> str:
    found = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    if not found:
        raise SystemExit("Cargo.toml names no version")
    return found[1]


def host() -> str:
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(line.split()[1] for line in said.splitlines() if line.startswith("host:"))


def chosen(names: list[str]) -> list[Target]:
    """The targets of these names; without any, the machine's own."""
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        raise SystemExit(
            f"no packages are made for {', '.join(unknown)}: see tests/dist/targets.py"
        )
    return [TARGETS[name] for name in names or [host()]]
