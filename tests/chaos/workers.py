"""Web servers whose workers share one login and are killed (SIGKILL), with strict rotation.

gunicorn runs `web_app.py` in eight workers, Node's `cluster` runs `web_app.mjs` in four. Pages are
requested all the time; each killed worker is replaced. A page may be missing only if its worker was
killed. The login may be lost only if a worker was killed between the server's response and the
write to the store: then the server has issued more grants than there are generations.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from driver.programs import REALM_PROGRAM, environment

REALM = "sipgate-apps"
LIFE_SECONDS = 2
CALLERS = 16
BETWEEN_KILLS_SECONDS = 0.3
# How often, for each login, it waits between kills for a worker to serve a page.
MOST_WAITS = 1000
PAGE_SECONDS = 60.0
STOP_SECONDS = 30.0
LOG = "server.log"
HERE = Path(__file__).resolve().parent


def gunicorn(listening: int, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "web_app:app", "--workers=8", "--timeout=120"),
        *(f"--bind=fd://{listening}", f"--chdir={HERE}", "--no-control-socket", *options),
    ]


KINDS: Mapping[str, Callable[[int], Sequence[str]]] = {
    "gunicorn, 8 workers": gunicorn,
    "gunicorn, 8 workers, preloaded": lambda listening: gunicorn(listening, "--preload"),
    "gunicorn, 8 workers of 4 threads, preloaded": lambda listening: gunicorn(
        listening, "--preload", "--worker-class=gthread", "--threads=4"
    ),
    "Node's cluster, 4 workers": lambda listening: ["node", str(HERE / "web_app.mjs")],
}

# Used instead of a page's status.
CUT_OFF = 0
NO_RESPONSE = -1


@dataclass(frozen=True)
class Page:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


class Site:
    """The application as users see it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def get(self, path: str, cookie: str = "") -> Page:
        connection = http.client.HTTPConnection(*self._address, timeout=PAGE_SECONDS)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Page(response.status, headers, response.read())
        except (ConnectionError, http.client.HTTPException):
            return Page(CUT_OFF, {}, b"")
        except TimeoutError:
            return Page(NO_RESPONSE, {}, b"")
        finally:
            connection.close()

    def log_in(self, realm: Realm) -> None:
        """Logs in with a browser that loads the callback twice."""
        begun = self.get("/login")
        query = realm.login({"authorization_url": begun.headers["location"]})["query"]
        cookie = begun.headers["set-cookie"].partition(";")[0]
        statuses: list[int] = []
        loads = [
            threading.Thread(
                target=lambda: statuses.append(self.get(f"/callback?{query}", cookie).status)
            )
            for _ in range(2)
        ]
        for load in loads:
            load.start()
        for load in loads:
            load.join()
        if statuses != [302, 302]:
            raise AssertionError(f"a callback that was loaded twice gave {statuses}")

    def generation(self) -> int:
        generation: int = self.get("/generation").json()["generation"]
        return generation


class Users:
    """Users that keep requesting the page, until they are redirected to the login or stopped."""

    def __init__(self, site: Site) -> None:
        self.statuses: Counter[int] = Counter()
        self.workers: set[int] = set()
        self.logged_out = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._site = site
        self._threads = [threading.Thread(target=self._ask) for _ in range(CALLERS)]

    def __enter__(self) -> Users:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stopped.is_set() and not self.logged_out.is_set():
            page = self._site.get("/balance")
            with self._lock:
                self.statuses[page.status] += 1
                if page.status == 200:
                    self.workers.add(page.json()["worker"])
            if page.status == 302:
                self.logged_out.set()


@dataclass
class Tally:
    killed: int = 0
    generations: int = 0
    token_requests: int = 0
    unavoidable: int = 0
    unexplained: int = 0
    pages: Counter[int] = field(default_factory=Counter)


class Fight:
    def __init__(self, realm: Realm, site: Site, choices: random.Random) -> None:
        self._realm = realm
        self._site = site
        self._random = choices
        self._dead: set[int] = set()

    def run(self, kills: int) -> Tally:
        tally = Tally()
        while tally.killed < kills:
            self._one_login(kills, tally)
        return tally

    def _one_login(self, kills: int, tally: Tally) -> None:
        """Kills workers until the login is lost or all kills are done.

        Then compares the counts of the server and of the store.
        """
        generation = self._site.generation()
        before = self._realm.counters()
        self._site.log_in(self._realm)
        with Users(self._site) as users:
            patience = MOST_WAITS
            while tally.killed < kills and not users.logged_out.wait(BETWEEN_KILLS_SECONDS):
                self._kill_one(users, tally)
                patience -= 1
                if not patience:
                    raise AssertionError(f"the workers gave {users.statuses}")
        # The effect of the last kill shows at the next refresh.
        time.sleep(LIFE_SECONDS)
        last = self._site.get("/balance").status
        lost = last == 302
        tally.pages.update(users.statuses)
        tally.pages[last] += 1
        generations = self._site.generation() - generation
        after = self._realm.counters()
        requests, codes, refreshes = (
            after[name] - before[name]
            for name in ("token_requests", "code_grants", "refresh_grants")
        )
        tally.generations += generations
        tally.token_requests += requests
        unavoidable = lost and codes + refreshes > generations
        tally.unavoidable += unavoidable
        tally.unexplained += not unavoidable and (lost or requests != generations)

    def _kill_one(self, users: Users, tally: Tally) -> None:
        """Kills a worker that has served a page, if another one has too.

        Without any worker, Node's primary cannot listen again on the inherited socket.
        """
        living = sorted(users.workers - self._dead)
        if len(living) > 1:
            worker = self._random.choice(living)
            self._dead.add(worker)
            os.kill(worker, signal.SIGKILL)
            tally.killed += 1


@contextmanager
def running_site(realm: Realm, folder: Path, kind: str) -> Iterator[Site]:
    settings = {
        "LOGIN_BASE": f"{realm.ready['http']}/auth",
        "LOGIN_REALM": REALM,
        "API": realm.ready["http"],
        "CLIENT_ID": f"{CLIENT_ID}:{REALM}",
        "CLIENT_SECRET": CLIENT_SECRET,
        "REDIRECT_URI": REDIRECT_URI,
        "LOGINS": str(folder / "logins.db"),
        "SESSION_KEY": secrets.token_urlsafe(32),
        "WORKERS": "4",
        "NO_PROXY": urlsplit(realm.ready["http"]).hostname or "",
    }
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as listening,
        (folder / LOG).open("wb") as log,
    ):
        settings["LISTENING"] = str(listening.fileno())
        master = subprocess.Popen(
            KINDS[kind](listening.fileno()),
            env={**os.environ, **environment(), **settings},
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Site(listening.getsockname())
        finally:
            master.terminate()
            try:
                master.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                master.kill()
                master.wait()


def problems_of(kind: str, kills: int, seed: int) -> list[str]:
    """Tests one kind of workers, and prints what happened."""
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        realm.order(
            "settings",
            {"realm": REALM, "rotation": True, "access_token_lifespan": LIFE_SECONDS},
        )
        try:
            with running_site(realm, Path(folder), kind) as site:
                tally = Fight(realm, site, random.Random(seed)).run(kills)
        finally:
            said = (Path(folder) / LOG).read_text(errors="replace")[-4000:]
            if sys.exc_info()[0] is not None:
                print(said)
    pages = tally.pages
    print(
        f"{kind}: {pages[200]} pages, {tally.killed} workers killed "
        f"({pages[CUT_OFF]} pages cut off by that), {pages[401]} tokens too late at the API, "
        f"{tally.generations} generations, {tally.token_requests} token requests, "
        f"{tally.unavoidable} logins unavoidably lost, {tally.unexplained} lost otherwise",
        flush=True,
    )
    # On a slow machine, a token that is valid for two seconds may expire before the API checks it,
    # and so may the next one; the page retries only once.
    known = {200, 401, CUT_OFF, *([302] if tally.unavoidable else [])}
    others = {status: count for status, count in pages.items() if status not in known}
    checks = {
        f"pages with another status: {others}": not others,
        "a login was lost, or refreshed more than once": tally.unexplained == 0,
        "pages were cut off without a kill": pages[CUT_OFF] <= tally.killed * CALLERS,
        "nothing was refreshed": tally.generations > 1,
        "there were no pages": pages[200] > pages[401],
    }
    problems = [problem for problem, held in checks.items() if not held]
    if problems:
        print(said)
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="of each kind of workers")
    parser.add_argument("--kinds", default=";".join(KINDS), help="separated by semicolons")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    failed = False
    for kind in options.kinds.split(";"):
        for problem in problems_of(kind, options.kills, options.seed):
            failed = True
            print(f"FAILED: {problem} (--seed {options.seed} for the same random choices)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
