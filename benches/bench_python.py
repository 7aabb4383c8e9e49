"""Speed of the Python package compared with the shortest hand-written code, as ratios:

    python3 benches/bench_python.py http://127.0.0.1:PORT

The address is that of the local realm. The hand-written code uses urllib, json, secrets, and
hashlib; and, because urllib does not reuse connections, http.client with a reused one. CPU time is
that of the whole process, including the library's threads. Ours and theirs take turns in short
slices, and each figure, including the ratio, is the median of all turns, so that other load on the
machine affects both, or only a few turns.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import http.client
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
import timeit
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sipgate_oauth2 import AuthorizationRequest, Client, Store, TokenSet, TokenSource, aio

CLIENT_ID = "1000001-0-test:third-party"
CLIENT_SECRET = "test-secret-with-+-and-:"
REDIRECT_URI = "http://127.0.0.1/callback"


@dataclass(frozen=True)
class Row:
    name: str
    ours: float
    by_hand: float
    unit: str
    ratio: float
    target: str
    reached: bool


# Hand-written code.


def authorization_url_by_hand(endpoint: str) -> tuple[str, str, str, str]:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    parameters = {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "balance:read",
        "response_type": "code",
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}?{urllib.parse.urlencode(parameters)}", state, nonce, verifier


@dataclass
class TokensByHand:
    access_token: str
    token_type: str
    refresh_token: str | None
    scope: str | None
    expires_at: int | None
    refresh_expires_at: int | None
    extra: dict[str, Any]


def tokens_by_hand(text: str | bytes) -> TokensByHand:
    response = json.loads(text)
    now = int(time.time())
    life, refresh_life = response.pop("expires_in", None), response.pop("refresh_expires_in", None)
    return TokensByHand(
        response.pop("access_token"),
        response.pop("token_type", "Bearer"),
        response.pop("refresh_token", None),
        response.pop("scope", None),
        None if life is None else now + int(life),
        None if not refresh_life else now + int(refresh_life),
        response,
    )


def refresh_form_by_hand(refresh_token: str) -> str:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    return urllib.parse.urlencode(form)


def refresh_with_urllib(endpoint: str, refresh_token: str) -> TokensByHand:
    body = refresh_form_by_hand(refresh_token).encode()
    with urllib.request.urlopen(urllib.request.Request(endpoint, body), timeout=30) as response:
        return tokens_by_hand(response.read())


def refresh_with_http_client(
    connection: http.client.HTTPConnection, path: str, refresh_token: str
) -> TokensByHand:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", path, refresh_form_by_hand(refresh_token), headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"the server responded with {response.status}")
    return tokens_by_hand(body)


class SourceByHand:
    """The shortest possible: no lock, and no other thread or process that refreshes."""

    def __init__(self, access_token: str, expires_at: float) -> None:
        self._access_token = access_token
        self._expires_at = expires_at

    def access_token(self) -> str:
        if time.time() >= self._expires_at - 30:
            self._refresh()
        return self._access_token

    async def access_token_async(self) -> str:
        if time.time() >= self._expires_at - 30:
            self._refresh()
        return self._access_token

    def _refresh(self) -> None:
        raise RuntimeError("the token has expired; it must outlive the measurement")


# Measurement.


def seconds_per_call(
    call: Callable[[], object], calls: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    started = clock()
    for _ in range(calls):
        call()
    return (clock() - started) / calls


def taking_turns(measures: Sequence[Callable[[], float]], turns: int) -> Turns:
    return Turns([[measure() for measure in measures] for _ in range(turns)])


@dataclass(frozen=True)
class Turns:
    """How long each measurement took in each turn."""

    taken: Sequence[Sequence[float]]

    def of(self, measure: int) -> float:
        return statistics.median(turn[measure] for turn in self.taken)

    def ratio(self, one: int, other: int) -> float:
        return statistics.median(turn[one] / turn[other] for turn in self.taken)


def authorization_url(client: Client) -> Row:
    endpoint = client.issuer + "/protocol/openid-connect/auth"
    turns = taking_turns(
        [
            lambda: seconds_per_call(lambda: client.authorization_request("balance:read").url, 200),
            lambda: seconds_per_call(lambda: authorization_url_by_hand(endpoint), 50),
        ],
        turns=150,
    )
    ratio = turns.ratio(1, 0)
    return Row(
        "authorization URL",
        turns.of(0) * 1e6,
        turns.of(1) * 1e6,
        "us",
        ratio,
        ">= 5 x faster",
        ratio >= 5,
    )


def token_response(text: str) -> Row:
    """Includes reading one attribute, because an object is only useful if it is read."""
    turns = taking_turns(
        [
            lambda: seconds_per_call(lambda: TokenSet.restore(text).access_token, 200),
            lambda: seconds_per_call(lambda: tokens_by_hand(text).access_token, 200),
        ],
        turns=150,
    )
    ratio = turns.ratio(1, 0)
    return Row(
        "token response to object",
        turns.of(0) * 1e6,
        turns.of(1) * 1e6,
        "us",
        ratio,
        ">= 1 x as fast",
        ratio >= 1,
    )


def refresh(client: Client, refresh_token: str) -> list[Row]:
    endpoint = client.token_endpoint
    url = urllib.parse.urlsplit(endpoint)
    kept = http.client.HTTPConnection(url.netloc, timeout=30)
    ways = {
        "ours": lambda: client.refresh(refresh_token),
        "urllib": lambda: refresh_with_urllib(endpoint, refresh_token),
        "http.client": lambda: refresh_with_http_client(kept, url.path, refresh_token),
    }
    rows = []
    for name, clock in {"CPU": time.process_time, "wall": time.perf_counter}.items():
        measures = [partial(seconds_per_call, way, 5, clock) for way in ways.values()]
        turns = taking_turns(measures, turns=80)
        for number, by_hand in list(enumerate(ways))[1:]:
            is_goal = (name, by_hand) == ("CPU", "urllib")
            ratio = turns.ratio(0, number)
            rows.append(
                Row(
                    f"refresh, {name}, {by_hand}",
                    turns.of(0) * 1e6,
                    turns.of(number) * 1e6,
                    "us",
                    ratio,
                    "<= 0.35 x" if is_goal else "-",
                    ratio <= 0.35 or not is_goal,
                )
            )
    kept.close()
    return rows


def token_from_memory(source: TokenSource) -> Row:
    """Measures the plain calls in a loop of the same code.

    With a function around each call, the function would take most of the time.
    """
    by_hand = SourceByHand(source.access_token(), time.time() + 300)
    loops = [
        timeit.Timer("source.access_token()", globals={"source": source})
        for source in (source, by_hand)
    ]
    calls = 10_000
    turns = taking_turns([partial(loop.timeit, calls) for loop in loops], turns=300)
    ratio = turns.ratio(0, 1)
    return Row(
        "token from memory",
        turns.of(0) / calls * 1e9,
        turns.of(1) / calls * 1e9,
        "ns",
        ratio,
        "<= 1 x",
        ratio <= 1,
    )


def token_from_memory_async(source: TokenSource) -> Row:
    by_hand = SourceByHand(source.access_token(), time.time() + 300)
    ways: list[Callable[[], Awaitable[str]]] = [
        aio.TokenSource(source).access_token,
        by_hand.access_token_async,
    ]
    turns = taking_turns([partial(seconds_per_await, way, 5_000) for way in ways], turns=150)
    ours, theirs = turns.of(0) * 1e9, turns.of(1) * 1e9
    return Row("token from memory, aio", ours, theirs, "ns", turns.ratio(0, 1), "-", True)


def seconds_per_await(call: Callable[[], Awaitable[object]], calls: int) -> float:
    async def loop() -> float:
        started = time.perf_counter()
        for _ in range(calls):
            await call()
        return (time.perf_counter() - started) / calls

    return asyncio.run(loop())


def import_time() -> list[Row]:
    """Starts whole interpreters, and takes the median of many, because start times vary."""
    programs = {
        "bare": "pass",
        "ours": "import sipgate_oauth2",
        "by hand": "import base64, hashlib, json, secrets, urllib.parse, urllib.request",
    }
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(40):
        for name, program in programs.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            taken[name].append(time.perf_counter() - started)
    bare, ours, by_hand = (statistics.median(times) * 1e3 for times in taken.values())
    above, by_hand_above = ours - bare, by_hand - bare
    ratio = by_hand_above / above
    return [Row("import, above bare", above, by_hand_above, "ms", ratio, "<= 8 ms", above <= 8)]


def request_and_callback(client: Client, realm: str) -> tuple[AuthorizationRequest, str]:
    request = client.authorization_request("balance:read")
    login = {"authorization_url": request.url, "username": "anna", "password": "anna-pw"}
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{realm}/_realm/login", json.dumps(login).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as response:
        return request, json.load(response)["callback"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("realm", help="the local realm's address, http://127.0.0.1:PORT")
    realm = parser.parse_args().realm
    client = Client.keycloak(
        f"{realm}/auth",
        "third-party",
        CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=REDIRECT_URI,
        store=Store.memory(),
    )
    tokens = client.exchange_callback(*request_and_callback(client, realm))
    source = client.complete_login(*request_and_callback(client, realm), account="user-42")
    assert tokens.refresh_token is not None
    response = {
        "access_token": tokens.access_token,
        "expires_in": 300,
        "refresh_expires_in": 2592000,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "session_state": "4e0e4b22-7c7c-4b0c-9d1e-0e6f2c1b7a55",
        "scope": tokens.scope,
    }
    rows = [
        authorization_url(client),
        token_response(json.dumps(response)),
        token_from_memory(source),
        token_from_memory_async(source),
        *refresh(client, tokens.refresh_token),
        *import_time(),
    ]
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores")
    print(f"{'name':<28}{'ours':>12}{'by hand':>12}{'ratio':>9}  target")
    for row in rows:
        ours, by_hand = f"{row.ours:.1f} {row.unit}", f"{row.by_hand:.1f} {row.unit}"
        verdict = "" if row.reached else "  (missed)"
        print(f"{row.name:<28}{ours:>12}{by_hand:>12}{row.ratio:>9.2f}  {row.target}{verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
