#!/usr/bin/env python3
"""Compares our verdicts on a corpus of mutated tokens, keys and headers with those of other
libraries: `jose`, `joserfc`, PyJWT and the crate `jsonwebtoken`.

- We accept nothing that all of them refuse.
- Whatever we refuse and one of them accepts, we refuse by a rule of `rules.py`.
- Each rule is used. Each good token is accepted.

Keys and times are new in each run. The corpus of the last one stays in `target/openid`, and
`--again` judges it again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.installed import CannotInstall
from driver.programs import DEBUG, ROOT
from openid.peers.installed import PACKAGES
from openid.rules import RULES

HERE = ROOT / "tests" / "openid"
FOLDER = ROOT / "target" / "openid"
CORPUS = FOLDER / "corpus.jsonl"
COUNT = 20_000
AT_ONCE = 2

# One bug may show in many tokens. The last line counts them all.
SHOWN = 20

OURS = "ours"
JUDGES: Mapping[str, Sequence[str]] = {
    OURS: [str(DEBUG / "openid-ours"), str(CORPUS)],
    "jsonwebtoken": [str(DEBUG / "openid-jsonwebtoken"), str(CORPUS)],
    "jose": ["node", str(HERE / "peers" / "with_jose.mjs"), str(CORPUS), str(PACKAGES.modules)],
    "joserfc": [
        str(PACKAGES.python),
        "-W",
        "ignore",
        "-m",
        "openid.peers.with_joserfc",
        str(CORPUS),
    ],
    "pyjwt": [str(PACKAGES.python), "-W", "ignore", "-m", "openid.peers.with_pyjwt", str(CORPUS)],
}
GOOD = "good"


@dataclass(frozen=True)
class Verdict:
    accepted: bool
    reason: str

    @property
    def word(self) -> str:
        """The rule by which we refused: what the message begins with."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class Judged:
    """One input, and all verdicts on it."""

    number: int
    group: str
    what: str
    ours: Verdict
    peers: Mapping[str, Verdict]

    @property
    def accepted_by(self) -> list[str]:
        return [name for name, verdict in self.peers.items() if verdict.accepted]

    def __str__(self) -> str:
        verdicts = {OURS: self.ours, **self.peers}
        lines = [f"input {self.number}, {self.group}, {self.what}"]
        lines += [
            f"    {name}: {'accepted' if one.accepted else one.reason}"
            for name, one in verdicts.items()
        ]
        return "\n".join(lines)


def main() -> int:
    options = parsed_options()
    try:
        PACKAGES.install()
    except CannotInstall as problem:
        print(f"differential: SKIPPED, because the peers cannot be installed: {problem}")
        return 0
    if not options.again:
        write_corpus(options.seed, options.count)
    return told(judged(), options.rules)


def write_corpus(seed: int, count: int) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [str(PACKAGES.python), "-m", "openid.corpus.write", str(CORPUS)]
    command += ["--seed", str(seed), "--count", str(count)]
    subprocess.run(command, cwd=ROOT / "tests", check=True)


def judged() -> list[Judged]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = dict(zip(JUDGES, pool.map(verdicts_of, JUDGES), strict=True))
    ours = verdicts.pop(OURS)
    found = []
    with CORPUS.open() as corpus:
        for at, line in enumerate(corpus):
            case: dict[str, Any] = json.loads(line)
            peers = {name: one[at] for name, one in verdicts.items()}
            found.append(Judged(case["number"], case["group"], case["what"], ours[at], peers))
    assert all(len(one) == len(found) for one in (ours, *verdicts.values()))
    return found


def verdicts_of(judge: str) -> list[Verdict]:
    done = subprocess.run(
        JUDGES[judge], cwd=ROOT / "tests", check=True, stdout=subprocess.PIPE, text=True
    )
    lines = map(json.loads, done.stdout.splitlines())
    return [Verdict(line["accepted"], line["reason"] or "") for line in lines]


def told(inputs: Sequence[Judged], with_rules: bool) -> int:
    lax = [one for one in inputs if one.ours.accepted and not one.accepted_by]
    good = [one for one in inputs if one.group == GOOD and not one.ours.accepted]
    strict = [one for one in inputs if not one.ours.accepted and one.accepted_by]
    because = {(rule.word, group): rule for rule in RULES for group in rule.groups}
    used = Counter((one.ours.word, one.group) for one in strict)
    without = [one for one in strict if (one.ours.word, one.group) not in because]
    unused = [pair for pair in because if pair not in used]

    for line in shown("we accept what all others refuse", lax):
        print(line)
    for line in shown("we refuse a good token", good):
        print(line)
    for line in shown("we refuse what others accept, and no rule says why", without):
        print(line)
    for word, group in unused:
        print(f"the rule “{word}” is not used for “{group}”: take that out of rules.py")
    if with_rules:
        for rule in RULES:
            times = sum(used[rule.word, group] for group in rule.groups)
            print(f"{times:5} {rule.word}: {rule.because}")
    accepted = sum(one.ours.accepted for one in inputs)
    alone = sum(len(one.accepted_by) == len(one.peers) for one in strict)
    print(f"differential: of {len(inputs)} inputs, we accept {accepted}")
    for name in inputs[0].peers:
        more = sum(name in one.accepted_by for one in strict)
        fewer = sum(one.ours.accepted and name not in one.accepted_by for one in inputs)
        print(f"    {name} accepts {more} that we refuse, and refuses {fewer} that we accept")
    print(
        f"    {len(strict)} that some accept, {alone} of them all, are refused by {len(RULES)} rules"
    )
    problems = len(lax) + len(good) + len(without) + len(unused)
    print(f"differential: {len(inputs)} inputs × {len(JUDGES)} judges, {problems} problems")
    return 1 if problems or not accepted or not strict else 0


def shown(title: str, inputs: Sequence[Judged]) -> Iterator[str]:
    """The first of each group."""
    first = {(one.ours.word, one.group): one for one in reversed(inputs)}
    for one in list(first.values())[::-1][:SHOWN]:
        yield f"{title}: {one}"


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of the mutations (default: 1)"
    )
    parser.add_argument("--count", type=int, default=COUNT, help=f"inputs (default: {COUNT})")
    parser.add_argument("--again", action="store_true", help="judge the last corpus again")
    parser.add_argument("--rules", action="store_true", help="print how often each rule is used")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
