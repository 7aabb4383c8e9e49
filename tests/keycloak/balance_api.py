"""A protected API next to Keycloak: `GET /v2/balance`, which introspects each token.

Unlike the local realm, Keycloak has no such API of its own.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from keycloak.realms import BALANCE_SCOPE, resource_server
from keycloak.wire import send_form

BALANCE = {"amount": 1234500, "currency": "EUR"}


@contextlib.contextmanager
def running_balance_api(base: str, realm: str) -> Iterator[str]:
    """Yields the URL of the API for one realm of the Keycloak at `base`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/v2/balance":
                self._respond(404, {"error": "not found"})
                return
            scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
            granted = _granted_scopes(base, realm, token) if scheme.lower() == "bearer" else None
            if granted is None:
                self._respond(401, {"error": "invalid_token"})
            elif BALANCE_SCOPE not in granted:
                self._respond(403, {"error": "insufficient_scope"})
            else:
                self._respond(200, BALANCE)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the output of the programs is the record."""

        def _respond(self, status: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Bearer error="invalid_token"')
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v2/balance"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _granted_scopes(base: str, realm: str, token: str) -> list[str] | None:
    """The scopes of an active token, by introspection (RFC 7662)."""
    client = resource_server(realm)
    response = send_form(
        f"{base}/realms/{realm}/protocol/openid-connect/token/introspect",
        [("token", token), ("client_id", client.id), ("client_secret", client.secret or "")],
    )
    said = response.json()
    if not isinstance(said, dict) or said.get("active") is not True:
        return None
    return str(said.get("scope", "")).split()
