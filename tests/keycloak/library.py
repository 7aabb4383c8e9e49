"""The library in one language, driven through its shim, as a client of one realm."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from driver.browser import Browser
from driver.shim import Reply, Shim
from keycloak.asker import REDIRECT_URI, SCOPE, Asker


@dataclass(frozen=True)
class Request:
    """An authorization request in the shim, and the URL to send the user to."""

    name: str
    url: str


class Library:
    """`ask` uses the same realm by raw HTTP, to set up what the library then encounters."""

    def __init__(self, shim: Shim, ask: Asker) -> None:
        self.ask = ask
        self._shim = shim
        self._names = (f"object-{number}" for number in itertools.count())
        self._secrets = {ask.client.secret or ""}

    def client(self, **changes: str | None) -> str:
        """A client's name in the shim; `changes` replace options, None omits one."""
        name = next(self._names)
        options: dict[str, str | None] = {
            "base": self.ask.base,
            "realm": self.ask.realm,
            "client_id": self.ask.client.id,
            "client_secret": self.ask.client.secret,
            "redirect_uri": REDIRECT_URI,
            **changes,
        }
        self._call("client.new", name=name, kind="keycloak", **options).text("client_id")
        return name

    def begin(self, client: str, *, scope: str = SCOPE, prompt: str | None = None) -> Request:
        name = next(self._names)
        begun = self._call(
            "client.authorization_request", client=client, name=name, scope=scope, prompt=prompt
        )
        return Request(name, begun.text("url"))

    def copy(self, request: Request) -> Request:
        """The same authorization request, restored as in another process."""
        exported = self._call("request.export", request=request.name).text("exported")
        name = next(self._names)
        restored = self._call("request.restore", name=name, exported=exported)
        return Request(name, restored.text("url"))

    def callback(self, request: Request, browser: Browser | None = None) -> str:
        """The callback of a login, in a new browser unless one is given."""
        callback = (browser or self.ask.browser()).log_in(request.url)
        self._secrets.update(parse_qs(urlsplit(callback).query).get("code", []))
        return callback

    def exchange_callback(self, client: str, request: Request, callback: str) -> Reply:
        return self._tokens(
            "client.exchange_callback", client=client, request=request.name, callback=callback
        )

    def exchange_code(
        self, client: str, code: str, code_verifier: str, *, redirect_uri: str = REDIRECT_URI
    ) -> Reply:
        self._secrets.update((code, code_verifier))
        return self._tokens(
            "client.exchange_code",
            client=client,
            code=code,
            code_verifier=code_verifier,
            redirect_uri=redirect_uri,
        )

    def refresh(self, client: str, refresh_token: str, *, scope: str | None = None) -> Reply:
        return self._tokens(
            "client.refresh", client=client, refresh_token=refresh_token, scope=scope
        )

    def log_in(self, client: str, *, scope: str = SCOPE, browser: Browser | None = None) -> Reply:
        request = self.begin(client, scope=scope)
        return self.exchange_callback(client, request, self.callback(request, browser))

    def _tokens(self, op: str, **args: object) -> Reply:
        reply = self._call(op, tokens=next(self._names), **args)
        if reply.error is None:
            self._secrets.update((reply.text("access_token"), reply.text("refresh_token")))
        return reply

    def _call(self, op: str, **args: object) -> Reply:
        reply = self._shim.call(op, **args)
        shown = json.dumps(reply.error)
        if any(secret and secret in shown for secret in self._secrets):
            raise RuntimeError(f"the error of {op} shows a secret")
        return reply
