"""Every way a refresh can fail, for a fresh, an aging, and an expired token, in every language.

A fresh token is returned without a request. An aging one should be refreshed; it is returned at
once, and the refresh fails in the background. An expired one is not returned: the caller gets the
error, and the login is kept unless the server rejected it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS

REALM = "third-party"

# With this lifetime, the library refreshes a token after 48 s and treats it as expired after 54 s.
LIFE_SECONDS = 60
AGING_AFTER = 48.5
EXPIRED_AFTER = 54.5
REQUEST_TIMEOUT = 0.3
# Long enough to tell a failure that is not recorded from a slow machine.
FAILURE_SECONDS = 5.0
# The distance between accounts, so that each has enough time even on a slow machine.
APART = 0.5

PAGE = {"headers": {"content-type": "text/html"}, "body": "<html>"}


@dataclass(frozen=True)
class Fault:
    """`code` is what a caller with an expired token gets; `requests` is how many one call sends."""

    name: str
    order: Mapping[str, Any]
    code: str
    requests: int = 1
    refuses: bool = False


def respond(status: int, **more: object) -> dict[str, Any]:
    return {"kind": "answer", "status": status, **more}


FAULTS = (
    Fault("503", respond(503), "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("502 with a page", respond(502, **PAGE), "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("429", respond(429), "SIPGATE_SERVER_UNAVAILABLE"),
    Fault("401", respond(401, json={"error": "invalid_client"}), "SIPGATE_INVALID_CLIENT"),
    Fault("404 with a page", respond(404, **PAGE), "SIPGATE_WRONG_ENDPOINT"),
    Fault("302", respond(302), "SIPGATE_WRONG_ENDPOINT"),
    Fault("400 with another code", respond(400, json={"error": "x"}), "SIPGATE_OAUTH"),
    Fault("200 with a page", respond(200, **PAGE), "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("200 without tokens", respond(200, json={}), "SIPGATE_BAD_RESPONSE"),
    Fault("no response", {"kind": "silent"}, "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("closed", {"kind": "close_before", "times": 2}, "SIPGATE_OUTCOME_UNKNOWN", 2),
    Fault("reset", {"kind": "reset_before", "times": 2}, "SIPGATE_OUTCOME_UNKNOWN", 2),
    Fault("cut off", {"kind": "truncate", "times": 2}, "SIPGATE_OUTCOME_UNKNOWN", 2),
    Fault(
        "invalid_grant",
        respond(400, json={"error": "invalid_grant"}),
        "SIPGATE_LOGIN_REQUIRED",
        refuses=True,
    ),
)


class Caller:
    """One account whose refreshes fail in one way."""

    def __init__(self, realm: Realm, member: Member, fault: Fault, now: float) -> None:
        self.fault = fault
        self._realm = realm
        self._member = member
        self._token = f"canary-{fault.name}".replace(" ", "-")
        tokens = {
            "access_token": self._token,
            "refresh_token": f"canary-refresh-{fault.name}",
            "expires_at": int(now) + LIFE_SECONDS,
        }
        saved = f"tokens, {fault.name}"
        member.call("tokens.restore", name=saved, json=json.dumps(tokens))
        member.call("client.token_source", client="client", account=fault.name, source=fault.name)
        member.call("source.save", source=fault.name, tokens=saved)

    def while_fresh(self) -> Iterator[str]:
        yield from self._expect(None, 0, ordered=False)

    def while_aging(self) -> Iterator[str]:
        yield from self._expect(None, self.fault.requests)
        yield from self._stays()

    def when_expired(self) -> Iterator[str]:
        # A login that was rejected is not retried automatically.
        requests = 0 if self.fault.refuses else self.fault.requests
        yield from self._expect(self.fault.code, requests, ordered=bool(requests))
        yield from self._stays()

    def _expect(self, code: str | None, requests: int, *, ordered: bool = True) -> Iterator[str]:
        if ordered:
            self._realm.order("faults", {"on": "token", **self.fault.order})
        before = self._realm.counters()["token_requests"]
        reply = self._member.end(self._member.begin("source.access_token", source=self.fault.name))
        if ordered and code is None:
            self._await_the_failure()
        seen = self._realm.counters()["token_requests"] - before
        error = reply.get("error") or {}
        if error.get("code") != code:
            yield f"gave {error.get('code', 'a token')}, expected {code or 'the token'}"
        elif code is None and reply["ok"]["access_token"] != self._token:
            yield "gave another token"
        if seen != requests:
            yield f"the server saw {seen} requests, expected {requests}"

    def _await_the_failure(self) -> None:
        """Waits for the refresh that the call started but did not wait for."""
        end = time.monotonic() + FAILURE_SECONDS
        while time.monotonic() < end:
            if self._member.call("source.status", source=self.fault.name)["last_error"]:
                return
            time.sleep(0.02)

    def _stays(self) -> Iterator[str]:
        state = self._member.call("source.status", source=self.fault.name)["state"]
        if state != ("rejected" if self.fault.refuses else "active"):
            yield f"the login is {state}"


STATES: tuple[tuple[str, float, Callable[[Caller], Iterator[str]]], ...] = (
    ("fresh", 0.0, Caller.while_fresh),
    ("aging", AGING_AFTER, Caller.while_aging),
    ("expired", EXPIRED_AFTER, Caller.when_expired),
)


def problems_of(language: str) -> dict[str, list[str]]:
    """The problems by the name of the fault.

    Each language has its own realm, because a fault applies to the next request.
    """
    problems: dict[str, list[str]] = {fault.name: [] for fault in FAULTS}
    due: list[tuple[float, str, str, Callable[[], Iterator[str]]]] = []
    with running_realm(REALM_PROGRAM) as realm:
        base = f"{realm.ready['http']}/auth"
        store = {"kind": "memory"}
        member = Member(language, base, REALM, store, "nobody", request_timeout=REQUEST_TIMEOUT)
        try:
            # At the start of a second, because expiry times are whole seconds.
            time.sleep(1 - time.time() % 1)
            started = time.time()
            for number, fault in enumerate(FAULTS):
                begins = started + number * APART
                time.sleep(max(0.0, begins - time.time()))
                caller = Caller(realm, member, fault, begins)
                due += [
                    (begins + after, state, fault.name, partial(check, caller))
                    for state, after, check in STATES
                ]
            for moment, state, name, check_it in sorted(due, key=itemgetter(0)):
                time.sleep(max(0.0, moment - time.time()))
                problems[name] += [f"{state} token: {problem}" for problem in check_it()]
        finally:
            member.stop()
    return problems


def table(found: Mapping[str, Mapping[str, list[str]]]) -> str:
    """A row per fault: the results with an aging and with an expired token, and the languages."""
    rows = [("", "aging", "expired", "requests", *found)]
    for fault in FAULTS:
        requests = f"{fault.requests}, {0 if fault.refuses else fault.requests}"
        verdicts = ("FAILED" if of[fault.name] else "ok" for of in found.values())
        rows.append((fault.name, "the token", fault.code, requests, *verdicts))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(SHIMS))
    languages = parser.parse_args().languages.split(",")
    # All at once, because they mostly wait for a token to age.
    with ThreadPoolExecutor(len(languages)) as pool:
        found = dict(zip(languages, pool.map(problems_of, languages), strict=True))
    print(table(found))
    failures = [
        f"{fault}, {language}, {problem}"
        for language, of in found.items()
        for fault, problems in of.items()
        for problem in problems
    ]
    for failure in failures:
        print(f"FAILED: {failure}")
    cases = len(FAULTS) * len(STATES) * len(languages)
    print(f"faults: {cases} cases, {len(failures)} problems")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
