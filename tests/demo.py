"""The demo: each language logs in at the local realm, refreshes, and calls the API twice.

Then all languages share one login at the moment when its token expires.

`make demo` builds what it needs and runs this. `--language python` runs only one language.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from chaos import expiry
from driver.local_realm import LocalRealm, running_local_realm
from driver.main_job import Login, Server, run_all, table
from driver.programs import PROGRAMS, REALM_PROGRAM, environment

ACCESS_TOKEN_LIFESPAN = 3

LOGIN = Login(
    client_id="1000001-0-test:third-party",
    client_secret="test-secret-with-+-and-:",
    redirect_uri="http://127.0.0.1:53682/callback",
    user="anna",
    password="anna-pw",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", default="all", choices=["all", *PROGRAMS])
    chosen = parser.parse_args().language
    programs = PROGRAMS if chosen == "all" else {chosen: PROGRAMS[chosen]}
    os.environ.update(environment())

    with running_local_realm(REALM_PROGRAM) as realm:
        print(f"local realm at {realm.base}/realms/third-party")
        print(
            f"access tokens are valid for {ACCESS_TOKEN_LIFESPAN} s, so that one expires while you watch\n"
        )
        set_lifespan(realm)
        server = Server(realm.base, "third-party", realm.api_url)
        outcomes = run_all(programs, server, LOGIN)

    print(f"\n{table(outcomes)}")
    succeeded = all(outcome.succeeded for outcome in outcomes)
    if chosen == "all":
        print(
            "\none login, a process of each language, and a server that ends the login when a refresh token is used twice:\n"
        )
        succeeded &= expiry.show(list(PROGRAMS))
    return 0 if succeeded else 1


def set_lifespan(realm: LocalRealm) -> None:
    """Makes the realm's access tokens expire during the demo."""
    body = json.dumps({"access_token_lifespan": ACCESS_TOKEN_LIFESPAN}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{realm.http}/_realm/settings", body, headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    direct.open(request).close()


if __name__ == "__main__":
    sys.exit(main())
