"""How the library handles this server: cases for Keycloak, and some more.

Each of Keycloak's cases about OpenID Connect is in `EXPECTED`, or in `NOT_HERE` with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from django_oauth_toolkit.server import REALM, ToolkitServer
from driver.shim import OK, Reply
from keycloak import library_cases, openid_cases
from keycloak.address_cases import ISSUER_MISMATCH
from keycloak.asker import Asker
from keycloak.control import CannotControl, Control
from keycloak.library import Library
from keycloak.library_cases import (
    INVALID_CLIENT,
    LOGIN_ALREADY_USED,
    LOGIN_FAILED,
    LOGIN_REQUIRED,
    OAUTH,
    Case,
)
from keycloak.openid_cases import MEMORY, STATE_MISMATCH
from keycloak.result import check

ONE_ALGORITHM = "its ID tokens have one algorithm for each key"
NO_BACK_CHANNEL = "it has no back-channel logout"
FIXED_KEYS = "its keys are fixed"

EXPECTED: Mapping[str, tuple[str, ...]] = {
    "login of the user whom the id token names": (OK, OK, OK),
    "logins of two users at one client": (OK, OK, OK),
    "refresh with a new id token": (OK, OK, OK),
    "refresh of a login that another process made": (OK, OK),
    "logout in the browser": (OK, OK, STATE_MISMATCH, LOGIN_REQUIRED),
    "callback used twice": (OK, LOGIN_ALREADY_USED),
    "callback used by two processes": (OK, LOGIN_FAILED, OK),
    "code that is rubbish": (LOGIN_FAILED,),
    "wrong secret at the exchange": (INVALID_CLIENT,),
    "older refresh token with rotation": (OK, LOGIN_REQUIRED, LOGIN_REQUIRED),
}

NOT_HERE: Mapping[str, str] = {
    "introspection": "OpenID Connect's metadata does not name the endpoint",
    "revocation": "OpenID Connect's metadata does not name the endpoint",
    "max age": "it ignores max_age",
    "essential acr": "its ID tokens have no acr",
    "discovered metadata": "nothing is known of it beforehand",
    "refresh after the user logged in again in the same browser": "a case of its own",
    "id token in an algorithm that only the metadata names": ONE_ALGORITHM,
    "id token in an algorithm that the client does not name": ONE_ALGORITHM,
    "id token in every algorithm": ONE_ALGORITHM,
    "id token signed with a secret": ONE_ALGORITHM,
    "id token for another audience too": "its ID tokens have one audience",
    "encrypted id token": "it does not encrypt",
    "signed userinfo": "it does not sign its userinfo responses",
    "userinfo after the server ended the session": "it has no administrator",
    "logout that is told to two processes": NO_BACK_CHANNEL,
    "logout of one of two users": NO_BACK_CHANNEL,
    "logout tokens as the client wants them": NO_BACK_CHANNEL,
    "login while the key server is unavailable and after it": FIXED_KEYS,
    "refresh while the key server is unavailable and after it": FIXED_KEYS,
    "keys rotated between two logins and the old ones removed": FIXED_KEYS,
}


class NotControlled:
    """Nothing can be changed at the running server."""

    def __getattr__(self, name: str) -> object:
        raise CannotControl(name)


class ToolkitAsker(Asker):
    def __init__(self, server: ToolkitServer) -> None:
        super().__init__(server.issuer, REALM, cast(Control, NotControlled()))
        self.issuer = server.issuer


class DiscoveringLibrary(Library):
    """Its clients have the metadata that the server gives."""

    def client(self, **changes: object) -> str:
        discovered, metadata = self.discover(str(changes.pop("issuer", self.ask.issuer)))
        check(discovered.error is None, discovered)
        given = {"kind": "metadata", "metadata": metadata, "base": None, "realm": None}
        return super().client(**given, **changes)


def cases() -> Iterator[Case]:
    for case in (*library_cases.CASES, *openid_cases.CASES):
        if case.name in EXPECTED:
            yield replace(case, expected=EXPECTED[case.name])
        elif case in openid_cases.CASES and case.name not in NOT_HERE:
            raise LookupError(f"{case.name}: neither expected, nor not here")
    for run, expected in OWN.items():
        yield Case(run.__name__.replace("_", " "), expected, run)


def refresh_after_the_user_logged_in_with_another_browser(library: Library) -> Sequence[Reply]:
    """The time of the login in a new ID token is that of the user's last one, wherever."""
    first = library.source(library.client(store=MEMORY))
    before = _auth_time(library.of_source("claims", first.name))
    time.sleep(1.1)
    second = library.source(library.client(store=MEMORY))
    refreshed = library.of_source("refresh", first.name)
    after = _auth_time(library.of_source("claims", first.name))
    check(after > before, f"auth_time was {before} and is {after}")
    return first.reply, second.reply, refreshed


def introspection_and_revocation(library: Library) -> Sequence[Reply]:
    """Only the metadata of RFC 8414 names the endpoints; OpenID Connect's address has nothing.

    A wrong secret is a 403 without a reason at the one, and an OAuth error at the other.
    """
    issuer = f"{library.ask.issuer}-without-openid"
    client = library.client(issuer=issuer)
    wrong = library.client(issuer=issuer, client_secret="a wrong one")
    tokens = library.log_in(client, scope="balance:read")
    token, refresh_token = tokens.text("access_token"), tokens.text("refresh_token")

    def introspected() -> Reply:
        return library.of_client("introspect", client, token=token)

    active = introspected()
    rubbish = library.of_client("introspect", client, token="some-rubbish")
    refused = library.of_client("introspect", wrong, token=token)
    revoked, again, ended = (
        library.of_client("revoke", client, token=given)
        for given in (refresh_token, "rubbish", token)
    )
    inactive = introspected()
    said = [_is_active(reply) for reply in (active, rubbish, inactive)]
    check(said == [True, False, False], said)
    unknown = library.of_client("revoke", wrong, token=token)
    return tokens, refused, revoked, again, ended, library.refresh(client, refresh_token), unknown


def issuer_with_a_slash_at_its_end(library: Library) -> Sequence[Reply]:
    reply, _ = library.discover(f"{library.ask.issuer}/")
    return (reply,)


OWN = {
    refresh_after_the_user_logged_in_with_another_browser: (OK, OK, OK),
    introspection_and_revocation: (OK, OAUTH, OK, OK, OK, LOGIN_REQUIRED, INVALID_CLIENT),
    issuer_with_a_slash_at_its_end: (ISSUER_MISMATCH,),
}


def _auth_time(reply: Reply) -> int:
    return int(cast(Mapping[str, int], reply.members["claims"])["auth_time"])


def _is_active(reply: Reply) -> object:
    return cast(Mapping[str, object], reply.members["introspection"])["active"]
