"""Raw HTTP: sends exactly what is written here, and returns exactly what the server sent."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 30

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Response:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self) -> object:
        return json.loads(self.body)

    def member(self, name: str) -> str:
        """A string member of the JSON body, which the caller requires."""
        value = self.json()
        if isinstance(value, dict) and isinstance(value.get(name), str):
            return str(value[name])
        raise LookupError(f"no {name} in the response with status {self.status}")


def send(method: str, url: str, *, body: bytes | None = None, headers: Pairs = ()) -> Response:
    """Sends one request on a new connection; does not follow redirects."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        return Response(response.status, tuple(response.getheaders()), response.read())
    finally:
        connection.close()


def send_form(url: str, form: Pairs, *, headers: Pairs = ()) -> Response:
    content_type = ("Content-Type", "application/x-www-form-urlencoded")
    return send("POST", url, body=urlencode(form).encode(), headers=[content_type, *headers])


def send_json(method: str, url: str, value: object, *, headers: Pairs = ()) -> Response:
    content_type = ("Content-Type", "application/json")
    return send(method, url, body=json.dumps(value).encode(), headers=[content_type, *headers])
