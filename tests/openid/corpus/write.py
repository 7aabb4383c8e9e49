"""Writes the corpus: a JSON line for each input. It runs in the environment of the peers, which
has the `cryptography` that keys are made with.

    python -m openid.corpus.write FILE --seed S --count N
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

from openid.corpus.draft import Draft
from openid.corpus.keys import Keys
from openid.corpus.mutations import ALL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()
    keys, now = Keys(), int(time.time())
    with options.file.open("w") as file:
        for number in range(options.count):
            mutation = ALL[number % len(ALL)]
            draft = Draft(random.Random(f"{options.seed}/{number}"), keys, now)
            mutation.change(draft)
            case = {"group": mutation.group, "what": mutation.what, **draft.case()}
            file.write(json.dumps({"number": number, **case}) + "\n")


if __name__ == "__main__":
    main()
