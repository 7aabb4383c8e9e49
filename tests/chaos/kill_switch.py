"""Kills a process at its n-th externally visible action: the test's side of `kill_switch.c`."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path

MOST_ACTIONS = 500
NAME_BYTES = 16
HEAD = struct.Struct("=IIII")  # armed, last, halfway, begun


class KillSwitch:
    """One process's switch: `under` precedes its command. Counts nothing until it is armed."""

    def __init__(self, library: Path, path: Path) -> None:
        path.write_bytes(bytes(HEAD.size + MOST_ACTIONS * NAME_BYTES))
        with path.open("r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), 0)
        self.under: Sequence[str] = ("env", f"LD_PRELOAD={library}", f"KILL_SWITCH={path}")

    def arm(self, last: int = 0, *, halfway: bool = False) -> None:
        """`last` is the number of the action at which, or halfway through, the process is killed.

        If it is 0, the process is not killed.
        """
        HEAD.pack_into(self._mapped, 0, 0, last, halfway, 0)
        self._mapped[:4] = struct.pack("=I", 1)

    def actions(self) -> list[str]:
        """The actions begun since then, in order."""
        *_, begun = HEAD.unpack_from(self._mapped)
        if begun > MOST_ACTIONS:
            raise ValueError(f"{begun} actions are more than there is room for")
        names = self._mapped[HEAD.size : HEAD.size + begun * NAME_BYTES]
        fields = struct.iter_unpack(f"{NAME_BYTES}s", names)
        return [name.rstrip(b"\0").decode() for (name,) in fields]
