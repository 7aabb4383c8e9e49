"""A web server for the C program: sessions, and a process for each request."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAM, PORT, SAME_SITE = sys.argv[1:]
SESSIONS = tempfile.TemporaryDirectory()
COOKIE = re.compile(r"session=([\w-]+)")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._run("")

    def do_POST(self) -> None:
        self._run(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())

    def _run(self, posted: str) -> None:
        path, _, query = self.path.partition("?")
        known = COOKIE.search(self.headers["Cookie"] or "")
        session = known[1] if known else secrets.token_urlsafe()
        folder = Path(SESSIONS.name, session)
        folder.mkdir(exist_ok=True)
        request = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SESSION_FOLDER": str(folder),
        }
        program = subprocess.run(
            [PROGRAM],
            input=posted,
            stdout=subprocess.PIPE,
            env={**os.environ, **request},
            text=True,
        )
        status, location, body = (program.stdout or "500\n\n").split("\n", 2)
        self.send_response(int(status))
        if location:
            self.send_header("Location", location)
        if not known:
            cookie = f"session={session}; Path=/; Secure; HttpOnly; SameSite={SAME_SITE}"
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler).serve_forever()
