"""The library in one language, driven through its shim, as a client of one realm."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from driver.browser import Browser
from driver.programs import ROOT
from driver.shim import Reply, Shim, running_shim
from driver.shims import SHIMS
from keycloak.asker import REDIRECT_URI, SCOPE, Asker


@dataclass(frozen=True)
class Request:
    """An authorization request in the shim, and the URL to send the user to."""

    name: str
    url: str


@dataclass(frozen=True)
class Source:
    """A login in the shim: its account, and the first reply of the call that made it."""

    name: str
    account: str
    reply: Reply


class Library:
    """`ask` uses the same realm by raw HTTP, to set up what the library then encounters."""

    def __init__(self, shim: Shim, ask: Asker, language: str) -> None:
        self.ask = ask
        self.language = language
        self._shim = shim
        self._names = (f"object-{number}" for number in itertools.count())
        self._secrets = {ask.client.secret or ""}

    @contextlib.contextmanager
    def in_another_process(self, language: str | None = None) -> Iterator[Library]:
        """The library in a new process, which has no keys yet, by default in the same language."""
        language = language or self.language
        with running_shim(SHIMS[language], ROOT) as shim:
            yield type(self)(shim, self.ask, language)

    def client(self, **changes: object) -> str:
        """A client's name in the shim; `changes` replace options, None omits one."""
        name = next(self._names)
        self._new_client(name, **changes).text("client_id")
        return name

    def preset(self) -> object:
        """The metadata that the library has without asking the server."""
        return self._new_client(next(self._names)).members["metadata"]

    def begin(self, client: str, *, scope: str = SCOPE, **parameters: object) -> Request:
        name = next(self._names)
        begun = self._call(
            "client.authorization_request", client=client, name=name, scope=scope, **parameters
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

    def complete_login(
        self, client: str, request: Request, callback: str, *, timeout: float | None = None
    ) -> tuple[Reply, str]:
        """The reply, and the source's name. The account is the user."""
        source = next(self._names)
        reply = self._call(
            "client.complete_login",
            client=client,
            request=request.name,
            callback=callback,
            source=source,
            timeout=timeout,
        )
        return reply, source

    def source(
        self,
        client: str,
        *,
        browser: Browser | None = None,
        scope: str = SCOPE,
        **parameters: object,
    ) -> Source:
        """A login that must succeed, of the user whom the ID token names."""
        begun = self.begin(client, scope=scope, **parameters)
        reply, name = self.complete_login(client, begun, self.callback(begun, browser))
        return Source(name, reply.text("account"), reply)

    def source_of(self, client: str, account: str) -> str:
        """The login of an account, made in whichever process."""
        name = next(self._names)
        self._call("client.token_source", client=client, account=account, source=name).text(
            "account"
        )
        return name

    def discover(self, issuer: str) -> tuple[Reply, str]:
        """The reply, and the metadata's name."""
        name = next(self._names)
        return self._call("metadata.discover", issuer=issuer, name=name), name

    def access_token(self, source: str) -> Reply:
        reply = self._call("source.access_token", source=source)
        if reply.error is None:
            self._secrets.add(reply.text("access_token"))
        return reply

    def of_source(self, op: str, source: str) -> Reply:
        return self._call(f"source.{op}", source=source)

    def of_client(self, op: str, client: str, **args: object) -> Reply:
        return self._call(f"client.{op}", client=client, **args)

    def _new_client(self, name: str, **changes: object) -> Reply:
        options: dict[str, object] = {
            "kind": "keycloak",
            "base": self.ask.base,
            "realm": self.ask.realm,
            "client_id": self.ask.client.id,
            "client_secret": self.ask.client.secret,
            "redirect_uri": REDIRECT_URI,
            **changes,
        }
        return self._call("client.new", name=name, **options)

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
