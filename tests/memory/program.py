"""Logs in, refreshes, releases everything, and waits to be inspected."""

import gc
import os
import sys

from sipgate_oauth2 import Client, Store

MARKER = bytearray(b"a marker of the program")


def main() -> None:
    base = os.environ["BASE"]
    store = Store.sqlite(os.environ["STORE"]) if os.environ["STORE"] else Store.memory()
    metadata = {
        "issuer": base,
        "authorization_endpoint": f"{base}/auth",
        "token_endpoint": f"{base}/token",
    }
    client = Client(
        metadata,
        "a-client",
        redirect_uri="http://127.0.0.1/callback",
        store=store,
    )
    request = client.authorization_request("balance:read")
    print(request.url, flush=True)
    source = client.complete_login(request, sys.stdin.readline().strip(), "user-42")
    source.invalidate(source.access_token())
    source.access_token()


main()
gc.collect()
print("freed", flush=True)
sys.stdin.readline()
