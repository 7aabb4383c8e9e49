"""The whole test against a real Keycloak: the main job and the refusals in every language, then
the comparison with the local realm.

`python3 run.py [--languages rust,c] [--version V]`; the last line is `N passed, N failed`.
Where Keycloak cannot be run it fails, unless `SKIP_KEYCLOAK=1` says to skip it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.local_realm import running_local_realm
from driver.main_job import LIMIT_SECONDS, Login, Server, run_main_job
from driver.programs import PROGRAMS, ROOT, environment
from driver.shim import ShimEnded, running_shim
from driver.shims import SHIMS
from keycloak.asker import Asker
from keycloak.balance_api import running_balance_api
from keycloak.compare import BROKEN, REALM_BINARY, compare, report
from keycloak.library import Library
from keycloak.library_cases import CASES, Case
from keycloak.local_control import LocalRealmControl
from keycloak.realms import ANNA, REALMS, confidential
from keycloak.server import (
    VERSION,
    VERSIONS,
    KeycloakServer,
    KeycloakUnavailable,
    running_keycloak,
)

REDIRECT_URI = "http://127.0.0.1:53682/callback"
# Long enough for the first call of the API, short enough to wait for its end.
ACCESS_TOKEN_SECONDS = 4

Programs = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Result:
    name: str
    problem: str | None


def main_jobs(server: KeycloakServer, programs: Programs, limit: float) -> Iterator[Result]:
    """The whole job in every language, without and with rotation."""
    for realm in REALMS:
        client = confidential(realm)
        login = Login(client.id, client.secret or "", REDIRECT_URI, ANNA.name, ANNA.password)
        server.admin.configure_realm(realm, {"access_token_lifespan": ACCESS_TOKEN_SECONDS})
        with running_balance_api(server.base, realm) as api_url:
            where = Server(server.base, realm, api_url)
            for language, command in programs.items():
                outcome = run_main_job(language, command, where, login, limit=limit, cwd=ROOT)
                yield Result(f"main job, {language}, realm {realm}", outcome.problem)
        server.admin.restore_realm(realm)


def refusals(server: KeycloakServer, shims: Programs) -> Iterator[Result]:
    """What the library makes of Keycloak's answers, in every language, without and with rotation."""
    for language, command in shims.items():
        for realm in REALMS:
            where = f"{language}, realm {realm}"
            try:
                with running_shim(command, ROOT) as shim:
                    library = Library(shim, Asker(server.base, realm, server.admin))
                    for case in CASES:
                        if case.applies_to(realm, server.version):
                            yield Result(f"{where}: {case.name}", _problem(case, library))
            except ShimEnded as problem:
                yield Result(f"{where}: the cases from here on", str(problem))


def same_answers(server: KeycloakServer, realm_binary: Path) -> Iterator[Result]:
    """The local realm answers as the newest Keycloak does, one result per question."""
    if server.version != VERSION:
        return
    with running_local_realm(realm_binary) as realm:
        compared = compare((server.base, server.admin), (realm.base, LocalRealmControl(realm.http)))
    print(report(compared), flush=True)
    differing: dict[str, list[str]] = {}
    for difference in compared.failures:
        question = f"{difference.question}, realm {difference.realm}"
        differing.setdefault(question, []).append(difference.field)
    for question in compared.asked:
        fields = differing.get(question)
        problem = f"differs in {', '.join(fields)}" if fields else None
        yield Result(f"same answer: {question}", problem)


def _problem(case: Case, library: Library) -> str | None:
    try:
        outcomes = tuple(reply.outcome for reply in case.run(library))
    except BROKEN as problem:
        return f"{type(problem).__name__}: {problem}"
    if outcomes == case.expected:
        return None
    return f"gave {' '.join(outcomes)}, expected {' '.join(case.expected)}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Test the library against a real Keycloak.")
    parser.add_argument("--version", choices=VERSIONS, default=VERSION)
    parser.add_argument("--languages", default="rust,python,aio,node,c", metavar="NAMES")
    parser.add_argument("--realm-binary", type=Path, default=REALM_BINARY)
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds per program")
    options = parser.parse_args()

    if os.environ.get("SKIP_KEYCLOAK") == "1":
        print("keycloak: SKIPPED, because SKIP_KEYCLOAK=1")
        return 0
    languages = options.languages.split(",")
    programs, shims = _chosen(PROGRAMS, languages), _chosen(SHIMS, languages)
    os.environ.update(environment())
    results: list[Result] = []
    try:
        with running_keycloak(options.version) as server:
            print(f"keycloak: {server.version} runs at {server.base}", flush=True)
            for result in chain(
                main_jobs(server, programs, options.limit),
                refusals(server, shims),
                same_answers(server, options.realm_binary),
            ):
                results.append(result)
                print(_line(result), flush=True)
    except KeycloakUnavailable as problem:
        print(f"keycloak: FAILED, {problem} (SKIP_KEYCLOAK=1 skips this test)")
        return 1

    failed = [result for result in results if result.problem is not None]
    print("", *map(_line, failed), sep="\n")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not results else 0


def _chosen(table: Programs, languages: Sequence[str]) -> Programs:
    return {language: table[language] for language in languages if language in table}


def _line(result: Result) -> str:
    if result.problem is None:
        return f"ok      {result.name}"
    return f"FAILED  {result.name}: {result.problem}"


if __name__ == "__main__":
    sys.exit(main())
