"""Cargo for another platform: its standard library, and programs that are built and not run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driver import standard_library, zig
from driver.installed import Missing
from driver.programs import ROOT
from platforms.outcome import Failed
from platforms.tools import folder

OPTIMIZED = {"CARGO_PROFILE_DEV_OPT_LEVEL": "1"}
# What is tested changes often, and its tests take longer to optimize than to run.
CORE_UNOPTIMIZED = ("--config", "profile.dev.package.sipgate-oauth2.opt-level=0")
SHARED_LIBRARY = (".dll", ".dylib", ".so")


@dataclass(frozen=True)
class Target:
    """A target of rustc with what it needs beside its standard library."""

    triple: str
    # What cargo is told by environment variables.
    environment: Mapping[str, str] = field(default_factory=dict)
    # Whether zig compiles C, and links.
    zig: bool = False
    options: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """Each target has its own, so that none waits for another."""
        return folder(self.triple)

    def test_programs(self, *arguments: str) -> dict[str, Path]:
        """Builds tests, and returns the programs by name."""
        return {
            artifact["target"]["name"]: Path(artifact["executable"])
            for artifact in self._artifacts("test", "--no-run", *arguments)
            if artifact["executable"] and artifact["profile"]["test"]
        }

    def programs_and_libraries(self, *arguments: str) -> dict[str, Path]:
        """Builds packages, and returns their programs and shared libraries by name."""
        return {
            artifact["target"]["name"]: Path(file)
            for artifact in self._artifacts("build", *arguments)
            for file in artifact["filenames"]
            if file == artifact["executable"] or file.endswith(SHARED_LIBRARY)
            if "proc-macro" not in artifact["target"]["kind"]
        }

    def _artifacts(self, *arguments: str) -> list[dict[str, Any]]:
        """What cargo says of each crate that it built."""
        said = self._run(*arguments, "--message-format=json-render-diagnostics")
        messages = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [message for message in messages if message["reason"] == "compiler-artifact"]

    def _run(self, *arguments: str) -> str:
        environment = {
            **os.environ,
            "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "CARGO_TARGET_DIR": str(self.folder),
            **self.environment,
        }
        if self.zig:
            environment |= _zig()
        environment |= standard_library.environment(self.triple, environment["PATH"])
        # By its path: Debian's own, if that builds the standard library.
        cargo = (
            str(zig.PROGRAMS / "cargo-zigbuild") if self.zig else environment.get("CARGO", "cargo")
        )
        command = [cargo, *arguments, *CORE_UNOPTIMIZED, *self.options]
        command += ["--locked", "--quiet", "--target", self.triple]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: exit code {done.returncode}")
        return done.stdout


def _zig() -> dict[str, str]:
    if not (zig.PROGRAMS / "cargo-zigbuild").exists():
        raise Missing("make .cache/zig/.ready")
    return zig.environment()
