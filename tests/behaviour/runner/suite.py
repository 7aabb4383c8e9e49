"""Runs all cases of a language, and those between two."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from behaviour.runner.cases import Case
from behaviour.runner.clock import Clock
from behaviour.runner.place import HERE, Place
from behaviour.runner.realm import Realm, RealmBroken, running_realm
from behaviour.runner.registry import documented_errors
from behaviour.runner.running import FAIL, OK, UNSUPPORTED, Actor, CaseRun, Verdict
from behaviour.runner.secrets import Secrets
from behaviour.runner.shim import Said, Shim, ShimBroken
from behaviour.runner.store_file import bound_by_rights

START_SECONDS = 60.0

LANGUAGES_AT_ONCE = 2

# How many more realms and shims of a language run the cases that mostly wait.
BESIDE = 2

NO_SECRET_SHOWS = "no error, debug output or standard error shows a secret"

Verdicts = dict[tuple[str, str], Verdict]


@dataclass
class Outcome:
    """Verdicts by title and language, and why a language could not be started."""

    verdicts: Verdicts = field(default_factory=dict)
    not_started: dict[str, str] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        self.verdicts |= other.verdicts
        self.not_started |= other.not_started


def run(
    languages: Sequence[str], cases: Sequence[Case], realm_binary: Path, place: Place = HERE
) -> Outcome:
    """Runs the cases in each language, and those between two in each pair of languages."""
    alone = [case for case in cases if not case.between]
    between = [case for case in cases if case.between]
    outcome = Outcome()
    with ThreadPoolExecutor(LANGUAGES_AT_ONCE) as pool:
        for one in pool.map(
            lambda language: run_language(language, alone, realm_binary, place), languages
        ):
            outcome.add(one)
    started = [language for language in languages if language not in outcome.not_started]
    if between:
        outcome.add(run_between(started, between, realm_binary, place))
    return outcome


def run_language(
    language: str, cases: Sequence[Case], realm_binary: Path, place: Place = HERE
) -> Outcome:
    """Runs the cases in order, with the language's own realm and shims.

    The cases that mostly wait, and those that set the clock or limits, run in parallel.
    """
    linux = [case for case in cases if case.linux]
    waiting = [case for case in cases if case.alongside and not case.linux]
    in_order = [case for case in cases if not case.alongside and not case.linux]
    shares = [in_order, *(waiting[start::BESIDE] for start in range(BESIDE)), linux]
    outcome, secrets = Outcome(), Secrets()
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = list(
            pool.map(
                lambda share: _run_share(language, share, secrets, realm_binary, place), shares
            )
        )
    for part, _ in parts:
        outcome.add(part)
    if language not in outcome.not_started:
        said = [line for _, lines in parts for line in lines]
        outcome.verdicts[NO_SECRET_SHOWS, language] = _no_secret_shows(secrets, said)
    return outcome


def _run_share(
    language: str, cases: Sequence[Case], secrets: Secrets, realm_binary: Path, place: Place
) -> tuple[Outcome, list[Said]]:
    outcome = Outcome()
    if not cases:
        return outcome, []
    with contextlib.ExitStack() as stack:
        clock = None
        if cases[0].linux:
            clock = Clock(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        shims = [
            stack.enter_context(_running_shims([language], place, clock))[language]
            for _ in range(2)
        ]
        actors = _actors((language, shims[0]), (language, shims[1]))
        try:
            realm = stack.enter_context(running_realm(realm_binary))
            _check_start(shims[0])
            registry = documented_errors()
            for number, case in enumerate(cases, 1):
                run = CaseRun(case, actors, realm, registry, secrets, number, clock, place)
                outcome.verdicts[case.title, language] = _judged(run.verdict(), case.title, place)
        except (ShimBroken, RealmBroken) as error:
            outcome.not_started[language] = str(error)
    return outcome, [line for shim in shims for line in shim.said]


def run_between(
    languages: Sequence[str], cases: Sequence[Case], realm_binary: Path, place: Place = HERE
) -> Outcome:
    """Runs each case for every pair of languages; the verdict is for the first one."""
    outcome, secrets = Outcome(), Secrets()
    with _running_shims(languages, place) as ones, _running_shims(languages, place) as others:
        try:
            with running_realm(realm_binary) as realm:
                outcome.verdicts |= _verdicts_between(cases, ones, others, realm, secrets, place)
        except RealmBroken as error:
            outcome.not_started["the realm between languages"] = str(error)
            return outcome
    for language in languages:
        title = f"between: {NO_SECRET_SHOWS}"
        said = [*ones[language].said, *others[language].said]
        outcome.verdicts[title, language] = _no_secret_shows(secrets, said)
    return outcome


def _verdicts_between(
    cases: Sequence[Case],
    ones: Mapping[str, Shim],
    others: Mapping[str, Shim],
    realm: Realm,
    secrets: Secrets,
    place: Place,
) -> Verdicts:
    registry, verdicts = documented_errors(), Verdicts()
    runs = [(case, one, other) for case in cases for other in others for one in ones]
    for number, (written, one, other) in enumerate(runs, 1):
        case = written.with_other(other)
        actors = _actors((one, ones[one]), (other, others[other]))
        run = CaseRun(case, actors, realm, registry, secrets, number, place=place)
        verdicts[case.title, one] = _judged(run.verdict(), case.title, place)
    return verdicts


def _judged(verdict: Verdict, title: str, place: Place) -> Verdict:
    """A failure that the place is known for is none; to pass in spite of that, or to fail in
    another way, is one.
    """
    known = place.failures.get(title)
    if known is None or verdict.kind == UNSUPPORTED:
        return verdict
    if verdict.kind == OK:
        return Verdict(FAIL, (f"it is said to fail here ({known.because}), and passes",))
    if not any(known.says in problem for problem in verdict.problems):
        return Verdict(FAIL, (*verdict.problems, f"it is said to fail otherwise: {known.says}"))
    return Verdict(UNSUPPORTED, reason=known.because)


def _no_secret_shows(secrets: Secrets, said: list[Said]) -> Verdict:
    shown = tuple(dict.fromkeys(secrets.shown(said)))
    return Verdict(FAIL if shown else OK, shown)


def _actors(one: tuple[str, Shim], other: tuple[str, Shim]) -> dict[str, Actor]:
    return {"one": Actor(*one), "other": Actor(*other)}


@contextlib.contextmanager
def _running_shims(
    languages: Sequence[str], place: Place, clock: Clock | None = None
) -> Iterator[dict[str, Shim]]:
    """Each shim starts at its first call."""
    environment = {**place.environment, **({} if clock is None else clock.environment)}
    shims = {
        language: Shim([*bound_by_rights(), *place.shims[language]], environment, place.folder)
        for language in languages
    }
    try:
        yield shims
    finally:
        for shim in shims.values():
            shim.stop()


def _check_start(shim: Shim) -> None:
    reply = shim.finish(shim.start("version", {}), START_SECONDS)
    if "ok" not in reply:
        raise ShimBroken(f"it does not tell its version: {reply}")
