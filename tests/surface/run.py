"""Compares what the languages offer with one table: a name that one has and another lacks is an error unless the table says why.

A shared name is written as in Python; `Client.token_endpoint` is `Client::token_endpoint` in Rust, `Client.tokenEndpoint` in Node
and `sipgate_oauth2_client_token_endpoint` in C. What is spelt otherwise stands under "same thing", what one language has for itself under
"own", by a pattern with its reason.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from surface.listing import LISTINGS

LANGUAGES = ("rust", "python", "aio", "node", "c")


def spelt(name: str, language: str) -> str:
    type_name, _, member = name.partition(".")
    if language == "rust":
        return f"{type_name}::{member}"
    if language == "node":
        return f"{type_name}.{re.sub(r'_(.)', lambda match: match[1].upper(), member)}"
    if language == "c":
        return re.sub(r"(?<!^)([A-Z])", r"_\1", type_name).lower() + "_" + member
    return name


def problems() -> Iterator[str]:
    table = json.loads((Path(__file__).parent / "table.json").read_text(encoding="utf-8"))
    offered = {language: listing() for language, listing in LISTINGS.items()}
    offered["aio"] = {
        name.removeprefix("aio.") for name in offered["python"] if name.startswith("aio.")
    }
    offered["python"] = {name for name in offered["python"] if not name.startswith("aio.")}
    for language in LANGUAGES:
        expected = {spelt(name, language) for name in table["shared"]}
        expected |= {row[language] for row in table["same thing"] if language in row}
        own = [re.compile(pattern) for pattern in table["own"][language]]
        for name in sorted(expected - offered[language]):
            yield f"{language} lacks {name}"
        for name in sorted(offered[language] - expected):
            if not any(pattern.fullmatch(name) for pattern in own):
                yield f"{language} has {name}, which the table does not know"
        for pattern in own:
            if not any(pattern.fullmatch(name) for name in offered[language]):
                yield f"the table explains {pattern.pattern} of {language}, and there is none"
        print(f"{language:<6} {len(offered[language])} names")


def main() -> int:
    found = list(problems())
    for problem in found:
        print(problem)
    print(f"{len(LANGUAGES) if not found else 0} passed, {len(found)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
