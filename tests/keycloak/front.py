"""A small reverse proxy, common for login servers: forwards requests, or shows its own page."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from keycloak.wire import send

# Only the page contains this text, so it shows where the page was used.
PAGE_TEXT = "We are polishing the login server"
PAGE = f"<!DOCTYPE html><html><body><h1>Maintenance</h1><p>{PAGE_TEXT}.</p></body></html>".encode()

# Headers of the connection, not of the message, and the length, which is computed again.
NOT_FORWARDED = ("connection", "content-length", "keep-alive", "transfer-encoding")
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Forwarded:
    """A forwarded request; the names of its headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass(frozen=True)
class Page:
    """A response that is sent instead of forwarding requests whose path ends in `path`."""

    status: int
    retry_after: int | None = None
    path: str = ""


class Front:
    """`base` is the library's base URL; the Keycloak behind it uses the same host name."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.forwarded: list[Forwarded] = []
        self.page: Page | None = None

    @property
    def token_requests(self) -> list[Forwarded]:
        return [request for request in self.forwarded if request.path.endswith("/token")]

    @contextlib.contextmanager
    def closed(
        self, status: int, *, retry_after: int | None = None, path: str = ""
    ) -> Iterator[None]:
        self.page = Page(status, retry_after, path)
        try:
            yield
        finally:
            self.page = None


@contextlib.contextmanager
def running_front(behind: str) -> Iterator[Front]:
    """`behind` is the base URL of the Keycloak that requests are forwarded to."""
    parts = urlsplit(behind)
    origin = f"{parts.scheme}://{parts.netloc}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            """Silent: `forwarded` is the record."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            page = front.page
            if page is not None and urlsplit(self.path).path.endswith(page.path):
                self._show(page)
                return
            names = {name.lower(): value for name, value in self.headers.items()}
            front.forwarded.append(Forwarded(self.path, names, body))
            headers = [item for item in self.headers.items() if _is_forwarded(item[0])]
            response = send(
                self.command, f"{origin}{self.path}", body=body or None, headers=headers
            )
            self.send_response(response.status)
            for name, value in response.headers:
                if _is_forwarded(name):
                    self.send_header(name, value)
            self._finish(response.body)

        def _show(self, page: Page) -> None:
            self.send_response(page.status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if page.retry_after is not None:
                self.send_header("Retry-After", str(page.retry_after))
            self._finish(PAGE)

        def _finish(self, body: bytes) -> None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front = Front(f"http://127.0.0.1:{server.server_port}{parts.path}")
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _is_forwarded(header: str) -> bool:
    return header.lower() not in NOT_FORWARDED
