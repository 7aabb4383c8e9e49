"""The whole test against a real Keycloak.

In every language: the main job, and how the library handles errors, error pages, and outages. Also
the comparison with the local realm.

`python3 run.py [--languages rust,c] [--version V]`; the last line is `N passed, N failed`.
If Keycloak cannot run here, the test fails; `SKIP_KEYCLOAK=1` skips it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.shim import ShimBroken
from chaos.contention import LIFE_SECONDS, SECONDS, fight
from driver.local_realm import running_local_realm
from driver.main_job import LIMIT_SECONDS, Login, Server, run_main_job
from driver.programs import PROGRAMS, ROOT, environment
from driver.shim import ShimEnded, running_shim
from driver.shims import SHIMS
from keycloak import address_cases, openid_cases, session_cases
from keycloak import library_cases as refusal_cases
from keycloak.asker import Asker
from keycloak.balance_api import running_balance_api
from keycloak.compare import BROKEN, REALM_BINARY, compare, report
from keycloak.distribution import VERSION, VERSIONS, KeycloakUnavailable
from keycloak.events import counting_events
from keycloak.library import Library
from keycloak.library_cases import Case
from keycloak.local_control import LocalRealmControl
from keycloak.outage import outage
from keycloak.parallel import in_every_realm
from keycloak.realms import ANNA, SIPGATE_APPS, confidential
from keycloak.result import Result, judged
from keycloak.server import KeycloakServer, running_keycloak

CASES = (
    *refusal_cases.CASES,
    *address_cases.CASES,
    *session_cases.CASES,
    # Last, because some of them change keys, and a process fetches new ones once in a while.
    *openid_cases.CASES,
)
REDIRECT_URI = "http://127.0.0.1:53682/callback"
# Long enough for the first call of the API, short enough to wait for the expiry.
ACCESS_TOKEN_SECONDS = 4

Programs = Mapping[str, Sequence[str]]


def main_jobs(
    server: KeycloakServer, programs: Programs, limit: float, realm: str
) -> Iterator[Result]:
    """The main job in every language."""
    client = confidential(realm)
    login = Login(client.id, client.secret or "", REDIRECT_URI, ANNA.name, ANNA.password)
    server.admin.configure_realm(realm, {"access_token_lifespan": ACCESS_TOKEN_SECONDS})
    with running_balance_api(server.base, realm) as api_url:
        where = Server(server.base, realm, api_url)
        for language, command in programs.items():
            outcome = run_main_job(language, command, where, login, limit=limit, cwd=ROOT)
            yield Result(f"main job, {language}, realm {realm}", outcome.problem)
    server.admin.restore_realm(realm)


def library_cases(server: KeycloakServer, shims: Programs, realm: str) -> Iterator[Result]:
    """How the library handles Keycloak's responses, in every language."""
    for language, command in shims.items():
        where = f"{language}, realm {realm}"
        try:
            with running_shim(command, ROOT) as shim:
                library = Library(shim, Asker(server.base, realm, server.admin), language)
                for case in CASES:
                    expected = case.expected_at(realm, server.version)
                    if expected is not None:
                        yield _result(f"{where}: {case.name}", case, library, expected)
        except ShimEnded as problem:
            yield Result(f"{where}: the remaining cases", str(problem))


def contention(
    server: KeycloakServer, languages: Sequence[str], seconds: float
) -> Iterator[Result]:
    """Processes of all languages share one login; each refresh token may be used once."""
    server.admin.configure_realm(SIPGATE_APPS, {"access_token_lifespan": LIFE_SECONDS})
    browser = Asker(server.base, SIPGATE_APPS, server.admin).browser()
    name = f"contention of {', '.join(languages)}, realm {SIPGATE_APPS}"
    try:
        with counting_events(server.admin, SIPGATE_APPS) as seen:
            fought = fight(
                server.base,
                SIPGATE_APPS,
                browser.log_in,
                seen,
                languages=languages,
                seconds=seconds,
            )
        print(f"contention: {fought}", flush=True)
        yield Result(name, "; ".join(fought.problems()) or None)
    except (ShimBroken, *BROKEN) as problem:
        yield Result(name, str(problem))
    server.admin.restore_realm(SIPGATE_APPS)


def same_responses(server: KeycloakServer, realm_binary: Path) -> Iterator[Result]:
    """The local realm responds as Keycloak does; one result per question."""
    with running_local_realm(realm_binary) as realm:
        control = LocalRealmControl(realm.http)
        compared = compare((server.base, server.admin), (realm.base, control), server.version)
    print(report(compared), flush=True)
    differing: dict[str, list[str]] = {}
    for difference in compared.failures:
        question = f"{difference.question}, realm {difference.realm}"
        differing.setdefault(question, []).append(difference.field)
    for question in compared.asked:
        fields = differing.get(question)
        problem = f"differs in {', '.join(fields)}" if fields else None
        yield Result(f"same response: {question}", problem)
    for reason in compared.needless:
        yield Result(f"allowed: {reason}", "no longer needed")


def _result(name: str, case: Case, library: Library, expected: Sequence[str]) -> Result:
    try:
        return judged(name, case.run(library), expected)
    except BROKEN as problem:
        return Result(name, f"{type(problem).__name__}: {problem}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Test the library against a real Keycloak.")
    parser.add_argument("--version", choices=VERSIONS, default=VERSION)
    parser.add_argument("--languages", default="rust,python,aio,node,c", metavar="NAMES")
    parser.add_argument("--realm-binary", type=Path, default=REALM_BINARY)
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds per program")
    parser.add_argument("--contention", type=float, default=SECONDS, help="seconds of contention")
    options = parser.parse_args()

    if os.environ.get("SKIP_KEYCLOAK") == "1":
        print("keycloak: SKIPPED, because SKIP_KEYCLOAK=1")
        return 0
    languages = options.languages.split(",")
    if unknown := set(languages) - PROGRAMS.keys() - SHIMS.keys():
        parser.error(f"no such language: {', '.join(sorted(unknown))}")
    programs, shims = _chosen(PROGRAMS, languages), _chosen(SHIMS, languages)
    os.environ.update(environment())
    results: list[Result] = []
    try:
        with running_keycloak(options.version) as server:
            print(f"keycloak: {server.version} runs at {server.base}", flush=True)
            for result in chain(
                in_every_realm(partial(main_jobs, server, programs, options.limit)),
                # Before the cases, which leave more keys than a new realm has.
                same_responses(server, options.realm_binary),
                in_every_realm(partial(library_cases, server, shims)),
                contention(server, list(shims), options.contention),
                outage(server, shims),
            ):
                results.append(result)
                print(result, flush=True)
    except KeycloakUnavailable as problem:
        print(f"keycloak: FAILED, {problem} (SKIP_KEYCLOAK=1 skips this test)")
        return 1

    failed = [result for result in results if result.problem is not None]
    print("", *failed, sep="\n")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not results else 0


def _chosen(table: Programs, languages: Sequence[str]) -> Programs:
    return {language: table[language] for language in languages if language in table}


if __name__ == "__main__":
    sys.exit(main())
