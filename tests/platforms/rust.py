"""Cargo for another platform: its standard library, and programs that are built and not run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from driver.programs import ROOT
from platforms.tools import Missing, debian, folder

# Debian has the source of the standard library, and the compiler of the same version.
SOURCE = ["rustc-web", "cargo-web", "rust-web-src"]


@dataclass(frozen=True)
class Target:
    """A target of rustc with what it needs beside its standard library."""

    triple: str
    # What cargo is told by environment variables.
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Each target has its own, so that none waits for another."""
        return folder(self.triple)

    def test_programs(self, *arguments: str) -> dict[str, Path]:
        """Builds tests, and returns the programs by name."""
        said = self._run("test", "--no-run", "--message-format=json-render-diagnostics", *arguments)
        messages = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return {
            message["target"]["name"]: Path(message["executable"])
            for message in messages
            if message["reason"] == "compiler-artifact"
            and message["executable"]
            and message["profile"]["test"]
        }

    def _run(self, *arguments: str) -> str:
        environment = {
            **os.environ,
            "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "CARGO_TARGET_DIR": str(self.folder),
            **standard_library(self.triple),
            **self.environment,
        }
        # By its path: Debian's own, if that builds the standard library.
        program = environment.get("CARGO", "cargo")
        command = [program, *arguments, "--locked", "--quiet", "--target", self.triple]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
        return done.stdout


def standard_library(triple: str) -> dict[str, str]:
    """The toolchain's own, if it has one for the target. Else cargo builds Debian's."""
    found = subprocess.run(
        ["rustc", "--print", "sysroot"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    if (Path(found.stdout.strip()) / "lib" / "rustlib" / triple / "lib").is_dir():
        return {}
    try:
        debian(SOURCE)
    except Missing as problem:
        raise Missing(f"rustup target add {triple}; or {problem}") from problem
    return {
        "CARGO": "/usr/bin/cargo",
        "RUSTC": "/usr/bin/rustc",
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_UNSTABLE_BUILD_STD": "std,panic_unwind",
    }
