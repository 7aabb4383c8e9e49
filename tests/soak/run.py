"""Checks that memory, descriptors, and threads do not grow in a long-running process.

Each language makes ten thousand logins and refreshes in one process, and then creates and drops as
many clients, each with a source that has a token in memory. The process is the language's shim of
the behaviour suite. The realm responds with sipgate's own sample response, whose tokens are long
enough to make a leak visible. The figures are read from /proc; the test is skipped without it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from driver.local_realm import LocalRealm, running_local_realm
from driver.programs import REALM_PROGRAM, ROOT
from driver.report import report
from driver.shim import Reply, Shim, running_shim
from driver.shims import SHIMS

RESPONSE = ROOT / "tests" / "behaviour" / "data" / "token-response.json"

# Until heaps and pools have reached their final size. V8's heap grows in steps, the last one after
# about 7,000 rounds (measured up to 24,000).
WARM_UP = 2_000
WARM_UP_OF_V8 = 10_000
BATCH = 500

# In ten thousand rounds, leaked token sets take 35 MiB; leaked sources with tokens, 40 MiB.
MAX_GROWTH_KIB = 12 * 1024

# The library's threads end when they have been idle for 5 s.
SETTLING_SECONDS = 15.0


@dataclass(frozen=True)
class Held:
    memory_kib: int
    descriptors: int
    threads: int

    @classmethod
    def by(cls, process: int) -> Held:
        place = Path("/proc") / str(process)
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        descriptors = sum(1 for _ in (place / "fd").iterdir())
        return cls(int(status["VmRSS"].split()[0]), descriptors, int(status["Threads"]))

    def has_more_open_than(self, other: Held) -> bool:
        """One may be in the middle of closing."""
        return self.descriptors > other.descriptors + 1 or self.threads > other.threads + 1


def log_in_and_refresh(shim: Shim, rounds: int) -> None:
    for _ in range(rounds):
        state = shim.call(
            "client.authorization_request", client="c", name="p", scope="balance:read"
        ).text("state")
        callback = f"state={state}&code=a-code"
        shim.call(
            "client.exchange_callback", client="c", request="p", callback=callback, tokens="t"
        ).text("scope")
        shim.call("client.refresh", client="c", **{"from": "t"}, tokens="t").text("scope")


def create_and_drop_clients(shim: Shim, rounds: int) -> None:
    """Creates clients and sources under the same names, which drops the previous ones."""
    tokens = json.loads(RESPONSE.read_text()) | {"expires_at": 4_000_000_000}
    shim.call("tokens.restore", name="kept", json=json.dumps(tokens)).text("scope")
    for _ in range(rounds):
        new_client(shim, "short-lived", "http://127.0.0.1:1", store={"kind": "memory"})
        shim.call("client.token_source", client="short-lived", source="s", account="user-42").text(
            "account"
        )
        settled(shim.call("source.save", source="s", tokens="kept"))
        shim.call("source.peek", source="s").text("access_token")


def settled(reply: Reply) -> None:
    if reply.error is not None:
        raise LookupError(reply.outcome)


def new_client(shim: Shim, name: str, base: str, **more: object) -> None:
    shim.call(
        "client.new",
        name=name,
        kind="keycloak",
        base=base,
        realm="third-party",
        client_id="1000001-0-test:third-party",
        client_secret="test-secret-with-+-and-:",
        redirect_uri="https://example.com/auth",
        **more,
    ).text("issuer")


def batches(realm: LocalRealm, rounds: int) -> Iterator[int]:
    """Resets the realm before each batch, because it records every request."""
    for start in range(0, rounds, BATCH):
        order(realm, "reset", {})
        fault = {
            "on": "token",
            "kind": "answer",
            "times": 2 * BATCH,
            "json": json.loads(RESPONSE.read_text()),
        }
        order(realm, "faults", fault)
        yield min(BATCH, rounds - start)


def order(realm: LocalRealm, name: str, body: object) -> None:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(
        f"{realm.http}/_realm/{name}", json.dumps(body).encode(), headers
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()


def soak(language: str, rounds: int) -> str | None:
    """What has grown, if anything."""
    warm_up = WARM_UP_OF_V8 if language == "node" else WARM_UP
    with running_local_realm(REALM_PROGRAM) as realm, running_shim(SHIMS[language], ROOT) as shim:
        new_client(shim, "c", realm.base)
        for batch in batches(realm, warm_up):
            log_in_and_refresh(shim, batch)
        before = Held.by(shim.process)
        for batch in batches(realm, rounds):
            log_in_and_refresh(shim, batch)
        grown = growth(language, f"{rounds} logins and refreshes", before, shim)
        create_and_drop_clients(shim, warm_up)
        before = Held.by(shim.process)
        create_and_drop_clients(shim, rounds)
        return grown or growth(language, f"{rounds} clients", before, shim)


def held_at_rest(before: Held, shim: Shim) -> Held:
    """What is held once idle threads have ended."""
    end = time.monotonic() + SETTLING_SECONDS
    while True:
        after = Held.by(shim.process)
        if not after.has_more_open_than(before) or time.monotonic() > end:
            return after
        time.sleep(0.5)


def growth(language: str, what: str, before: Held, shim: Shim) -> str | None:
    after = held_at_rest(before, shim)
    print(f"{language:<7} {what}: before {before}, after {after}", flush=True)
    if after.memory_kib - before.memory_kib > MAX_GROWTH_KIB:
        return f"{what}: memory grew by {after.memory_kib - before.memory_kib} KiB"
    if after.has_more_open_than(before):
        return f"{what}: descriptors or threads leaked"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(SHIMS))
    parser.add_argument("--rounds", type=int, default=10_000)
    options = parser.parse_args()
    if not Path("/proc/self/status").exists():
        print("SKIPPED: this machine has no /proc, from which memory and descriptors are read")
        return 0
    languages = options.languages.split(",")
    return report(((language, soak(language, options.rounds)) for language in languages), width=7)


if __name__ == "__main__":
    sys.exit(main())
