"""Asks a real Keycloak and the local realm the same questions and shows, field by field, where they differ.

`python3 compare.py` needs the local realm built (`--realm-binary`); `--answers` only asks Keycloak and
prints what it said as JSON.
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
from driver.programs import DEBUG
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

REALM_BINARY = DEBUG / "realm"
# What asking raises when an answer is not what the next step needs: one broken answer must not hide
# the others, and is a difference like any other.
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
    """`asked` names each question with its realm; `allowed` is what the version may answer otherwise."""

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
        """Reasons that no answer needed, and those with a question whose answer did not need them."""
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
    """Each server is its base URL and what controls it; `version` is Keycloak's."""

    def differences_of(realm: str) -> Iterator[Difference]:
        real, imitation = Asker(keycloak[0], realm, keycloak[1]), Asker(local[0], realm, local[1])
        for question in questions:
            said, imitated = answer(question, real), answer(question, imitation)
            yield from _differences(realm, question.name, said, imitated)

    found = list(in_every_realm(differences_of))
    found.sort(key=lambda difference: REALMS.index(difference.realm))
    asked = [f"{question.name}, realm {realm}" for realm in REALMS for question in questions]
    return Comparison(asked, found, ALLOWED[version])


def answer(question: Question, ask: Asker) -> Fields:
    """What the server said, or why the question could not be asked to its end."""
    try:
        return question.ask(ask)
    except CannotControl as problem:
        return {NOT_ASKED: str(problem)}
    except BROKEN as problem:
        return {COULD_NOT_ASK: f"{type(problem).__name__}: {problem}"}


def report(comparison: Comparison) -> str:
    """What is wrong in full, what is allowed by its reason."""
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
        f"{len(comparison.asked)} questions asked, {comparison.questions_that_differ} answered differently "
        f"in {len(comparison.failures)} fields, {reasons.total()} more differences allowed"
    )
    return "\n".join(lines)


def _differences(realm: str, question: str, said: Fields, imitated: Fields) -> Iterator[Difference]:
    names = list(dict.fromkeys([*said, *imitated]))
    # A question that was not asked of one server has no other fields to compare.
    if COULD_NOT_ASK in names or NOT_ASKED in names:
        names = [name for name in names if name in (COULD_NOT_ASK, NOT_ASKED)]
    for name in names:
        left, right = said.get(name, ABSENT), imitated.get(name, ABSENT)
        if not _same(name, left, right):
            yield Difference(realm, question, name, left, right)


def _same(field: str, left: object, right: object) -> bool:
    """A lifetime is what is left of it when the answer is written: a second may have passed."""
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
    parser.add_argument("--answers", action="store_true", help="print Keycloak's answers as JSON")
    options = parser.parse_args()
    questions = _chosen(options.only)
    try:
        with running_keycloak(options.version) as server:
            if options.answers:
                answers = {
                    realm: {
                        question.name: answer(question, Asker(server.base, realm, server.admin))
                        for question in questions
                    }
                    for realm in REALMS
                }
                print(json.dumps(answers, indent=2, ensure_ascii=False))
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
    # Some questions alone do not need every allowance.
    needless = [] if options.only else compared.needless
    for reason in needless:
        print(f"no answer needs it any more: {reason}")
    return 1 if compared.failures or needless else 0


if __name__ == "__main__":
    sys.exit(main())
