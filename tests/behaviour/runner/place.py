"""Where the shims of a run are: on this machine, or on one that it emulates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driver.programs import ROOT
from driver.shims import SHIMS


@dataclass(frozen=True)
class Failure:
    """A case that cannot pass in a place: part of what it says there, and the reason."""

    says: str
    because: str


@dataclass(frozen=True)
class Place:
    # Commands, by language.
    shims: Mapping[str, Sequence[str]]
    # Where they start, and what their environment has beside that of this machine.
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    # What a file of this machine is called there.
    path: Callable[[Path], str] = str
    # By title.
    failures: Mapping[str, Failure] = field(default_factory=dict)


HERE = Place(SHIMS)
