"""The README's ten lines of Python in a minimal application."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from readme.blocks import block, replaced

NAMES: dict[str, object] = {
    "BASE": os.environ["DEMO_BASE_URL"],
    "CLIENT_ID": os.environ["SIPGATE_CLIENT_ID"],
    "CLIENT_SECRET": os.environ["SIPGATE_CLIENT_SECRET"],
    "REDIRECT_URI": os.environ["SIPGATE_REDIRECT_URI"],
    "session": {},
}


def redirect(url: str) -> None:
    """Prints the URL for the browser, and reads the query string of the callback."""
    print(url, flush=True)
    NAMES["query_string"] = input().partition("?")[2]


NAMES["redirect"] = redirect
BLOCK = replaced(
    block("python"), "Client.sipgate(CLIENT_ID", 'Client.keycloak(BASE, "third-party", CLIENT_ID'
)
AFTER = (
    'source.refresh()\nprint(headers["Authorization"], source.authorization_header(), sep="\\n")\n'
)
exec(compile(BLOCK + AFTER, "README.md", "exec"), NAMES)  # noqa: S102 (that is the test)
