"""What ends logins only at Keycloak.

A logout ends all logins of its browser, and a consent withdrawn by an administrator ends a client's
logins.
"""

from __future__ import annotations

from collections.abc import Sequence

from driver.shim import OK, Reply
from keycloak.library import Library
from keycloak.library_cases import LOGIN_FAILED, LOGIN_REQUIRED, Cases, consenting
from keycloak.realms import ANNA

CASES = Cases()
case = CASES.add


@case(LOGIN_REQUIRED, LOGIN_REQUIRED, OK)
def refresh_after_logout_of_another_login(library: Library) -> Sequence[Reply]:
    """It ends all clients' logins of its browser, and none of another browser."""
    client, browser = library.client(), library.ask.browser()
    public = library.client(client_id=library.ask.public.id, client_secret=None)
    others = [
        (client, library.log_in(client, browser=browser).text("refresh_token")),
        (public, library.log_in(public, browser=browser).text("refresh_token")),
        (client, library.log_in(client).text("refresh_token")),
    ]
    token = library.log_in(client, browser=browser).text("refresh_token")
    library.ask.post("logout", refresh_token=token)
    return [library.refresh(name, other) for name, other in others]


@case(LOGIN_REQUIRED)
def refresh_after_consent_was_withdrawn_by_an_administrator(library: Library) -> Sequence[Reply]:
    ask = library.ask
    client = consenting(library)
    token = library.log_in(client).text("refresh_token")
    ask.control.withdraw_consent(ask.realm, ANNA.name, ask.consenting.id)
    return (library.refresh(client, token),)


@case(LOGIN_FAILED)
def consent_withdrawn_by_an_administrator_after_the_login(library: Library) -> Sequence[Reply]:
    ask = library.ask
    client = consenting(library)
    request = library.begin(client)
    callback = library.callback(request)
    ask.control.withdraw_consent(ask.realm, ANNA.name, ask.consenting.id)
    return (library.exchange_callback(client, request, callback),)
