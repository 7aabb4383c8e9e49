"""The fixtures. With pytest-xdist, each worker has a realm of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .realm import Realm

if TYPE_CHECKING:
    from sipgate_oauth2 import Client, TokenSource


@pytest.fixture(scope="session")
def sipgate_redirect_uri() -> str:
    """The application's redirect URI. Define a fixture of this name for another one."""
    return "http://localhost/callback"


@pytest.fixture(scope="session")
def sipgate_realm_process(sipgate_redirect_uri: str) -> Iterator[Realm]:
    """The realm of all tests of this process, as the tests leave it."""
    with Realm(redirect_uri=sipgate_redirect_uri) as realm:
        yield realm


@pytest.fixture
def sipgate_realm(sipgate_realm_process: Realm) -> Realm:
    """A local login server, as new for each test."""
    sipgate_realm_process.reset()
    return sipgate_realm_process


@pytest.fixture
def sipgate_client(sipgate_realm: Realm) -> Client:
    """A client of that server, with an empty store in memory."""
    from sipgate_oauth2 import Client, Store

    return Client.keycloak(
        f"{sipgate_realm.url}/auth",
        "third-party",
        sipgate_realm.client_id,
        client_secret=sipgate_realm.client_secret,
        redirect_uri=sipgate_realm.redirect_uri,
        store=Store.memory(),
    )


@pytest.fixture
def logged_in_source(sipgate_realm: Realm, sipgate_client: Client) -> TokenSource:
    """The token source of the account `anna`, who has just logged in."""
    request = sipgate_client.authorization_request("openid balance:read")
    return sipgate_client.complete_login(request, sipgate_realm.login(request.url), "anna")
