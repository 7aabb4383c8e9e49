"""Queries one realm of one server: the steps of a login and related requests, by raw HTTP."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from driver.browser import Browser, Consent
from keycloak import realms
from keycloak.control import Control, RealmSettings
from keycloak.realms import Client, User
from keycloak.wire import Pairs, Response, send, send_form

REDIRECT_URI = "http://127.0.0.1:53682/callback"
SCOPE = "openid balance:read"


@dataclass(frozen=True)
class Attempt:
    """A login in progress: what the callback must contain and what the exchange needs."""

    client: Client
    url: str
    redirect_uri: str
    verifier: str


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str
    response: Response


class Asker:
    def __init__(self, base: str, realm: str, control: Control) -> None:
        self.base = base
        self.realm = realm
        self.control = control
        self.issuer = f"{base}/realms/{realm}"
        self.client = realms.confidential(realm)
        self.public = realms.public(realm)
        self.consenting = realms.consenting(realm)

    @property
    def elsewhere(self) -> str:
        """The same server under another host name."""
        return self.base.replace("127.0.0.1", "localhost")

    def endpoint(self, name: str, *, base: str | None = None) -> str:
        return f"{base or self.base}/realms/{self.realm}/protocol/openid-connect/{name}"

    def begin(
        self,
        client: Client | None = None,
        *,
        redirect_uri: str = REDIRECT_URI,
        base: str | None = None,
        **changes: str | None,
    ) -> Attempt:
        """`changes` replace parameters of the authorization request; None omits one."""
        client = client or self.client
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        query = urlencode(_present(parameters))
        return Attempt(
            client, f"{self.endpoint('auth', base=base)}?{query}", redirect_uri, verifier
        )

    def browser(self, user: User = realms.ANNA, consent: Consent = Consent.ACCEPT) -> Browser:
        return Browser(user.name, user.password, consent=consent)

    def code(self, attempt: Attempt, browser: Browser | None = None) -> str:
        """Logs in, in a new browser unless one is given, and returns the code from the callback."""
        callback = (browser or self.browser()).log_in(attempt.url)
        found = parse_qs(urlsplit(callback).query).get("code")
        if not found:
            raise LookupError("the callback has no code")
        return found[0]

    def exchange(
        self, attempt: Attempt, code: str | None, *, headers: Pairs = (), **changes: str | None
    ) -> Response:
        """`changes` replace form parameters; None omits one."""
        return self.token_request(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.verifier,
                **_credentials(attempt.client),
                **changes,
            },
            headers=headers,
        )

    def tokens(
        self, client: Client | None = None, browser: Browser | None = None, **changes: str | None
    ) -> Tokens:
        """A complete login that must succeed."""
        attempt = self.begin(client, redirect_uri=REDIRECT_URI, base=None, **changes)
        response = self.exchange(attempt, self.code(attempt, browser))
        return Tokens(response.member("access_token"), response.member("refresh_token"), response)

    def refresh(
        self,
        token: str,
        client: Client | None = None,
        *,
        base: str | None = None,
        **changes: str | None,
    ) -> Response:
        return self.token_request(
            {
                "grant_type": "refresh_token",
                "refresh_token": token,
                **_credentials(client or self.client),
                **changes,
            },
            base=base,
        )

    def token_request(
        self,
        form: dict[str, str | None],
        *,
        extra: Pairs = (),
        headers: Pairs = (),
        base: str | None = None,
    ) -> Response:
        """`extra` appends pairs, so that a parameter can be sent twice."""
        pairs = [*_present(form), *extra]
        return send_form(self.endpoint("token", base=base), pairs, headers=headers)

    def post(
        self,
        endpoint: str,
        client: Client | None = None,
        headers: Pairs = (),
        *,
        base: str | None = None,
        **form: str | None,
    ) -> Response:
        """A request with client authentication to one of the other endpoints."""
        fields = {**_credentials(client or self.client), **form}
        return send_form(self.endpoint(endpoint, base=base), _present(fields), headers=headers)

    def get(self, url: str, *, bearer: str | None = None) -> Response:
        headers = [] if bearer is None else [("Authorization", f"Bearer {bearer}")]
        return send("GET", url, headers=headers)

    def userinfo(self, access_token: str) -> Response:
        return self.get(self.endpoint("userinfo"), bearer=access_token)

    @contextlib.contextmanager
    def configured(self, settings: RealmSettings) -> Iterator[None]:
        self.control.configure_realm(self.realm, settings)
        try:
            yield
        finally:
            self.control.restore_realm(self.realm)

    @contextlib.contextmanager
    def attributes(self, attributes: Mapping[str, str]) -> Iterator[None]:
        """Of `client`, by Keycloak's names; afterwards they are as in a new client."""
        self.control.set_client_attributes(self.realm, self.client.id, attributes)
        try:
            yield
        finally:
            before = {name: realms.ATTRIBUTES.get(name, "") for name in attributes}
            self.control.set_client_attributes(self.realm, self.client.id, before)

    @contextlib.contextmanager
    def id_token_audience(self, audience: str) -> Iterator[None]:
        """Besides `client`, in its ID tokens."""
        self.control.set_id_token_audience(self.realm, self.client.id, audience)
        try:
            yield
        finally:
            self.control.set_id_token_audience(self.realm, self.client.id, None)

    @contextlib.contextmanager
    def user_disabled(self, user: User = realms.ANNA) -> Iterator[None]:
        self.control.enable_user(self.realm, user.name, False)
        try:
            yield
        finally:
            self.control.enable_user(self.realm, user.name, True)

    @contextlib.contextmanager
    def offline_access(self, allowed: bool, user: User = realms.ANNA) -> Iterator[None]:
        """Afterwards it is not allowed, as in a new realm."""
        self.control.allow_offline_access(self.realm, user.name, allowed)
        try:
            yield
        finally:
            self.control.allow_offline_access(self.realm, user.name, False)

    @contextlib.contextmanager
    def without_consent(self, user: User = realms.ANNA) -> Iterator[None]:
        """Inside, no consent is requested, so afterwards it is missing."""
        client = self.consenting.id
        self.control.withdraw_consent(self.realm, user.name, client)
        self.control.require_consent(self.realm, client, False)
        try:
            yield
        finally:
            self.control.require_consent(self.realm, client, True)

    @contextlib.contextmanager
    def client_secret(self, secret: str) -> Iterator[None]:
        self.control.set_client_secret(self.realm, self.client.id, secret)
        try:
            yield
        finally:
            self.control.set_client_secret(self.realm, self.client.id, self.client.secret or "")

    @contextlib.contextmanager
    def client_disabled(self) -> Iterator[None]:
        self.control.enable_client(self.realm, self.client.id, False)
        try:
            yield
        finally:
            self.control.enable_client(self.realm, self.client.id, True)


def at_once(count: int, ask: Callable[[], Response]) -> list[Response]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(count)]]


def basic(client_id: str, secret: str) -> Pairs:
    """The Basic header with exactly these halves; the caller encodes them or not."""
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return [("Authorization", f"Basic {pair}")]


def _credentials(client: Client) -> dict[str, str | None]:
    return {"client_id": client.id, "client_secret": client.secret}


def _present(parameters: dict[str, str | None]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters.items() if value is not None]
