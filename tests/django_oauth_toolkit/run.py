"""The whole test against a real django-oauth-toolkit, which the library knows only by discovery.

`python3 run.py [--languages rust,c]`; the last line is `N passed, N failed`.
If the server cannot be installed or started, the test fails; `SKIP_DJANGO_OAUTH_TOOLKIT=1` skips
it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from django_oauth_toolkit.library_cases import NOT_HERE, DiscoveringLibrary, ToolkitAsker, cases
from django_oauth_toolkit.server import NAME, ToolkitServer, running_toolkit
from driver.child_server import CannotStart
from driver.installed import CannotInstall
from driver.programs import ROOT, environment
from driver.shim import ShimEnded, running_shim
from driver.shims import SHIMS
from keycloak.compare import BROKEN
from keycloak.library import Library
from keycloak.library_cases import Case
from keycloak.result import Result, judged


def library_cases(server: ToolkitServer, languages: Sequence[str]) -> Iterator[Result]:
    """How the library handles the server's responses, in every language."""
    for language in languages:
        try:
            with running_shim(SHIMS[language], ROOT) as shim:
                library = DiscoveringLibrary(shim, ToolkitAsker(server), language)
                for case in cases():
                    yield _result(f"{language}: {case.name}", case, library)
        except (OSError, ShimEnded) as problem:
            yield Result(f"{language}: the remaining cases", str(problem))


def _result(name: str, case: Case, library: Library) -> Result:
    try:
        return judged(name, case.run(library), case.expected)
    except BROKEN as problem:
        return Result(name, f"{type(problem).__name__}: {problem}")


def main() -> int:
    parser = argparse.ArgumentParser(description=f"Test the library against a real {NAME}.")
    parser.add_argument("--languages", default=",".join(SHIMS), metavar="NAMES")
    options = parser.parse_args()

    if os.environ.get("SKIP_DJANGO_OAUTH_TOOLKIT") == "1":
        print(f"{NAME}: SKIPPED, because SKIP_DJANGO_OAUTH_TOOLKIT=1")
        return 0
    languages = options.languages.split(",")
    if unknown := set(languages) - SHIMS.keys():
        parser.error(f"no such language: {', '.join(sorted(unknown))}")
    os.environ.update(environment())
    results: list[Result] = []
    try:
        with running_toolkit() as server:
            print(f"{NAME}: {server.version} runs at {server.issuer}", flush=True)
            for result in library_cases(server, languages):
                results.append(result)
                print(result, flush=True)
    except (CannotInstall, CannotStart) as problem:
        print(f"{NAME}: FAILED, {problem} (SKIP_DJANGO_OAUTH_TOOLKIT=1 skips this test)")
        return 1
    for name, reason in NOT_HERE.items():
        print(f"-       Keycloak's case: {name}: not asked, {reason}")

    failed = [result for result in results if result.problem is not None]
    print("", *failed, sep="\n")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
