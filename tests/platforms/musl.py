"""Linux on x86-64 with musl instead of glibc, as in Alpine: linked by zig, run as it is."""

from __future__ import annotations

import os

from platforms import core
from platforms.outcome import Outcome
from platforms.rust import OPTIMIZED, Target

# rustc would take the start of a program from the toolchain, and one that compiles its standard
# library has none. zig has one. Only programs are linked, so the flag is for their crate alone.
STARTED_BY_ZIG = 'profile.dev.package.sipgate-oauth2.rustflags=["-Clink-self-contained=no"]'
TARGET = Target(
    "x86_64-unknown-linux-musl",
    {**OPTIMIZED, "RUSTC_BOOTSTRAP": "1", "CARGO_UNSTABLE_PROFILE_RUSTFLAGS": "true"},
    zig=True,
    options=("--config", STARTED_BY_ZIG),
)


def core_units() -> Outcome:
    return core.units(TARGET, [], os.environ)
