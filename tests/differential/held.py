"""The threads and descriptors of a process, from /proc."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

# The library's threads end after five idle seconds.
IDLE_SECONDS = 7.0

# Long enough to tell a leak from a slow machine.
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Held:
    threads: int
    descriptors: int

    @classmethod
    def by(cls, process: int) -> Held:
        place = Path("/proc") / str(process)
        return cls(*(sum(1 for _ in (place / name).iterdir()) for name in ("task", "fd")))

    def is_within(self, other: Held) -> bool:
        return self.threads <= other.threads and self.descriptors <= other.descriptors

    def __str__(self) -> str:
        return f"{self.threads} threads and {self.descriptors} descriptors"


def at_rest(process: int) -> Held:
    """The least that it holds while it runs no call, once idle threads have ended."""
    found = Held.by(process)
    end = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        now = Held.by(process)
        found = Held(min(found.threads, now.threads), min(found.descriptors, now.descriptors))
    return found


def until_given_back(process: int, before: Held) -> Held:
    """What it holds, once that is no more than before or the limit has elapsed."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (now := Held.by(process)).is_within(before) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return now
