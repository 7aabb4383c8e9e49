"""Keycloak down, restarted, and overloaded: the library's errors, and whether a login survives."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException

from driver.programs import ROOT
from driver.shim import OK, Reply, ShimEnded, running_shim
from keycloak.asker import Asker
from keycloak.compare import BROKEN
from keycloak.distribution import VERSION
from keycloak.library import Library
from keycloak.library_cases import LOGIN_FAILED, LOGIN_REQUIRED
from keycloak.realms import REALMS
from keycloak.result import Result, judged
from keycloak.server import KeycloakServer
from keycloak.wire import send_form

TRANSPORT = "SIPGATE_TRANSPORT"
OUTCOME_UNKNOWN = "SIPGATE_OUTCOME_UNKNOWN"

# So few threads that a small load keeps them all busy, and a queue for one request: the next
# response is a 503.
FEW_THREADS = ("--http-pool-max-threads=4", "--http-max-queued-requests=1")
GUESSERS = 24
MOST_ATTEMPTS = 100


class Visitor:
    """A completed login in one language and realm during the outage, and one not completed."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._client = library.client()
        self._token = library.log_in(self._client).text("refresh_token")
        self._request = library.begin(self._client)
        self._callback = library.callback(self._request)

    def refresh(self) -> Reply:
        reply = self._library.refresh(self._client, self._token)
        if reply.error is None:
            self._token = reply.text("refresh_token")
        return reply

    def exchange(self) -> Reply:
        return self._library.exchange_callback(self._client, self._request, self._callback)


@dataclass(frozen=True)
class Step:
    """What all visitors do while the server is in one state."""

    name: str
    run: Callable[[Visitor], Sequence[Reply]]
    expected: tuple[str, ...]


def outage(server: KeycloakServer, shims: Mapping[str, Sequence[str]]) -> Iterator[Result]:
    """Tests sessions across a restart, which survive it since 26, and overload.

    Older Keycloaks have no limit for queued requests.
    """
    newest = server.version == VERSION
    with contextlib.ExitStack() as stack:
        visitors: dict[str, Visitor] = {}
        for language, command in shims.items():
            for realm in REALMS:
                where = f"{language}, realm {realm}"
                try:
                    shim = stack.enter_context(running_shim(command, ROOT))
                    library = Library(shim, Asker(server.base, realm, server.admin), language)
                    visitors[where] = Visitor(library)
                except (ShimEnded, *BROKEN) as problem:
                    yield Result(f"{where}: login before the restart", str(problem))

        server.stop()
        yield from _run(visitors, WHILE_IT_IS_DOWN)
        server.start(FEW_THREADS if newest else ())
        yield from _run(visitors, AFTER_THE_RESTART if newest else AFTER_A_RESTART_THAT_FORGETS)
        if newest:
            with _load(server.base):
                yield from _run(visitors, WHILE_IT_IS_TOO_BUSY)
            yield from _run(visitors, AFTER_THE_LOAD)


def _until_an_error(visitor: Visitor) -> Sequence[Reply]:
    """The first reply that is not a success."""
    for _ in range(MOST_ATTEMPTS):
        reply = visitor.refresh()
        if reply.error is not None:
            if reply.error["code"] == OUTCOME_UNKNOWN and reply.error["status"] != 503:
                raise AssertionError(f"the status is {reply.error['status']}")
            return (reply,)
    raise AssertionError(f"no error in {MOST_ATTEMPTS} refreshes")


# Nothing was sent, so the login can be retried.
WHILE_IT_IS_DOWN = Step(
    "refresh, and exchange twice, while the server is down",
    lambda visitor: (visitor.refresh(), visitor.exchange(), visitor.exchange()),
    (TRANSPORT, TRANSPORT, TRANSPORT),
)
# Codes are kept only in memory.
AFTER_THE_RESTART = Step(
    "refresh and exchange after the restart",
    lambda visitor: (visitor.refresh(), visitor.exchange()),
    (OK, LOGIN_FAILED),
)
AFTER_A_RESTART_THAT_FORGETS = dataclasses.replace(
    AFTER_THE_RESTART, expected=(LOGIN_REQUIRED, LOGIN_FAILED)
)
WHILE_IT_IS_TOO_BUSY = Step("refresh under load, until 503", _until_an_error, (OUTCOME_UNKNOWN,))
AFTER_THE_LOAD = Step("refresh after the load", lambda visitor: (visitor.refresh(),), (OK,))


def _run(visitors: Mapping[str, Visitor], step: Step) -> Iterator[Result]:
    for where, visitor in visitors.items():
        name = f"{where}: {step.name}"
        try:
            yield judged(name, step.run(visitor), step.expected)
        except (ShimEnded, *BROKEN) as problem:
            yield Result(name, f"{type(problem).__name__}: {problem}")


@contextlib.contextmanager
def _load(base: str) -> Iterator[None]:
    """Other clients that keep guessing a password, so that the server's threads are busy."""
    over = threading.Event()
    form = [
        ("grant_type", "password"),
        ("client_id", "admin-cli"),
        ("username", "nobody"),
        ("password", "a guess"),
    ]

    def guess() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError, HTTPException):
                send_form(f"{base}/realms/master/protocol/openid-connect/token", form)

    guessers = [threading.Thread(target=guess, daemon=True) for _ in range(GUESSERS)]
    for guesser in guessers:
        guesser.start()
    try:
        yield
    finally:
        over.set()
        for guesser in guessers:
            guesser.join()
