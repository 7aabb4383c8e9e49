"""How other libraries handle expiry: 64 callers, one token that has just expired, strict rotation.

`make demo PEERS=1` runs it with Authlib and openid-client, used as in their documentation. Authlib:
one session, with `update_token` to keep the new tokens. openid-client: `openid_client.mjs`, in one
process and in four that share a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from authlib.integrations.requests_client import OAuth2Session

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from driver.programs import REALM_PROGRAM, ROOT

REALM = "sipgate-apps"
CALLERS = 64
SHORT_LIFE_SECONDS = 2
LIFE_SECONDS = 300
SECONDS = 60.0

OPENID_CLIENT = ROOT / ".cache" / "peers" / "node_modules" / "openid-client"

# Logs in at a realm, and returns a function that gives each caller's status or error at expiry.
Peer = Callable[[Realm], Callable[[], Iterable[str]]]


def main() -> int:
    openid_client = json.loads((OPENID_CLIENT / "package.json").read_text())["version"]
    show(f"Authlib {version('authlib')}, 1 process x 64", authlib)
    for processes in (1, 4):
        callers = CALLERS // processes
        with tempfile.TemporaryDirectory() as folder:
            application = OpenidClient(Path(folder), processes, callers)
            what = "process" if processes == 1 else "processes"
            show(
                f"openid-client {openid_client}, {processes} {what} x {callers}", application.log_in
            )
    return 0


def show(name: str, peer: Peer) -> None:
    """A row of the demo's table."""
    with running_realm(REALM_PROGRAM) as realm:
        settings = {"realm": REALM, "rotation": True}
        realm.order("settings", {**settings, "access_token_lifespan": SHORT_LIFE_SECONDS})
        moment = peer(realm)
        time.sleep(SHORT_LIFE_SECONDS)
        realm.order("settings", {**settings, "access_token_lifespan": LIFE_SECONDS})
        before = realm.counters()
        outcomes = Counter(moment())
        after = realm.counters()
    requests = after["token_requests"] - before["token_requests"]
    lost = after["sessions_killed"] > before["sessions_killed"]
    served = f"{outcomes['200']} of {CALLERS}"
    print(f"{name:<39}  {requests:<8}  {served:<14}  {'LOST' if lost else 'alive'}", flush=True)


def authlib(realm: Realm) -> Callable[[], list[str]]:
    issuer = f"{realm.ready['http']}/auth/realms/{REALM}/protocol/openid-connect"
    session = OAuth2Session(
        f"{CLIENT_ID}:{REALM}",
        CLIENT_SECRET,
        scope="balance:read",
        redirect_uri=REDIRECT_URI,
        token_endpoint=f"{issuer}/token",
        token_endpoint_auth_method="client_secret_post",
        update_token=lambda token, **_: None,
    )
    session.trust_env = False
    url, _ = session.create_authorization_url(f"{issuer}/auth")
    callback = realm.login({"authorization_url": url})["callback"]
    session.fetch_token(f"{issuer}/token", authorization_response=callback)

    outcomes: list[str] = []
    start = threading.Barrier(CALLERS)

    def call() -> None:
        start.wait()
        try:
            outcomes.append(str(session.get(f"{realm.ready['http']}/v2/balance").status_code))
        except Exception as problem:
            outcomes.append(type(problem).__name__)

    def moment() -> list[str]:
        threads = [threading.Thread(target=call) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    return moment


class OpenidClient:
    """Several processes of the application; their tokens are in the folder."""

    def __init__(self, folder: Path, processes: int, callers: int) -> None:
        self._folder = folder
        self._processes = processes
        self._callers = callers

    def log_in(self, realm: Realm) -> Callable[[], list[str]]:
        subprocess.run(
            self._command("login"), env=self._environment(realm), check=True, timeout=SECONDS
        )
        running = [
            subprocess.Popen(
                self._command("call", str(self._callers)),
                env=self._environment(realm),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(self._processes)
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()

        def moment() -> list[str]:
            for process in running:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            said = [process.communicate(timeout=SECONDS)[0] for process in running]
            return [outcome for line in said for outcome in json.loads(line)]

        return moment

    def _command(self, *arguments: str) -> list[str]:
        return ["node", str(Path(__file__).with_name("openid_client.mjs")), *arguments]

    def _environment(self, realm: Realm) -> dict[str, str]:
        settings = {
            "module": str(OPENID_CLIENT / "build" / "index.js"),
            "realm": REALM,
            "http": realm.ready["http"],
            "clientId": f"{CLIENT_ID}:{REALM}",
            "clientSecret": CLIENT_SECRET,
            "redirectUri": REDIRECT_URI,
            "tokens": str(self._folder / "tokens.json"),
        }
        return {**os.environ, "PEER": json.dumps(settings), "NO_PROXY": "127.0.0.1"}


if __name__ == "__main__":
    sys.exit(main())
