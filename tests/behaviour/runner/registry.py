"""Checks every error of every language against `docs/errors.md`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from driver.programs import ROOT

HEADING = re.compile(r"^## (\w+)$|^### `(SIPGATE_\w+)`\n\n(\d+)\. ", re.MULTILINE)

# The heading of the codes without a family: their errors have the root class.
NO_FAMILY = "Neither"
ROOT_CLASS = "SipgateOAuth2Error"

Row = Mapping[str, Any]


def documented_errors() -> dict[str, Row]:
    """Every code with its number and family, in the order of the page."""
    family = ""
    rows: dict[str, Row] = {}
    for heading in HEADING.finditer((ROOT / "docs" / "errors.md").read_text()):
        if heading[1]:
            family = ROOT_CLASS if heading[1] == NO_FAMILY else heading[1]
        else:
            rows[heading[2]] = {"code": heading[2], "number": int(heading[3]), "family": family}
    return rows


def inconsistencies(error: Mapping[str, Any], registry: Mapping[str, Row]) -> list[str]:
    """What is wrong with an error, independent of the case."""
    promised = registry.get(str(error.get("code")))
    if promised is None:
        return [f"{error.get('code')} is not in docs/errors.md: {error.get('message')}"]
    problems = [
        f"{member} is {error.get(member)!r}, docs/errors.md says {promised[member]!r}"
        for member in ("number", "family")
        if error.get(member) != promised[member]
    ]
    # A cancellation that the platform raises has no remedy.
    native = error.get("remedy") is None and error.get("code") == "SIPGATE_CANCELLED"
    if not native and error.get("retryable") != (error.get("remedy") == "try_later"):
        problems.append(
            f"retryable is {error.get('retryable')!r}, the remedy {error.get('remedy')!r}"
        )
    message = error.get("message")
    if not isinstance(message, str) or not message.strip() or "\n" in message:
        problems.append(f"the message is not one line: {message!r}")
    return problems
