"""How the library handles the provider's responses: the cases for Keycloak, and some more.

A Keycloak case with another outcome here, or that does not apply, is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from driver.shim import OK, Reply
from keycloak import library_cases, openid_cases
from keycloak.asker import at_once
from keycloak.distribution import VERSION
from keycloak.library import Library
from keycloak.library_cases import INVALID_CLIENT, LOGIN_FAILED, LOGIN_REQUIRED, Case
from keycloak.openid_cases import ID_TOKEN, MEMORY
from keycloak.questions.openid import ALGORITHM
from keycloak.realms import SIPGATE_APPS
from oidc_provider.asker import BASIC_CLIENT

ISSUER_MISMATCH = "SIPGATE_ISSUER_MISMATCH"

OTHERWISE: Mapping[str, tuple[str, ...]] = {
    # The secret is that of the client, as the specification says.
    "id token signed with a secret": (OK, OK, OK),
    # The server ignores an unknown scope, which the granted scope shows.
    "unknown scope in the authorization request": (OK,),
}

FIXED_ISSUER = "its issuer is fixed"

NOT_HERE: Mapping[str, str] = {
    "refresh after logout": "its logout ends the browser's session, through a page",
    "refresh through another host name and then the right one": FIXED_ISSUER,
    "login while the key server is unavailable and after it": FIXED_ISSUER,
    "refresh while the key server is unavailable and after it": FIXED_ISSUER,
    "keys rotated between two logins and the old ones removed": "its keys are fixed",
    "essential acr": "its pages ask again and again, because no login has that value",
    "discovered metadata": "it has fewer endpoints than Keycloak",
    "logout tokens as the client wants them": "they have one form",
    "id token for another audience too": "its ID tokens have one audience",
    "userinfo after the server ended the session": "it has no administrator",
}


def cases() -> Iterator[Case]:
    for case in library_cases.CASES:
        # That realm also rotates its refresh tokens.
        if case.applies_to(SIPGATE_APPS, VERSION) and case.name not in NOT_HERE:
            yield replace(case, expected=OTHERWISE.get(case.name, case.expected))
    for case in openid_cases.CASES:
        if case.name not in NOT_HERE:
            yield replace(case, expected=OTHERWISE.get(case.name, case.expected))
    for run, expected in OWN.items():
        yield Case(run.__name__.replace("_", " "), expected, run)


def exchange_and_two_refreshes_by_a_client_registered_for_basic(
    library: Library,
) -> Sequence[Reply]:
    client = _basic_client(library, BASIC_CLIENT.secret)
    tokens = library.log_in(client)
    second = library.refresh(client, tokens.text("refresh_token"))
    return tokens, second, library.refresh(client, second.text("refresh_token"))


def wrong_secret_by_basic(library: Library) -> Sequence[Reply]:
    return (library.log_in(_basic_client(library, "a wrong one")),)


def callback_of_another_issuer_than_the_configured_one(library: Library) -> Sequence[Reply]:
    """The server's issuer is fixed, whatever host name is used."""
    client = library.client(base=library.ask.base.replace("localhost", "127.0.0.1"))
    request = library.begin(client)
    callback = library.callback(request)
    return [library.exchange_callback(client, request, callback) for _ in range(2)]


def refresh_with_the_winner_of_four_at_once(library: Library) -> Sequence[Reply]:
    """The second request ended the grant for all."""
    client, ask = library.client(), library.ask
    token = library.log_in(client).text("refresh_token")
    responses = at_once(4, lambda: ask.refresh(token))
    (winner,) = (response for response in responses if response.status == 200)
    return (library.refresh(client, winner.member("refresh_token")),)


def refresh_with_the_token_of_another_client(library: Library) -> Sequence[Reply]:
    token = library.log_in(library.client()).text("refresh_token")
    return (library.refresh(_basic_client(library, BASIC_CLIENT.secret), token),)


def code_of_another_client(library: Library) -> Sequence[Reply]:
    attempt = library.ask.begin()
    client = _basic_client(library, BASIC_CLIENT.secret)
    return (library.exchange_code(client, library.ask.code(attempt), attempt.verifier),)


def metadata_of_a_server_with_fewer_endpoints(library: Library) -> Sequence[Reply]:
    """A client of discovered metadata names what is missing."""
    discovered, metadata = library.discover(library.ask.issuer)
    client = library.client(kind="metadata", metadata=metadata, base=None, realm=None, store=MEMORY)
    source = library.source(client)
    refreshed = library.of_source("refresh", source.name)
    return discovered, source.reply, refreshed, library.of_source("userinfo", source.name)


def id_token_in_the_algorithm_ed25519(library: Library) -> Sequence[Reply]:
    """The newer name of EdDSA with this curve (RFC 9864) is not known to the library."""
    with library.ask.attributes({ALGORITHM: "Ed25519"}):
        return (library.log_in(library.client(id_token_signed_response_alg="EdDSA")),)


OWN = {
    metadata_of_a_server_with_fewer_endpoints: (OK, OK, OK, OK),
    id_token_in_the_algorithm_ed25519: (ID_TOKEN,),
    exchange_and_two_refreshes_by_a_client_registered_for_basic: (OK, OK, OK),
    wrong_secret_by_basic: (INVALID_CLIENT,),
    callback_of_another_issuer_than_the_configured_one: (
        ISSUER_MISMATCH,
        ISSUER_MISMATCH,
    ),
    refresh_with_the_winner_of_four_at_once: (LOGIN_REQUIRED,),
    refresh_with_the_token_of_another_client: (LOGIN_REQUIRED,),
    code_of_another_client: (LOGIN_FAILED,),
}


def _basic_client(library: Library, secret: str | None) -> str:
    return library.client(
        client_id=BASIC_CLIENT.id,
        client_secret=secret,
        client_authentication="client_secret_basic",
    )
