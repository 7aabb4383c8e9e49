"""What the Python peers have in common: a verdict for each line of the corpus."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Case = dict[str, Any]


class Refused(Exception):
    """A check that the client makes itself."""


def judge_corpus(judge: Callable[[Case], None]) -> None:
    with Path(sys.argv[1]).open() as corpus:
        for line in corpus:
            try:
                judge(json.loads(line))
                verdict: dict[str, Any] = {"accepted": True, "reason": None}
            except Refused as check:
                verdict = {"accepted": False, "reason": str(check)}
            # Whatever a library raises, it has refused the token.
            except Exception as error:
                verdict = {"accepted": False, "reason": f"{type(error).__name__}: {error}"}
            print(json.dumps(verdict))
