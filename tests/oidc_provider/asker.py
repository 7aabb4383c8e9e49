"""Queries the provider by raw HTTP, like `keycloak.asker`: paths and client names are the same."""

from __future__ import annotations

from driver.browser import Browser, Consent
from keycloak.asker import REDIRECT_URI, Asker
from keycloak.realms import ANNA, Client, User, confidential
from keycloak.wire import Response
from oidc_provider.pages import DevelopmentPages
from oidc_provider.server import REALM, ProviderServer

POST_CLIENT = confidential(REALM)
BASIC_CLIENT = Client(f"4000004-0-basic:{REALM}", POST_CLIENT.secret)


class ProviderAsker(Asker):
    def __init__(self, server: ProviderServer) -> None:
        super().__init__(server.base, REALM, server.control)
        self._api_url = server.api_url

    def browser(self, user: User = ANNA, consent: Consent = Consent.ACCEPT) -> Browser:
        return DevelopmentPages(user.name, user.password, consent=consent)

    def callback(self, **changes: str | None) -> str:
        """The callback URL of a login; `changes` as in `begin`."""
        attempt = self.begin(None, redirect_uri=REDIRECT_URI, base=None, **changes)
        return self.browser().log_in(attempt.url)

    def balance(self, access_token: str) -> Response:
        return self.get(self._api_url, bearer=access_token)
