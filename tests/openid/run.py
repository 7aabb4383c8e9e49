#!/usr/bin/env python3
"""The judge: what a server may send, and what a relying party must make of it.

The rows of `rows.json` say in our words what the modules of the public conformance plans for
relying parties do. They run in every language, against the local realm. A row is written as the
cases of `tests/behaviour` are; its `saw` counts requests by the endpoint, or says what the only
one was like.

`openid-client`, a certified relying party from npm, keeps the realm honest: it must accept and
refuse the same. A row that it cannot judge says why, as `unsupported`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner import report
from behaviour.runner.cases import Case, Step, cases_of, matching
from behaviour.runner.matching import NO_CALL, differences
from behaviour.runner.realm import RealmBroken, running_realm
from behaviour.runner.registry import documented_errors
from behaviour.runner.running import (
    FAIL,
    OK,
    UNSUPPORTED,
    Actor,
    CaseRun,
    Failed,
    Running,
    Unsupported,
    Verdict,
)
from behaviour.runner.secrets import Secrets
from behaviour.runner.shim import Shim, ShimBroken
from behaviour.runner.values import expand
from driver.installed import CannotInstall
from driver.programs import REALM_PROGRAM, ROOT
from driver.shims import SHIMS
from openid.peers.installed import PACKAGES

HERE = ROOT / "tests" / "openid"
GUARD = "openid-client"
JUDGED: Mapping[str, Sequence[str]] = {
    **SHIMS,
    GUARD: ["node", str(HERE / "openid_client.mjs"), str(PACKAGES.modules)],
}
AT_ONCE = 2


class RowRun(CaseRun):
    """A row in one of our languages."""

    def _check_saw(self) -> None:
        requests: dict[str, list[Mapping[str, Any]]] = {}
        for request in self._realm.requests():
            requests.setdefault(_endpoint(request["path"]), []).append(request)
        for name, expected in expand(self._case.saw, self._scope).items():
            found = requests.get("certs" if name == "keys" else name, [])
            if name == "keys":
                places = [f"{one['path']}?{one['query']}".rstrip("?") for one in found]
                problems = differences(expected, places, NO_CALL, "the addresses of the keys")
            elif isinstance(expected, int):
                problems = differences(expected, len(found), NO_CALL, f"requests for {name}")
            else:
                problems = differences([expected], [_shown(one) for one in found], NO_CALL, name)
            if problems:
                raise Failed("\n".join(problems))


class GuardRun(RowRun):
    """A row for `openid-client`. It has errors of its own: any of them is a refusal."""

    def verdict(self) -> Verdict:
        verdict = super().verdict()
        reason = self._case.unsupported.get(GUARD)
        differs = verdict.kind == FAIL and reason is not None
        return Verdict(UNSUPPORTED, reason=reason or "") if differs else verdict

    def _finish(self, step: Step, running: Running) -> None:
        reply = running.shim.finish(running.number, running.limit)
        if "unsupported" in reply:
            raise Unsupported(reply["unsupported"])
        error = reply.get("error")
        if error is not None and "error" not in step:
            raise Failed(f"refused: {error['message']}")
        if error is None and "error" in step:
            raise Failed("accepted what it should refuse")
        if error is None:
            problems = differences(expand(step.get("expect", {}), self._scope), reply["ok"])
            if problems:
                raise Failed("\n".join(problems))
        running.result = reply["ok"] if error is None else error


def _endpoint(path: str) -> str:
    """The name that the realm has for it: each path below `certs` lists the keys."""
    if "/certs" in path:
        return "certs"
    last = path.rpartition("/")[2]
    return "discovery" if last == "openid-configuration" else last


def _shown(request: Mapping[str, Any]) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in request["headers"]}
    return {"method": request["method"], "headers": headers}


def run_rows(language: str, rows: Sequence[Case], realm_binary: Path) -> report.Verdicts:
    run = GuardRun if language == GUARD else RowRun
    verdicts: dict[tuple[str, str], Verdict] = {}
    shim = Shim(JUDGED[language])
    try:
        with running_realm(realm_binary) as realm:
            registry, secrets = documented_errors(), Secrets()
            for number, row in enumerate(rows, 1):
                actors = {"one": Actor(language, shim)}
                made = run(row, actors, realm, registry, secrets, number)
                verdicts[row.title, language] = made.verdict()
                # What a process knows of keys would change the next row.
                shim.stop()
    except (ShimBroken, RealmBroken) as problem:
        verdicts["the judge", language] = Verdict(FAIL, (str(problem),))
    finally:
        shim.stop()
    return verdicts


def main() -> int:
    options = parsed_options()
    languages = options.languages.split(",")
    if unknown := set(languages) - JUDGED.keys():
        sys.exit(f"no such language: {', '.join(sorted(unknown))}; there are {', '.join(JUDGED)}")
    if GUARD in languages:
        try:
            PACKAGES.install()
        except CannotInstall as problem:
            print(f"{GUARD}: SKIPPED, because it cannot be installed: {problem}")
            languages.remove(GUARD)
    rows = matching(list(cases_of(HERE / "rows.json", "row", {})), options.row)
    verdicts: dict[tuple[str, str], Verdict] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(lambda one: run_rows(one, rows, options.realm), languages):
            verdicts |= found
    titles = list(dict.fromkeys(title for title, _ in verdicts))
    for line in report.matrix(titles, languages, verdicts):
        print(line)
    for line in report.failures(titles, languages, verdicts):
        print(line)
    for line in report.unsupported(titles, languages, verdicts):
        print(line)
    kinds = [verdict.kind for verdict in verdicts.values()]
    print(f"{kinds.count(OK)} passed, {kinds.count(FAIL)} failed")
    return 1 if FAIL in kinds or OK not in kinds else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(JUDGED), help="which (default: all)")
    parser.add_argument("--row", default="", help="only rows whose title contains this")
    parser.add_argument("--realm", type=Path, default=REALM_PROGRAM, help="the realm's program")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
