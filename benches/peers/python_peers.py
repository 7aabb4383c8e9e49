"""Measures one operation of one library, used as in its documentation:

    python3 python_peers.py sipgate-oauth2|Authlib|nothing url|response|token|refresh CALLS CALLERS

Prints the CPU seconds of one call. `run.py` sets the environment. Each refresh is that of another
user, so Authlib has a session for each, as in its documentation.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

Operations = Mapping[str, Callable[[], str]]

SCOPE = "balance:read"


def sipgate_oauth2(response: str, refresh_token: str) -> Operations:
    from sipgate_oauth2 import Client, TokenSet

    client = Client.from_env()
    source = client.token_source("user-42")
    return {
        "url": lambda: client.authorization_request(SCOPE).url,
        "response": lambda: TokenSet.restore(response).access_token,
        "save": lambda: source.save(TokenSet.restore(response)) or "",
        "token": source.access_token,
        "refresh": lambda: client.refresh(refresh_token).access_token,
    }


def authlib(response: str, refresh_token: str) -> Operations:
    from authlib.common.security import generate_token
    from authlib.integrations.requests_client import OAuth2Session
    from authlib.oauth2.rfc6749 import OAuth2Token

    server = os.environ["SIPGATE_ISSUER"] + "/protocol/openid-connect"

    def session() -> OAuth2Session:
        return OAuth2Session(
            os.environ["SIPGATE_CLIENT_ID"],
            os.environ["SIPGATE_CLIENT_SECRET"],
            scope=SCOPE,
            redirect_uri=os.environ["SIPGATE_REDIRECT_URI"],
            code_challenge_method="S256",
            token_endpoint=server + "/token",
            token_endpoint_auth_method="client_secret_post",
        )

    def url() -> str:
        made: str
        made, _ = one.create_authorization_url(server + "/auth", code_verifier=generate_token(48))
        return made

    def save() -> str:
        one.token = OAuth2Token.from_dict(json.loads(response))
        return ""

    def token() -> str:
        one.ensure_active_token(one.token)
        return str(one.token["access_token"])

    def refresh() -> str:
        return str(session().refresh_token(server + "/token", refresh_token)["access_token"])

    one = session()
    return {
        "url": url,
        "response": lambda: str(OAuth2Token.from_dict(json.loads(response))["access_token"]),
        "save": save,
        "token": token,
        "refresh": refresh,
    }


def nothing(response: str, refresh_token: str) -> Operations:
    return {"url": lambda: "https://"}


LIBRARIES = {"sipgate-oauth2": sipgate_oauth2, "Authlib": authlib, "nothing": nothing}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def repeat(operation: Callable[[], str], calls: int) -> None:
    for _ in range(calls):
        if not operation():
            raise SystemExit("an empty result")


def main() -> None:
    library, name, calls, callers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    operations = LIBRARIES[library](os.environ["RESPONSE"], os.environ["REFRESH_TOKEN"])
    if name == "token":
        operations["save"]()
    operation = operations[name]
    started = cpu_seconds()
    if callers == 1:
        repeat(operation, calls)
    else:
        with ThreadPoolExecutor(callers) as pool:
            list(pool.map(lambda _: repeat(operation, calls // callers), range(callers)))
    print((cpu_seconds() - started) / calls)


main()
