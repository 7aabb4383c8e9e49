"""The main job: a complete login, an API call, a refresh, and the API call again.

The configuration is in the environment; the callback URL is read from standard input.
"""

from __future__ import annotations

import os
import ssl
import sys
import time
import urllib.request
from pathlib import Path

from sipgate_oauth2 import VERSION, Client, SipgateOAuth2Error, TokenSet


def main() -> None:
    client = Client.keycloak(
        os.environ["DEMO_BASE_URL"],
        os.environ["DEMO_REALM"],
        os.environ["SIPGATE_CLIENT_ID"],
        client_secret=os.environ["SIPGATE_CLIENT_SECRET"],
        redirect_uri=os.environ["SIPGATE_REDIRECT_URI"],
        ca_certificates=ca_certificates(),
    )

    request = client.authorization_request("balance:read")
    say("authorize", request.url)
    callback = input()

    tokens = client.exchange_callback(request, callback)
    say("callback", "state and issuer match")
    refresh_life = life(tokens.refresh_expires_at)
    say(
        "tokens",
        f"access token for {life(tokens.expires_at)},"
        f" refresh token for {refresh_life}, scope {tokens.scope}",
    )
    say("api", balance(tokens))

    lived = life(tokens.expires_at)
    while tokens.expires_at is not None and time.time() < tokens.expires_at + 1:
        time.sleep(0.1)
    say("expired", f"the access token expired after {lived}")

    tokens = client.refresh(tokens)
    say("refresh", f"new access token for {life(tokens.expires_at)}")
    say("api", balance(tokens))
    say("done", f"python {VERSION}")


def balance(tokens: TokenSet) -> str:
    """The API call, with the HTTP client of your choice."""
    headers = {"Authorization": tokens.authorization_header()}
    request = urllib.request.Request(os.environ["DEMO_API_URL"], headers=headers)
    trust = ssl.create_default_context(cafile=os.environ.get("DEMO_CA_FILE"))
    with urllib.request.urlopen(request, context=trust) as response:
        return str(response.read(), "utf-8").strip()


def ca_certificates() -> bytes | None:
    """Certificates to trust instead of those of the system, if a file is configured."""
    file = os.environ.get("DEMO_CA_FILE")
    return Path(file).read_bytes() if file else None


def life(end: int | None) -> str:
    return "an unknown time" if end is None else f"{end - int(time.time())} s"


def say(step: str, text: str) -> None:
    print(f"{step}: {text}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except SipgateOAuth2Error as error:
        sys.exit(f"error: {error.code}: {error.message} (remedy: {error.remedy})")
    except Exception as error:
        sys.exit(f"error: {type(error).__name__}: {error}")
