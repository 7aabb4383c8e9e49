"""The whole test against a real oidc-provider with strict refresh token rotation.

In every language: the main job, and how the library handles the provider's responses. Also
questions by raw HTTP.

`python3 run.py [--languages rust,c]`; the last line is `N passed, N failed`.
If the provider cannot be installed or started, the test fails; `SKIP_OIDC_PROVIDER=1` skips it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.shim import ShimBroken
from chaos.contention import LIFE_SECONDS, SECONDS, Seen, fight
from driver.child_server import CannotStart
from driver.installed import CannotInstall
from driver.main_job import LIMIT_SECONDS, Login, Server, run_main_job
from driver.programs import PROGRAMS, ROOT, environment
from driver.shim import ShimEnded, running_shim
from driver.shims import SHIMS
from keycloak.asker import REDIRECT_URI
from keycloak.compare import BROKEN
from keycloak.control import CannotControl
from keycloak.library import Library
from keycloak.library_cases import Case
from keycloak.realms import ANNA
from oidc_provider.asker import POST_CLIENT, ProviderAsker
from oidc_provider.library_cases import NOT_HERE, cases
from oidc_provider.pages import DevelopmentPages
from oidc_provider.questions import QUESTIONS
from oidc_provider.server import REALM, ProviderServer, running_provider

# Long enough for the first call of the API, short enough to wait for the expiry.
ACCESS_TOKEN_SECONDS = 4

Commands = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Result:
    """`not_asked` is the reason if the test neither passed nor failed."""

    name: str
    problem: str | None = None
    not_asked: str | None = None

    def __str__(self) -> str:
        if self.not_asked is not None:
            return f"-       {self.name}: not asked, {self.not_asked}"
        return (
            f"ok      {self.name}"
            if self.problem is None
            else f"FAILED  {self.name}: {self.problem}"
        )


def main_jobs(server: ProviderServer, programs: Commands, limit: float) -> Iterator[Result]:
    """The main job in every language."""
    login = Login(POST_CLIENT.id, POST_CLIENT.secret or "", REDIRECT_URI, ANNA.name, ANNA.password)
    where = Server(server.base, REALM, server.api_url)
    short_lived = ProviderAsker(server).configured({"access_token_lifespan": ACCESS_TOKEN_SECONDS})
    with short_lived:
        for language, command in programs.items():
            browser = DevelopmentPages(ANNA.name, ANNA.password)
            outcome = run_main_job(
                language, command, where, login, limit=limit, cwd=ROOT, browser=browser
            )
            yield Result(f"main job, {language}", outcome.problem)


def questions(server: ProviderServer) -> Iterator[Result]:
    """The provider's own responses."""
    ask = ProviderAsker(server)
    for question in QUESTIONS:
        yield _judge(f"raw: {question.name}", question.expected, partial(question.ask, ask))


def refusals(server: ProviderServer, shims: Commands) -> Iterator[Result]:
    """How the library handles the provider's responses, in every language."""
    for language, command in shims.items():
        try:
            with running_shim(command, ROOT) as shim:
                library = Library(shim, ProviderAsker(server), language)
                for case in cases():
                    name = f"{language}: {case.name}"
                    yield _judge(name, case.expected, partial(_outcomes, case, library))
        except (OSError, ShimEnded) as problem:
            yield Result(f"{language}: the remaining cases", str(problem))


def contention(
    server: ProviderServer, languages: Sequence[str], seconds: float
) -> Iterator[Result]:
    """Processes of all languages share one login; each refresh token may be used once."""
    ask = ProviderAsker(server)
    browser = ask.browser()
    name = f"contention of {', '.join(languages)}"

    def seen() -> Seen:
        counted = server.control.seen()
        return Seen(counted["tokenRequests"], counted["invalidGrant"])

    try:
        with ask.configured({"access_token_lifespan": LIFE_SECONDS}):
            fought = fight(
                server.base, REALM, browser.log_in, seen, languages=languages, seconds=seconds
            )
        print(f"contention: {fought}", flush=True)
        yield Result(name, "; ".join(fought.problems()) or None)
    except (ShimBroken, *BROKEN) as problem:
        yield Result(name, str(problem))


def not_here() -> Iterator[Result]:
    for name, reason in NOT_HERE.items():
        yield Result(f"Keycloak's case: {name}", not_asked=reason)


def _outcomes(case: Case, library: Library) -> Sequence[str]:
    return [reply.outcome for reply in case.run(library)]


def _judge(name: str, expected: tuple[str, ...], ask: Callable[[], Sequence[str]]) -> Result:
    try:
        outcomes = tuple(ask())
    except CannotControl as reason:
        return Result(name, not_asked=str(reason))
    except BROKEN as problem:
        return Result(name, f"{type(problem).__name__}: {problem}")
    if outcomes == expected:
        return Result(name)
    return Result(name, f"gave {', '.join(outcomes)}; expected {', '.join(expected)}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Test the library against a real oidc-provider.")
    parser.add_argument("--languages", default="rust,python,aio,node,c", metavar="NAMES")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds per program")
    parser.add_argument("--contention", type=float, default=SECONDS, help="seconds of contention")
    options = parser.parse_args()

    if os.environ.get("SKIP_OIDC_PROVIDER") == "1":
        print("oidc-provider: SKIPPED, because SKIP_OIDC_PROVIDER=1")
        return 0
    languages = options.languages.split(",")
    if unknown := set(languages) - PROGRAMS.keys() - SHIMS.keys():
        parser.error(f"no such language: {', '.join(sorted(unknown))}")
    os.environ.update(environment())
    results: list[Result] = []
    try:
        with running_provider() as server:
            print(f"oidc-provider: {server.version} runs at {server.issuer}", flush=True)
            for result in chain(
                main_jobs(server, _chosen(PROGRAMS, languages), options.limit),
                questions(server),
                refusals(server, _chosen(SHIMS, languages)),
                contention(server, list(_chosen(SHIMS, languages)), options.contention),
                not_here(),
            ):
                results.append(result)
                print(result, flush=True)
    except (CannotInstall, CannotStart) as problem:
        print(f"oidc-provider: FAILED, {problem} (SKIP_OIDC_PROVIDER=1 skips this test)")
        return 1

    failed = [result for result in results if result.problem is not None]
    passed = [result for result in results if result.problem is None and result.not_asked is None]
    print("", *failed, sep="\n")
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


def _chosen(table: Commands, languages: Sequence[str]) -> Commands:
    return {language: table[language] for language in languages if language in table}


if __name__ == "__main__":
    sys.exit(main())
