"""A headless browser that logs in at a Keycloak or at the local realm.

As a module:  ``Browser("anna", password).log_in(authorization_url)`` gives the callback URL.
As a command: ``DEMO_PASSWORD=… python3 browser.py URL --user anna`` prints it.

            With ``--visit`` it loads the callback instead, as a user's browser does: then
            ``BROWSER="python3 browser.py --visit"`` is a browser that logs in by itself.

Otherwise, the callback URL is never loaded: it is for the program that started the login.
"""

from __future__ import annotations

import argparse
import enum
import http.client
import os
import re
import ssl
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import SplitResult, parse_qs, urlencode, urljoin, urlsplit

MAX_STEPS = 8
TIMEOUT_SECONDS = 30
REDIRECTS = (301, 302, 303, 307, 308)


class BrowserError(Exception):
    """The login did not lead to the callback; the message says where it ended."""


class Consent(enum.Enum):
    """The choice on a consent page: the names of its two buttons."""

    ACCEPT = "accept"
    DENY = "cancel"


@dataclass(frozen=True)
class LoggedOut:
    """Whether the user was asked, and where the browser was sent, if anywhere."""

    asked: bool
    location: str | None
    status: int
    message: str


class Browser:
    """One user's browser; it keeps its cookies, so a second login needs no password."""

    def __init__(
        self,
        user: str,
        password: str,
        *,
        ca_file: str | None = None,
        consent: Consent = Consent.ACCEPT,
    ) -> None:
        self._user = user
        self._password = password
        self._consent = consent
        self._cookies = _CookieJar()
        self._tls = ssl.create_default_context(cafile=ca_file)

    def log_in(self, authorization_url: str) -> str:
        """Follows the pages from the authorization URL to the callback, and returns its URL."""
        start = urlsplit(authorization_url)
        if start.scheme not in ("http", "https") or not start.hostname:
            raise BrowserError(f"not an absolute http(s) URL: {_place(authorization_url)}")
        redirect_uri = parse_qs(start.query).get("redirect_uri", [None])[0]

        url, form = authorization_url, None
        credentials_sent = False
        for _ in range(MAX_STEPS):
            page = self._load(url, form)
            if page.location is not None:
                url, form = urljoin(url, page.location), None
                if _is_callback(url, redirect_uri, start):
                    return url
                if _origin(urlsplit(url)) != _origin(start):
                    raise BrowserError(
                        f"redirected to a different site than that of the callback: {_place(url)}"
                    )
                continue

            login, consent = page.login_form(), page.consent_form()
            if login is not None and credentials_sent:
                raise BrowserError(f"the login failed{page.message()}")
            if login is not None:
                fields = {"username": self._user, "password": self._password, "credentialId": ""}
                url, form = urljoin(url, login.action), {**login.hidden, **fields}
                credentials_sent = True
            elif consent is not None:
                button = self._consent.value
                fields = {button: consent.buttons[button]}
                url, form = urljoin(url, consent.action), {**consent.hidden, **fields}
            else:
                raise BrowserError(
                    f"no login form at {_place(url)} (status {page.status}){page.message()}"
                )
        raise BrowserError(f"no callback after {MAX_STEPS} steps, last at {_place(url)}")

    def log_out(self, logout_url: str) -> LoggedOut:
        """Loads the logout URL, and confirms if the page asks."""
        page = self._load(logout_url, None)
        confirm = page.logout_form()
        if confirm is not None:
            url = urljoin(logout_url, confirm.action)
            page = self._load(url, {**confirm.hidden, **confirm.buttons})
        return LoggedOut(confirm is not None, page.location, page.status, page.message())

    def load(self, url: str) -> tuple[int, str | None, str]:
        """One page: its status, where it redirects to, and its text."""
        page = self._load(url, None)
        return page.status, page.location, page.body

    def _load(self, url: str, form: dict[str, str] | None) -> _Page:
        parts = urlsplit(url)
        host = parts.hostname or ""
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, parts.port, timeout=TIMEOUT_SECONDS, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": "text/html", "Cookie": self._cookies.header(parts)}
        headers = {name: value for name, value in headers.items() if value}
        try:
            if form is None:
                connection.request("GET", target, headers=headers)
            else:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                connection.request("POST", target, urlencode(form), headers)
            response = connection.getresponse()
            body = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise BrowserError(f"no response from {_place(url)}: {error}") from error
        finally:
            connection.close()
        self._cookies.store(response.headers.get_all("Set-Cookie") or [], parts)
        location = response.headers.get("Location") if response.status in REDIRECTS else None
        return _Page(response.status, location, body)


def log_in(
    authorization_url: str,
    user: str,
    password: str,
    *,
    ca_file: str | None = None,
    consent: Consent = Consent.ACCEPT,
) -> str:
    """One login in a new browser."""
    return Browser(user, password, ca_file=ca_file, consent=consent).log_in(authorization_url)


@dataclass(frozen=True)
class _Cookie:
    name: str
    value: str
    path: str
    secure: bool
    origin_host: str


class _CookieJar:
    """Host-only cookies.

    Keycloak marks them `Secure` even over plain HTTP; as in browsers and curl, loopback hosts are
    exempt from that.
    """

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}

    def store(self, set_cookie_headers: list[str], url: SplitResult) -> None:
        for header in set_cookie_headers:
            pair, *attributes = (part.strip() for part in header.split(";"))
            name, _, value = pair.partition("=")
            settings = {
                key.strip().lower(): text.strip()
                for key, _, text in (attribute.partition("=") for attribute in attributes)
            }
            path = settings.get("path") or "/"
            key = (url.hostname or "", path, name)
            if _has_ended(settings.get("max-age")):
                self._cookies.pop(key, None)
            else:
                secure = "secure" in settings
                self._cookies[key] = _Cookie(name, value, path, secure, key[0])

    def header(self, url: SplitResult) -> str:
        host = url.hostname or ""
        confidential = url.scheme == "https" or _is_loopback(host)
        matching = [
            cookie
            for cookie in self._cookies.values()
            if cookie.origin_host == host
            and _path_matches(url.path or "/", cookie.path)
            and (confidential or not cookie.secure)
        ]
        matching.sort(key=lambda cookie: len(cookie.path), reverse=True)
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in matching)


@dataclass
class _Form:
    id: str
    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    buttons: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects the forms of a page; the parser also unescapes `&amp;` in their actions."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[_Form] = []
        self._open: _Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = _Form(values.get("id", ""), values.get("action", ""))
            self.found.append(self._open)
        elif tag in ("input", "button") and self._open is not None and "name" in values:
            kind = values.get("type", "submit" if tag == "button" else "text").lower()
            if kind == "submit":
                self._open.buttons[values["name"]] = values.get("value", "")
            elif kind == "hidden":
                self._open.hidden[values["name"]] = values.get("value", "")
            self._open.fields.add(values["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass(frozen=True)
class _Page:
    status: int
    location: str | None
    body: str

    def login_form(self) -> _Form | None:
        wanted = {"username", "password"}
        forms = _Forms(self.body).found
        return next((f for f in forms if f.id == "kc-form-login" or wanted <= f.fields), None)

    def consent_form(self) -> _Form | None:
        wanted = {consent.value for consent in Consent}
        return next((f for f in _Forms(self.body).found if wanted <= f.buttons.keys()), None)

    def logout_form(self) -> _Form | None:
        return next((f for f in _Forms(self.body).found if "confirmLogout" in f.buttons), None)

    def message(self) -> str:
        """The page's message to the user as `: text`, or an empty string."""
        for pattern in (
            r'id="kc-error-message"[^>]*>(.*?)</(?:div|p)>',
            r'class="[^"]*\bkc-feedback-text\b[^"]*"[^>]*>(.*?)</span>',
            r'id="input-error[^"]*"[^>]*>(.*?)</(?:span|p|div)>',
            r"<title>(.*?)</title>",
        ):
            found = re.search(pattern, self.body, re.DOTALL)
            text = " ".join(re.sub(r"<[^>]*>", " ", found.group(1)).split()) if found else ""
            if text:
                return f": {text[:200]}"
        return ""


def _is_callback(url: str, redirect_uri: str | None, start: SplitResult) -> bool:
    here = urlsplit(url)
    if redirect_uri is None:
        return _origin(here) != _origin(start)
    wanted = urlsplit(redirect_uri)
    return (_origin(here), here.path) == (_origin(wanted), wanted.path)


def _origin(url: SplitResult) -> tuple[str, str]:
    return url.scheme, url.netloc


def _place(url: str) -> str:
    """A URL without its query, which may contain a code or a session."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _has_ended(max_age: str | None) -> bool:
    """Servers delete a cookie by setting its lifetime to zero."""
    return max_age is not None and (max_age == "0" or max_age.startswith("-"))


def _path_matches(path: str, cookie_path: str) -> bool:
    """RFC 6265 section 5.1.4."""
    prefix = cookie_path if cookie_path.endswith("/") else cookie_path + "/"
    return path == cookie_path or path.startswith(prefix)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Log in at an authorization URL, print the callback."
    )
    parser.add_argument("url", help="the authorization URL")
    parser.add_argument("--user", default="anna")
    parser.add_argument(
        "--password-env",
        default="DEMO_PASSWORD",
        metavar="NAME",
        help="environment variable that holds the password (default: %(default)s)",
    )
    parser.add_argument("--ca-file", help="PEM file with the certificate authority to trust")
    parser.add_argument(
        "--visit", action="store_true", help="load the callback, and print the page there"
    )
    parser.add_argument("--deny", action="store_true", help="deny on a consent page")
    options = parser.parse_args()

    password = os.environ.get(options.password_env)
    if password is None:
        parser.error(f"the environment variable {options.password_env} is not set")
    consent = Consent.DENY if options.deny else Consent.ACCEPT
    try:
        browser = Browser(options.user, password, ca_file=options.ca_file, consent=consent)
        callback = browser.log_in(options.url)
        print(browser.load(callback)[2] if options.visit else callback)
    except BrowserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
