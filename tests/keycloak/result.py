from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driver.shim import Reply


@dataclass(frozen=True)
class Result:
    """One line of the report; it passed if there is no problem."""

    name: str
    problem: str | None = None

    def __str__(self) -> str:
        return (
            f"ok      {self.name}"
            if self.problem is None
            else f"FAILED  {self.name}: {self.problem}"
        )


def judged(name: str, replies: Sequence[Reply], expected: Sequence[str]) -> Result:
    outcomes = [reply.outcome for reply in replies]
    if outcomes == list(expected):
        return Result(name)
    return Result(name, f"gave {' '.join(outcomes)}, expected {' '.join(expected)}")


def check(condition: bool, otherwise: object) -> None:
    if not condition:
        raise AssertionError(str(otherwise))
