"""Every way a refresh can fail, for a token that is fresh, one that should be renewed, and one that has ended.

A fresh token is given without asking anybody. One that should be renewed is given although the renewal fails. One that has ended is
not: the caller learns what failed, and the login stays, but where the server refused it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member
from driver.programs import DEBUG

REALM = "third-party"

# A token of this life should be renewed after 48 s and has ended, for the library, after 54 s.
LIFE_SECONDS = 60
AGING_AFTER = 48.5
OVER_AFTER = 54.5
REQUEST_TIMEOUT = 0.3

PAGE = {"headers": {"content-type": "text/html"}, "body": "<html>"}


@dataclass(frozen=True)
class Fault:
    """`code` is what a caller gets whose token has ended; `requests` is how many the server sees of one call."""

    name: str
    order: Mapping[str, Any]
    code: str
    requests: int = 1
    refuses: bool = False


def answer(status: int, **more: object) -> dict[str, Any]:
    return {"kind": "answer", "status": status, **more}


FAULTS = (
    Fault("503", answer(503), "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("502 with a page", answer(502, **PAGE), "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("429", answer(429), "SIPGATE_SERVER_UNAVAILABLE"),
    Fault("401", answer(401, json={"error": "invalid_client"}), "SIPGATE_INVALID_CLIENT"),
    Fault("404 with a page", answer(404, **PAGE), "SIPGATE_WRONG_ENDPOINT"),
    Fault("302", answer(302), "SIPGATE_WRONG_ENDPOINT"),
    Fault("400 with another code", answer(400, json={"error": "x"}), "SIPGATE_OAUTH"),
    Fault("200 with a page", answer(200, **PAGE), "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("200 without tokens", answer(200, json={}), "SIPGATE_BAD_RESPONSE"),
    Fault("no answer", {"kind": "silent"}, "SIPGATE_OUTCOME_UNKNOWN"),
    Fault("closed", {"kind": "close_before", "times": 2}, "SIPGATE_OUTCOME_UNKNOWN", 2),
    Fault("reset", {"kind": "reset_before", "times": 2}, "SIPGATE_OUTCOME_UNKNOWN", 2),
    Fault("cut off", {"kind": "truncate", "times": 2}, "SIPGATE_OUTCOME_UNKNOWN", 2),
    Fault(
        "invalid_grant",
        answer(400, json={"error": "invalid_grant"}),
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
        member.call("tokens.restore", name=fault.name, json=json.dumps(tokens))
        member.call("client.token_source", client="client", account=fault.name, source=fault.name)
        member.call("source.save", source=fault.name, tokens=fault.name)

    def while_fresh(self) -> Iterator[str]:
        yield from self._expect(None, 0, ordered=False)

    def while_aging(self) -> Iterator[str]:
        refused = self.fault.code if self.fault.refuses else None
        yield from self._expect(refused, self.fault.requests)
        yield from self._stays()

    def when_over(self) -> Iterator[str]:
        # A login that was refused is not tried again by itself.
        requests = 0 if self.fault.refuses else self.fault.requests
        yield from self._expect(self.fault.code, requests, ordered=bool(requests))
        yield from self._stays()

    def _expect(self, code: str | None, requests: int, *, ordered: bool = True) -> Iterator[str]:
        if ordered:
            self._realm.order("faults", {"on": "token", **self.fault.order})
        before = self._realm.counters()["token_requests"]
        answer = self._member.end(self._member.begin("source.access_token", source=self.fault.name))
        seen = self._realm.counters()["token_requests"] - before
        error = answer.get("error") or {}
        if error.get("code") != code:
            yield f"gave {error.get('code', 'a token')}, expected {code or 'the token'}"
        elif code is None and answer["ok"]["access_token"] != self._token:
            yield "gave another token"
        if seen != requests:
            yield f"the server saw {seen} requests, expected {requests}"

    def _stays(self) -> Iterator[str]:
        state = self._member.call("source.status", source=self.fault.name)["state"]
        if state != ("refused" if self.fault.refuses else "active"):
            yield f"the login is {state}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", default="rust")
    language = parser.parse_args().language
    problems = []
    with running_realm(DEBUG / "realm") as realm:
        base = f"{realm.ready['http']}/auth"
        store = {"kind": "memory"}
        member = Member(language, base, REALM, store, "nobody", request_timeout=REQUEST_TIMEOUT)
        try:
            # At the beginning of a second, as expiries are whole ones.
            time.sleep(1 - time.time() % 1)
            started = time.time()
            callers = [Caller(realm, member, fault, started) for fault in FAULTS]
            for state, after, check in (
                ("fresh", 0.0, Caller.while_fresh),
                ("should be renewed", AGING_AFTER, Caller.while_aging),
                ("has ended", OVER_AFTER, Caller.when_over),
            ):
                time.sleep(max(0.0, started + after - time.time()))
                for caller in callers:
                    problems += [
                        f"{caller.fault.name}, the token {state}: {problem}"
                        for problem in check(caller)
                    ]
        finally:
            member.stop()
    for problem in problems:
        print(f"FAILED: {problem}")
    print(f"faults: {len(FAULTS)} x 3 states of the token in {language}, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
