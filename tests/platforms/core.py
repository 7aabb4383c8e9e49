"""The unit tests of the core, which every platform has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from platforms.outcome import Outcome, run
from platforms.rust import Target


def units(
    target: Target,
    under: Sequence[str],
    environment: Mapping[str, str],
    skipped: Sequence[str] = (),
) -> Outcome:
    programs = target.test_programs("-p", "sipgate-oauth2", "--lib")
    return run(programs.values(), under, environment, skipped)
