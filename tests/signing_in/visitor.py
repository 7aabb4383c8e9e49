"""A visitor's browser in front of an application, with the proxy that ends TLS between them."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

SITE = "https://example.com"
TIMEOUT_SECONDS = 60
# Browsers drop a longer cookie without a word.
MAX_COOKIE = 4096
# That of Django.
CSRF_COOKIE = "csrftoken"


class Wrong(Exception):
    """The application does not do what the page says."""


@dataclass(frozen=True)
class Response:
    status: int
    location: str | None
    body: str


class Visitor:
    """Keeps cookies as a browser does, as far as the application can notice."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._cookies: dict[str, tuple[str, str]] = {}

    def get(self, target: str) -> Response:
        return self._load("GET", target, None, cross_site=False)

    def post(self, target: str, form: Mapping[str, str] | None = None) -> Response:
        """A form of the application itself, with its CSRF token if it uses one."""
        form = {**(form or {}), **self._csrf_token()}
        return self._load("POST", target, urlencode(form), cross_site=False)

    def come_back(self, callback: str, form: str | None) -> Response:
        """Where the server sends the browser to: with the query, or with a posted form."""
        if not callback.startswith(f"{SITE}/"):
            raise Wrong(f"the server sends the browser to {callback!r}")
        target = callback.removeprefix(SITE)
        return self._load("GET" if form is None else "POST", target, form, cross_site=True)

    def forget_cookies(self) -> None:
        self._cookies.clear()

    def _csrf_token(self) -> dict[str, str]:
        token = self._cookies.get(CSRF_COOKIE)
        return {} if token is None else {"csrfmiddlewaretoken": token[0]}

    def _load(self, method: str, target: str, body: str | None, *, cross_site: bool) -> Response:
        headers = {
            "Host": "example.com",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "example.com",
            "Cookie": self._cookie_header(only_none=cross_site and method == "POST"),
        }
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = "https://login.example" if cross_site else SITE
            headers["Referer"] = f"{headers['Origin']}/"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, target, body, {k: v for k, v in headers.items() if v})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            self._keep(cookie)
        location = response.headers.get("Location")
        if location is not None and method == "POST" and response.status not in (302, 303):
            raise Wrong(f"{response.status} would post the form to {location!r} again")
        return Response(response.status, location, text)

    def _keep(self, set_cookie: str) -> None:
        pair = set_cookie.partition(";")[0]
        name = pair.partition("=")[0]
        if len(pair) > MAX_COOKIE:
            raise Wrong(f"the cookie {name} has {len(pair)} bytes, and browsers drop it")
        attributes = SimpleCookie(set_cookie)[name]
        value = pair.partition("=")[2]
        if not value.strip('"') or attributes["max-age"] == "0" or "1970" in attributes["expires"]:
            self._cookies.pop(name, None)
            return
        same_site = attributes["samesite"].lower() or "lax"
        # The token alone opens nothing.
        if name != CSRF_COOKIE and (not attributes["secure"] or same_site == "strict"):
            raise Wrong(f"the cookie {name} is not secure, or is not there after a redirect")
        self._cookies[name] = (value, same_site)

    def _cookie_header(self, *, only_none: bool) -> str:
        return "; ".join(
            f"{name}={value}"
            for name, (value, same_site) in self._cookies.items()
            if same_site == "none" or not only_none
        )
