"""Folders in `.cache`, and what programs say."""

from __future__ import annotations

from pathlib import Path

from driver.programs import ROOT

CACHE = ROOT / ".cache" / "platforms"


def folder(name: str) -> Path:
    path = CACHE / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
