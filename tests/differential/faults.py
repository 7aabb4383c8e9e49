#!/usr/bin/env python3
"""Every fault of the local realm, for exchange and refresh, plain and TLS, new and used clients.

The checks in every language: the error code, the requests that the realm saw, that the client works
afterwards, that no thread and no descriptor is leaked, and that no secret is shown.
`core/tests/faults.rs` checks the core against the same table.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, RealmBroken, running_realm
from behaviour.runner.secrets import CANARY, Secrets, visible
from behaviour.runner.shim import Shim, ShimBroken
from differential.held import Held, at_rest, until_given_back
from differential.input import REDIRECT_URI
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS

OK = "ok"
# Far longer than a response takes on a busy machine.
DEADLINE = 3.0

# How many cases run before the count of threads and descriptors.
WARM_UP = 8

# Long enough to tell a hanging shim from a slow one.
CALL_SECONDS = 60.0

CLIENT = {"client_id": "1000001-0-test:third-party", "client_secret": "test-secret-with-+-and-:"}


@dataclass(frozen=True)
class Expectation:
    """How a code exchange and a refresh end at a fault, and whether the request is sent."""

    fault: Mapping[str, Any]
    exchange: str
    refresh: str
    sent: bool = True

    @property
    def on_connection(self) -> bool:
        return bool(self.fault["on"] == "connection")


@dataclass(frozen=True)
class Case:
    expectation: Expectation
    address: str
    used: bool
    exchange: bool

    def __str__(self) -> str:
        grant = "exchange" if self.exchange else "refresh"
        client = "used" if self.used else "new"
        return f"{grant}, {self.address}, {client} client, {dict(self.expectation.fault)}"


def expectations() -> Iterator[Expectation]:
    yield _on_connection("close", "SIPGATE_TRANSPORT")
    yield _on_connection("reset", "SIPGATE_TRANSPORT")
    yield _on_connection("close_after_client_hello", "SIPGATE_TRANSPORT")
    yield _on_connection("silent", "SIPGATE_TIMEOUT")
    # The code is made up, so the realm's own response is a refusal. The refresh token is real.
    yield Expectation({"on": "token", "kind": "delay", "ms": 200}, "SIPGATE_LOGIN_FAILED", OK)
    elsewhere = {
        "on": "token",
        "kind": "redirect",
        "status": 307,
        "location": "http://127.0.0.1:1/",
    }
    yield Expectation(elsewhere, "SIPGATE_WRONG_ENDPOINT", "SIPGATE_WRONG_ENDPOINT")
    yield _response(200, "SIPGATE_LOGIN_FAILED", "SIPGATE_OUTCOME_UNKNOWN")
    yield _response(404, "SIPGATE_WRONG_ENDPOINT", "SIPGATE_WRONG_ENDPOINT")
    yield _response(429, "SIPGATE_SERVER_UNAVAILABLE", "SIPGATE_SERVER_UNAVAILABLE")
    yield _response(502, "SIPGATE_LOGIN_FAILED", "SIPGATE_OUTCOME_UNKNOWN")
    in_doubt = "silent drip close_before close_after reset_before reset_after truncate oversize huge_header"
    for kind in in_doubt.split():
        fault = {"on": "token", "kind": kind}
        yield Expectation(fault, "SIPGATE_LOGIN_FAILED", "SIPGATE_OUTCOME_UNKNOWN")


def _on_connection(kind: str, code: str) -> Expectation:
    return Expectation({"on": "connection", "kind": kind}, code, code, sent=False)


def _response(status: int, exchange: str, refresh: str) -> Expectation:
    page = {"on": "token", "kind": "answer", "status": status, "body": "<html>maintenance</html>"}
    return Expectation(page, exchange, refresh)


def cases() -> Iterator[Case]:
    for address in ("http", "https"):
        for used in (False, True):
            for expectation in expectations():
                # Without TLS, the client sends the request before it can notice the fault.
                if expectation.on_connection and (used or address == "http"):
                    continue
                for exchange in (True, False):
                    yield Case(expectation, address, used, exchange)


class Failed(Exception):
    """A result is not the expected one."""


@dataclass
class Outcome:
    tried: int = 0
    problems: list[str] = field(default_factory=list)
    before: Held | None = None
    after: Held | None = None
    searched: int = 0


class Trial:
    """One language, with its own realm."""

    def __init__(self, realm: Realm, shim: Shim, secrets: Secrets) -> None:
        self._realm = realm
        self._shim = shim
        self._secrets = secrets
        self._refresh_tokens = {address: self._log_in(address) for address in ("http", "https")}

    def meet(self, case: Case) -> None:
        self._shim.case = str(case)
        before = self._realm.counters()
        self._new_client(case.address)
        if case.used:
            self._refresh(case.address)
        self._realm.order("faults", case.expectation.fault)
        if case.exchange:
            came, expected = self._exchange(), case.expectation.exchange
        else:
            came, expected = self._refresh(case.address), case.expectation.refresh
        connections = self._realm.counters()["connections"] - before["connections"]
        if came != expected:
            raise Failed(f"{came}, expected {expected}")
        expected_connections = int(case.used) + 1
        if not case.expectation.on_connection and connections != expected_connections:
            raise Failed(f"there were {connections} connections, expected {expected_connections}")
        afterwards = self._refresh(case.address)
        if afterwards != OK:
            raise Failed(f"the client does not work afterwards: {afterwards}")
        sent = self._realm.counters()["token_requests"] - before["token_requests"]
        expected_sent = int(case.used) + int(case.expectation.sent) + 1
        if sent != expected_sent:
            raise Failed(f"the realm saw {sent} token requests, expected {expected_sent}")

    def rest(self) -> None:
        """Restores what the process holds before and after: one client with one connection."""
        self._shim.case = "at rest"
        self._new_client("http")
        self._refresh("http")

    def _log_in(self, address: str) -> str:
        self._new_client(address)
        wanted = {"client": "client", "name": "request", "scope": "balance:read"}
        url = self._call("client.authorization_request", wanted)["url"]
        login = self._realm.login({"authorization_url": url})
        self._secrets.add(login["code"])
        sent = {"client": "client", "request": "request", "tokens": "tokens"}
        tokens = self._call("client.exchange_callback", {**sent, "callback": login["query"]})
        token: str = tokens["refresh_token"]
        return token

    def _new_client(self, address: str) -> None:
        place = {"kind": "keycloak", "base": f"{self._realm.ready[address]}/auth"}
        limits = {"connect_timeout": DEADLINE, "request_timeout": DEADLINE}
        settings = {"realm": "third-party", "redirect_uri": REDIRECT_URI, **CLIENT, **limits}
        if address == "https":
            settings["ca_certificates"] = self._realm.ready["ca_pem"]
        self._call("client.new", {"name": "client", **place, **settings})

    def _exchange(self) -> str:
        code = {"code": f"{CANARY}-code", "code_verifier": f"{CANARY}-verifier".ljust(43, "~")}
        return self._outcome("client.exchange_code", {"client": "client", "tokens": "new", **code})

    def _refresh(self, address: str) -> str:
        token = {"refresh_token": self._refresh_tokens[address]}
        return self._outcome("client.refresh", {"client": "client", "tokens": "new", **token})

    def _call(self, op: str, args: Mapping[str, Any]) -> dict[str, Any]:
        reply = self._reply(op, args)
        if "ok" not in reply:
            raise ShimBroken(f"{op} gave {reply}")
        members: dict[str, Any] = reply["ok"]
        return members

    def _outcome(self, op: str, args: Mapping[str, Any]) -> str:
        reply = self._reply(op, args)
        return OK if "ok" in reply else str(reply.get("error", {}).get("code"))

    def _reply(self, op: str, args: Mapping[str, Any]) -> dict[str, Any]:
        self._secrets.add_arguments(args)
        reply = self._shim.finish(self._shim.start(op, args), CALL_SECONDS)
        self._secrets.add_reply(reply)
        return reply


def run_language(language: str, chosen: Sequence[Case], realm_binary: Path) -> Outcome:
    outcome, secrets, shim = Outcome(), Secrets(), Shim(command(language))
    try:
        with running_realm(realm_binary) as realm:
            trial = Trial(realm, shim, secrets)
            # This creates whatever is created once and kept. The count below reports failures.
            for case in chosen[:: max(1, len(chosen) // WARM_UP)]:
                with contextlib.suppress(Failed):
                    trial.meet(case)
            trial.rest()
            process = shim.process_id
            assert process is not None
            outcome.before = at_rest(process)
            for case in chosen:
                outcome.tried += 1
                try:
                    trial.meet(case)
                except Failed as problem:
                    outcome.problems.append(f"{case}: {problem}")
            trial.rest()
            outcome.after = until_given_back(process, outcome.before)
            if not outcome.after.is_within(outcome.before):
                outcome.problems.append("threads or descriptors are left behind")
    except (ShimBroken, RealmBroken) as problem:
        outcome.problems.append(f"{shim.case}: {problem}")
    finally:
        shim.stop()
    outcome.problems += dict.fromkeys(secrets.shown(shim.said))
    outcome.searched = sum(len(visible(line).encode()) for line in shim.said)
    return outcome


def command(language: str) -> Sequence[str]:
    """Makes Node collect garbage all the time, because it frees a client only then."""
    if language != "node":
        return SHIMS[language]
    program, *rest = SHIMS[language]
    collect = "data:text/javascript,setInterval(gc, 200).unref()"
    return [program, "--expose-gc", "--import", collect, *rest]


def main() -> int:
    options = parsed_options()
    if not Path("/proc/self/fd").exists():
        sys.exit("this needs /proc, from which it reads threads and descriptors")
    languages = options.languages.split(",")
    unknown = [language for language in languages if language not in SHIMS]
    if unknown:
        sys.exit(f"unknown language: {', '.join(unknown)}; known: {', '.join(SHIMS)}")
    chosen = [case for case in cases() if options.case in str(case)]
    if not chosen:
        sys.exit(f"no name contains {options.case!r}")
    began = time.monotonic()
    with ThreadPoolExecutor(len(languages)) as pool:
        outcomes = list(pool.map(lambda one: run_language(one, chosen, options.realm), languages))
    failed = 0
    for language, outcome in zip(languages, outcomes, strict=True):
        for problem in outcome.problems:
            print(f"{language}: {problem}")
        failed += len(outcome.problems)
        print(
            f"{language:<7} {outcome.tried} faults, before {outcome.before}, after {outcome.after}, "
            f"{outcome.searched} bytes searched for secrets"
        )
    tried = sum(outcome.tried for outcome in outcomes)
    print(f"faults: {tried} tried, {failed} problems, {time.monotonic() - began:.0f} s")
    return 1 if failed or tried != len(chosen) * len(languages) else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--languages", default=",".join(SHIMS), help="which, separated by commas (default: all)"
    )
    parser.add_argument(
        "--case", default="", metavar="TEXT", help="only cases whose name contains this"
    )
    parser.add_argument(
        "--realm",
        type=Path,
        default=REALM_PROGRAM,
        metavar="PATH",
        help="the local realm's program",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
