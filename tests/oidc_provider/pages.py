"""The user at oidc-provider's development pages: a login form, a consent form, a cancel link."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

from driver.browser import MAX_STEPS, Browser, BrowserError, Consent, LoggedOut


class DevelopmentPages(Browser):
    """The same user as at Keycloak's page.

    The server accepts any password; to deny access is to follow the first page's link.
    """

    def log_in(self, authorization_url: str) -> str:
        callback = parse_qs(urlsplit(authorization_url).query)["redirect_uri"][0]
        url: str = authorization_url
        form: dict[str, str] | None = None
        for _ in range(MAX_STEPS):
            response = self._load(url, form)
            if response.location is not None:
                url, form = urljoin(url, response.location), None
                if _leads_to(url, callback):
                    return url
                continue
            page = _Page(response.body)
            if page.action is None:
                raise BrowserError(f"no form, status {response.status}: {page.text}")
            if self._consent is Consent.DENY and page.cancel is not None:
                url, form = urljoin(url, page.cancel), None
            else:
                url, form = urljoin(url, page.action), self._fill_in(page)
        raise BrowserError(f"no callback after {MAX_STEPS} steps")

    def log_out(self, logout_url: str) -> LoggedOut:
        page = self._load(logout_url, None)
        asks = _Page(page.body)
        if asks.action is not None:
            url = urljoin(logout_url, asks.action)
            page = self._load(url, {**asks.fields, "logout": "yes"})
        return LoggedOut(asks.action is not None, page.location, page.status, _Page(page.body).text)

    def _fill_in(self, page: _Page) -> dict[str, str]:
        inputs = {"login": self._user, "password": self._password}
        return {name: inputs.get(name, value) for name, value in page.fields.items()}


class _Page(HTMLParser):
    def __init__(self, body: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.cancel: str | None = None
        self.fields: dict[str, str] = {}
        self._texts: list[str] = []
        self._in_style = False
        self.feed(body)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())[:200]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "form":
            self.action = values["action"]
        elif tag == "input":
            self.fields[values["name"]] = values.get("value", "")
        elif tag == "a" and urlsplit(values.get("href", "")).path.endswith("/abort"):
            self.cancel = values["href"]

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self._texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _leads_to(url: str, callback: str) -> bool:
    """Whether the URL is the callback; the server adds a slash to a bare origin."""
    here, wanted = urlsplit(url), urlsplit(callback)
    return (here.netloc, here.path or "/") == (wanted.netloc, wanted.path or "/")
