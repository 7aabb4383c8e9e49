"""Cases with the same Keycloak under another host name, or behind a server with its own pages."""

from __future__ import annotations

import base64
import dataclasses
import time
from collections.abc import Sequence
from urllib.parse import quote

from driver.shim import OK, Reply
from keycloak.front import PAGE_TEXT, Forwarded, running_front
from keycloak.library import Library
from keycloak.library_cases import (
    ACCEPTED_AND_THEREFORE_SPENT,
    LOGIN_ALREADY_USED,
    LOGIN_FAILED,
    LOGIN_REQUIRED,
    SERVER_UNAVAILABLE,
    Cases,
)
from keycloak.realms import SIPGATE_APPS, THIRD_PARTY, Client
from keycloak.result import check

ISSUER_MISMATCH = "SIPGATE_ISSUER_MISMATCH"
OUTCOME_UNKNOWN = "SIPGATE_OUTCOME_UNKNOWN"
RETRY_AFTER = 7
KEYS_SECONDS = 1.5

CASES = Cases()
case = CASES.add

# Before version 23, the callback did not name its issuer.
UNNAMED = (OK, LOGIN_ALREADY_USED)


@case(
    ISSUER_MISMATCH,
    ISSUER_MISMATCH,
    older={THIRD_PARTY: UNNAMED, SIPGATE_APPS: UNNAMED},
)
def callback_of_a_login_at_another_host_name(library: Library) -> Sequence[Reply]:
    """The issuer in the callback is the address that the browser used."""
    client = library.client()
    request = library.begin(client)
    url = request.url.replace(library.ask.base, library.ask.elsewhere, 1)
    elsewhere = dataclasses.replace(request, url=url)
    callback = library.callback(elsewhere)
    return [library.exchange_callback(client, request, callback) for _ in range(2)]


@case(OK, OK)
def whole_login_at_another_host_name(library: Library) -> Sequence[Reply]:
    client = library.client(base=library.ask.elsewhere)
    tokens = library.log_in(client)
    return tokens, library.refresh(client, tokens.text("refresh_token"))


@case(LOGIN_REQUIRED, OK, older=ACCEPTED_AND_THEREFORE_SPENT)
def refresh_through_another_host_name_says_whose_token_it_is(library: Library) -> Sequence[Reply]:
    right = library.client()
    token = library.log_in(right).text("refresh_token")
    refused = library.refresh(library.client(base=library.ask.elsewhere), token)
    if refused.error is not None:
        check("Invalid token issuer" in str(refused.error["oauth_error_description"]), refused)
    return refused, library.refresh(right, token)


@case(LOGIN_FAILED, LOGIN_ALREADY_USED)
def exchange_at_a_maintenance_page(library: Library) -> Sequence[Reply]:
    """It is unknown whether the code was spent."""
    with running_front(library.ask.base) as front:
        client = library.client(base=front.base)
        request = library.begin(client)
        callback = library.callback(request)
        with front.closed(503, retry_after=RETRY_AFTER, path="/token"):
            failed = library.exchange_callback(client, request, callback)
        _check_page_is_not_shown(failed, 503, RETRY_AFTER)
        return failed, library.exchange_callback(client, request, callback)


@case(SERVER_UNAVAILABLE, OK)
def exchange_without_keys_at_a_maintenance_page_and_after_it(library: Library) -> Sequence[Reply]:
    """The code is not sent before there are keys for the ID token."""
    with running_front(library.ask.base) as front:
        client = library.client(base=front.base)
        request = library.begin(client)
        callback = library.callback(request)
        with front.closed(503):
            failed = library.exchange_callback(client, request, callback)
        _check_page_is_not_shown(failed, 503, None)
        # After a failure, keys are not fetched for a moment.
        time.sleep(KEYS_SECONDS)
        return failed, library.exchange_callback(client, request, callback)


@case(OK, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, OK)
def refresh_at_a_maintenance_page_and_after_it(library: Library) -> Sequence[Reply]:
    with running_front(library.ask.base) as front:
        client = library.client(base=front.base)
        tokens = library.log_in(client)
        token = tokens.text("refresh_token")
        refused = []
        for status, retry_after in ((502, None), (503, RETRY_AFTER), (504, None)):
            with front.closed(status, retry_after=retry_after):
                refused.append(library.refresh(client, token))
            _check_page_is_not_shown(refused[-1], status, retry_after)
        return tokens, *refused, library.refresh(client, token)


@case(OK, OK)
def client_secret_post_on_the_wire_with_a_colon_in_the_client_id(
    library: Library,
) -> Sequence[Reply]:
    client = library.ask.client
    replies, sent = _sent(library, client, "client_secret_post")
    for request in sent:
        check("authorization" not in request.headers, "a header besides the form")
        check(_credentials(request) == [client.id, client.secret], "other credentials")
    return replies


@case(OK, OK)
def client_secret_basic_on_the_wire_with_a_colon_in_the_client_id(
    library: Library,
) -> Sequence[Reply]:
    client = library.ask.client
    replies, sent = _sent(library, client, "client_secret_basic")
    halves = ":".join(quote(half, safe="") for half in (client.id, client.secret or ""))
    for request in sent:
        scheme, _, pair = request.headers["authorization"].partition(" ")
        check(scheme == "Basic" and base64.b64decode(pair).decode() == halves, "another header")
        check(_credentials(request) == [], "credentials in the form besides the header")
    return replies


@case(OK, OK)
def no_client_authentication_on_the_wire_with_a_colon_in_the_client_id(
    library: Library,
) -> Sequence[Reply]:
    client = library.ask.public
    replies, sent = _sent(library, client, "none")
    for request in sent:
        check("authorization" not in request.headers, "a header")
        check(_credentials(request) == [client.id], "more than the client id")
    return replies


def _sent(
    library: Library, client: Client, client_authentication: str
) -> tuple[Sequence[Reply], Sequence[Forwarded]]:
    """A login and a refresh, and their two recorded requests."""
    with running_front(library.ask.base) as front:
        name = library.client(
            base=front.base,
            client_id=client.id,
            client_secret=client.secret,
            client_authentication=client_authentication,
        )
        tokens = library.log_in(name)
        refreshed = library.refresh(name, tokens.text("refresh_token"))
        check(len(front.token_requests) == 2, f"{len(front.token_requests)} token requests")
        return (tokens, refreshed), front.token_requests


def _credentials(request: Forwarded) -> list[str]:
    return [value for name, value in request.form if name in ("client_id", "client_secret")]


def _check_page_is_not_shown(reply: Reply, status: int, retry_after: int | None) -> None:
    error = reply.error or {}
    check(PAGE_TEXT not in str(error), "the error shows the page")
    said = (error.get("status"), error.get("retry_after"))
    check(said == (status, retry_after), f"status and Retry-After are {said}")
