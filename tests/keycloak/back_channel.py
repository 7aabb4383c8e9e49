"""A client's endpoint for logout tokens (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

# Servers post before they respond to the logout, so this is only for a broken one.
LIMIT_SECONDS = 5
# How long nothing has to come.
QUIET_SECONDS = 0.3


class BackChannel:
    """What was posted, in order."""

    def __init__(self, url: str, posted: queue.Queue[str]) -> None:
        self.url = url
        self._posted = posted

    def token(self) -> str:
        """The next logout token."""
        try:
            body = self._posted.get(timeout=LIMIT_SECONDS)
        except queue.Empty:
            raise LookupError("no logout token was posted") from None
        ((name, token),) = parse_qsl(body)
        if name != "logout_token":
            raise LookupError(f"{name} was posted")
        return token

    def is_quiet(self) -> bool:
        """Whether nothing more was posted."""
        try:
            self._posted.get(timeout=QUIET_SECONDS)
        except queue.Empty:
            return True
        return False


@contextlib.contextmanager
def running_back_channel() -> Iterator[BackChannel]:
    posted: queue.Queue[str] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            posted.put(self.rfile.read(length).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent: what was posted is the record."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield BackChannel(f"http://127.0.0.1:{server.server_port}/logout?x=1", posted)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
