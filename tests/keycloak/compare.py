"""Asks a real Keycloak and the local realm the same questions, and shows each field that differs.

`python3 compare.py` needs the local realm built (`--realm-binary`); `--responses` only asks
Keycloak, and prints its responses as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.browser import BrowserError
from driver.local_realm import running_local_realm
from driver.programs import REALM_PROGRAM
from keycloak.allowed import ALLOWED, Allowance
from keycloak.asker import Asker
from keycloak.control import CannotControl, Control
from keycloak.distribution import VERSION, VERSIONS, KeycloakUnavailable
from keycloak.local_control import LocalRealmControl
from keycloak.normalise import ABSENT, Fields
from keycloak.parallel import in_every_realm
from keycloak.questions import QUESTIONS
from keycloak.questions.question import Question
from keycloak.realms import REALMS
from keycloak.server import running_keycloak

REALM_BINARY = REALM_PROGRAM
# What a question raises if a response lacks what the next step needs: one broken response must not
# hide the others, and is a difference like any other.
BROKEN = (
    BrowserError,
    HTTPException,
    OSError,
    LookupError,
    ValueError,
    AssertionError,
    RuntimeError,
)
NOT_ASKED = "not asked"
LIFETIMES = ("expires_in", "refresh_expires_in", "refresh_expires_in was")
COULD_NOT_ASK = "could not be asked"


@dataclass(frozen=True)
class Difference:
    realm: str
    question: str
    field: str
    keycloak: object
    local: object

    def covered_by(self, allowance: Allowance) -> bool:
        return allowance.covers(self.question, self.field, self.keycloak)


@dataclass(frozen=True)
class Comparison:
    """`asked` names each question with its realm; `allowed` has the version's known differences."""

    asked: Sequence[str]
    differences: Sequence[Difference]
    allowed: Sequence[Allowance]

    @property
    def failures(self) -> list[Difference]:
        return [difference for difference in self.differences if self.reason(difference) is None]

    @property
    def questions_that_differ(self) -> int:
        return len({(difference.realm, difference.question) for difference in self.failures})

    @property
    def needless(self) -> list[str]:
        """Reasons that no difference needs, and those that name a question without a difference."""
        needless = []
        for allowance in self.allowed:
            needed = {found.question for found in self.differences if found.covered_by(allowance)}
            if allowance.by_chance:
                continue
            if not needed:
                needless.append(allowance.reason)
                continue
            others = [question for question in allowance.questions if question not in needed]
            needless += [f"{allowance.reason} ({question})" for question in others]
        return needless

    def reason(self, difference: Difference) -> str | None:
        """Why this difference is allowed, if it is."""
        covering = filter(difference.covered_by, self.allowed)
        return next((allowance.reason for allowance in covering), None)


def compare(
    keycloak: tuple[str, Control],
    local: tuple[str, Control],
    version: str,
    questions: Sequence[Question] = QUESTIONS,
) -> Comparison:
    """Each server is a base URL and its control; `version` is that of Keycloak."""

    def differences_of(realm: str) -> Iterator[Difference]:
        real, imitation = Asker(keycloak[0], realm, keycloak[1]), Asker(local[0], realm, local[1])
        for question in questions:
            said, imitated = fields_of(question, real), fields_of(question, imitation)
            yield from _differences(realm, question.name, said, imitated)

    found = list(in_every_realm(differences_of))
    found.sort(key=lambda difference: REALMS.index(difference.realm))
    asked = [f"{question.name}, realm {realm}" for realm in REALMS for question in questions]
    return Comparison(asked, found, ALLOWED[version])


def fields_of(question: Question, ask: Asker) -> Fields:
    """What the server responded, or why the question could not be completed."""
    try:
        return question.ask(ask)
    except CannotControl as problem:
        return {NOT_ASKED: str(problem)}
    except BROKEN as problem:
        return {COULD_NOT_ASK: f"{type(problem).__name__}: {problem}"}


def report(comparison: Comparison) -> str:
    """Lists each failure in full, and each allowed difference by its reason."""
    lines: list[str] = []
    previous = ("", "")
    for difference in comparison.failures:
        heading = (difference.realm, difference.question)
        if heading != previous:
            lines += ["", f"{difference.realm}: {difference.question}"]
            previous = heading
        lines.append(f"    {difference.field}")
        lines.append(f"        Keycloak     {_shown(difference.keycloak)}")
        lines.append(f"        local realm  {_shown(difference.local)}")
    reasons = Counter(filter(None, map(comparison.reason, comparison.differences)))
    lines += ["", "allowed:", *(f"{count:4d}  {reason}" for reason, count in reasons.items()), ""]
    lines.append(
        f"{len(comparison.asked)} questions asked, {comparison.questions_that_differ} differ "
        f"in {len(comparison.failures)} fields, {reasons.total()} more differences allowed"
    )
    return "\n".join(lines)


def _differences(realm: str, question: str, said: Fields, imitated: Fields) -> Iterator[Difference]:
    names = list(dict.fromkeys([*said, *imitated]))
    # If a question was not asked of one server, there are no other fields to compare.
    if COULD_NOT_ASK in names or NOT_ASKED in names:
        names = [name for name in names if name in (COULD_NOT_ASK, NOT_ASKED)]
    for name in names:
        left, right = said.get(name, ABSENT), imitated.get(name, ABSENT)
        if not _same(name, left, right):
            yield Difference(realm, question, name, left, right)


def _same(field: str, left: object, right: object) -> bool:
    """A lifetime is the rest at the time of the response: a second may have passed."""
    if field in LIFETIMES and isinstance(left, int) and isinstance(right, int):
        return abs(left - right) <= 1
    return left == right


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _chosen(pattern: str) -> list[Question]:
    return [question for question in QUESTIONS if pattern in question.name]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the local realm with a real Keycloak.")
    parser.add_argument("--version", choices=VERSIONS, default=VERSION)
    parser.add_argument("--realm-binary", type=Path, default=REALM_BINARY)
    parser.add_argument("--only", default="", metavar="TEXT", help="questions whose name has TEXT")
    parser.add_argument("--responses", action="store_true", help="print Keycloak's as JSON")
    options = parser.parse_args()
    questions = _chosen(options.only)
    try:
        with running_keycloak(options.version) as server:
            if options.responses:
                responses = {
                    realm: {
                        question.name: fields_of(question, Asker(server.base, realm, server.admin))
                        for question in questions
                    }
                    for realm in REALMS
                }
                print(json.dumps(responses, indent=2, ensure_ascii=False))
                return 0
            with running_local_realm(options.realm_binary) as realm:
                control = LocalRealmControl(realm.http)
                compared = compare(
                    (server.base, server.admin),
                    (realm.base, control),
                    options.version,
                    questions,
                )
    except KeycloakUnavailable as problem:
        print(f"keycloak: {problem}", file=sys.stderr)
        return 1
    print(report(compared))
    # A selection of questions does not need every allowance.
    needless = [] if options.only else compared.needless
    for reason in needless:
        print(f"allowed, but no longer needed: {reason}")
    return 1 if compared.failures or needless else 0


if __name__ == "__main__":
    sys.exit(main())
