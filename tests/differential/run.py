#!/usr/bin/env python3
"""Compares all languages on the same generated inputs.

Every verdict must equal that of the Rust shim, field by field, including the requests that the
realm saw. A seed and a number reproduce an input.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import RealmBroken
from behaviour.runner.secrets import Secrets, visible
from behaviour.runner.shim import ShimBroken
from differential.input import Draw, Input, World
from differential.kinds import callbacks, clients, responses, scopes, token_responses
from differential.trial import REFERENCE, running_trial
from differential.verdict import Verdict, differences
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS

KINDS: Mapping[str, Callable[[Draw, World], Input]] = {
    "callback": callbacks.make,
    "token response": token_responses.make,
    "response": responses.make,
    "scope": scopes.make,
    "client": clients.make,
}
COUNT = 400
AT_ONCE = 2

# One bug may make most inputs differ. The last line counts them all.
SHOWN = 20

# Fewer inputs of a kind may all have the same outcome by chance.
ENOUGH = 20


@dataclass
class Outcome:
    """Outcomes by kind, a text per difference, and how many lines were searched for secrets."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    searched: int = 0

    def add(self, other: Outcome) -> None:
        for kind, counted in other.outcomes.items():
            self.outcomes.setdefault(kind, Counter()).update(counted)
        self.differing += other.differing
        self.shown += other.shown
        self.searched += other.searched


def main() -> int:
    options = parsed_options()
    languages = options.languages.split(",")
    unknown = [language for language in languages if language not in SHIMS]
    if unknown:
        sys.exit(f"no such language: {', '.join(unknown)}; there are {', '.join(SHIMS)}")
    if REFERENCE not in languages:
        languages.insert(0, REFERENCE)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    numbers = range(options.count) if options.only is None else [options.only]
    shares = [numbers[start::AT_ONCE] for start in range(min(AT_ONCE, len(numbers)))]
    outcome = Outcome()
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for one in pool.map(
                lambda share: run_share(seed, share, languages, options.realm, options.only), shares
            ):
                outcome.add(one)
    except (ShimBroken, RealmBroken) as problem:
        sys.exit(f"differential: seed {seed}: {problem}")
    return told(outcome, seed, len(numbers), len(languages))


def run_share(
    seed: int, numbers: Sequence[int], languages: Sequence[str], realm: Path, only: int | None
) -> Outcome:
    outcome, secrets = Outcome(), Secrets()
    with running_trial(languages, realm, secrets) as trial:
        for number in numbers:
            kind, made = input_of(seed, number, trial.world)
            verdicts = trial.verdicts(f"input {number}", made)
            reference = verdicts.pop(REFERENCE)
            outcome.outcomes.setdefault(kind, Counter())[reference.outcome] += 1
            if only is not None:
                print("\n".join([f"{kind}, input {number}", *described(made, reference)]))
            for language, verdict in verdicts.items():
                found = differences(language, reference, verdict)
                if found:
                    again = f"python3 tests/differential/run.py --seed {seed} --only {number}"
                    lines = [
                        f"{language} differs, {kind}: {again}",
                        *found,
                        *described(made, reference),
                    ]
                    lines += [f"in {language}:", *verdict.shown()]
                    outcome.differing.append("\n    ".join(lines))
    # The shims have exited, so this includes their last lines.
    said = trial.said()
    outcome.shown = list(dict.fromkeys(secrets.shown(said)))
    outcome.searched = sum(len(visible(line).encode()) for line in said)
    return outcome


def input_of(seed: int, number: int, world: World) -> tuple[str, Input]:
    """Each input has its own random numbers, so it does not depend on the number of inputs."""
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](Draw(f"{seed}/{number}"), world)


def described(made: Input, reference: Verdict) -> list[str]:
    asked = [f"{call.op} {dict(call.args)}" for call in made.calls]
    return [
        *asked,
        *(f"response {response}" for response in made.responses),
        "in Rust:",
        *reference.shown(),
    ]


def told(outcome: Outcome, seed: int, inputs: int, languages: int) -> int:
    for text in (*outcome.differing[:SHOWN], *outcome.shown[:SHOWN]):
        print(text)
    meaningless = []
    for kind, counted in outcome.outcomes.items():
        print(f"{kind}: {counted.total()} inputs, {len(counted)} outcomes")
        for name, times in counted.most_common():
            print(f"    {times:4} {name}")
        if counted.total() >= ENOUGH and len(counted) < 2:
            meaningless.append(kind)
    for kind in meaningless:
        print(f"every {kind} came out alike: such inputs prove nothing")
    print(f"secrets: {outcome.searched} bytes searched, {len(outcome.shown)} hits")
    differing = len(outcome.differing)
    print(
        f"differential: seed {seed}, {inputs} inputs × {languages} languages, {differing} differences"
    )
    return 1 if differing or meaningless or outcome.shown or not outcome.searched else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="the seed of the random numbers (default: random)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"inputs (default: {COUNT})")
    parser.add_argument(
        "--only", type=int, metavar="I", help="run only this input, and show it completely"
    )
    parser.add_argument(
        "--languages", default=",".join(SHIMS), help="which, separated by commas (default: all)"
    )
    parser.add_argument(
        "--realm",
        type=Path,
        default=REALM_PROGRAM,
        metavar="PATH",
        help="the local realm's program",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
