"""What others make of the same moment: 64 threads with one token that has just run out, at the local realm with strict rotation.

`make demo PEERS=1` runs it with Authlib, as its documentation shows it: one session, with `update_token` to keep the new tokens.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from authlib.integrations.requests_client import OAuth2Session

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from driver.programs import DEBUG

REALM = "sipgate-apps"
CALLERS = 64
LIFE_SECONDS = 2


def main() -> int:
    with running_realm(DEBUG / "realm") as realm:
        settings = {"realm": REALM, "rotation": True, "access_token_lifespan": LIFE_SECONDS}
        realm.order("settings", settings)
        session = logged_in(realm)
        time.sleep(LIFE_SECONDS)
        before = realm.counters()
        outcomes: Counter[str] = Counter()
        start = threading.Barrier(CALLERS)
        threads = [
            threading.Thread(target=call, args=(session, realm, start, outcomes))
            for _ in range(CALLERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = realm.counters()
    requests = after["token_requests"] - before["token_requests"]
    lost = after["sessions_killed"] > before["sessions_killed"]
    served = f"{outcomes['200']} of {CALLERS}"
    name = f"Authlib {version('authlib')}, 1 process x {CALLERS}"
    print(f"{name:<39}  {requests:<8}  {served:<14}  {'LOST' if lost else 'alive'}")
    return 0


def logged_in(realm: Realm) -> OAuth2Session:
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
    return session


def call(
    session: OAuth2Session, realm: Realm, start: threading.Barrier, outcomes: Counter[str]
) -> None:
    start.wait()
    try:
        answer = session.get(f"{realm.ready['http']}/v2/balance")
        outcomes[str(answer.status_code)] += 1
    except Exception as problem:
        outcomes[type(problem).__name__] += 1


if __name__ == "__main__":
    sys.exit(main())
