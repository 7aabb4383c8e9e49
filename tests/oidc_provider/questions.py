"""The provider's own responses, by raw HTTP: what the library's rules assume of a strict server.

Each response is described by its status and its error, if any: `200`, `400 invalid_grant`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote_plus, urlsplit

from driver.browser import Consent
from keycloak.asker import at_once, basic
from keycloak.realms import Client
from keycloak.wire import Response
from oidc_provider.asker import BASIC_CLIENT, ProviderAsker
from oidc_provider.server import REALM

DEAD = "400 invalid_grant"

Ask = Callable[[ProviderAsker], Sequence[str]]


@dataclass(frozen=True)
class Question:
    """`expected` are the responses in order."""

    name: str
    expected: tuple[str, ...]
    ask: Ask


QUESTIONS: list[Question] = []


def question(*expected: str) -> Callable[[Ask], Ask]:
    def add(ask: Ask) -> Ask:
        QUESTIONS.append(Question(ask.__name__.replace("_", " "), expected, ask))
        return ask

    return add


@question("200", "200", "200", "200")
def every_refresh_gives_a_new_refresh_token(ask: ProviderAsker) -> Sequence[str]:
    first = ask.tokens()
    second = ask.refresh(first.refresh)
    third = ask.refresh(second.member("refresh_token"))
    given = {first.refresh, second.member("refresh_token"), third.member("refresh_token")}
    if len(given) != 3:
        raise LookupError("a refresh token was issued twice")
    balance = ask.balance(third.member("access_token"))
    return _said(first.response, second, third, balance)


@question("200", "200", DEAD, DEAD, "401 invalid_token")
def refresh_token_used_again_ends_the_grant(ask: ProviderAsker) -> Sequence[str]:
    first = ask.tokens().refresh
    second = ask.refresh(first)
    access_token = second.member("access_token")
    before = ask.balance(access_token)
    again = ask.refresh(first)
    newer = ask.refresh(second.member("refresh_token"))
    return _said(second, before, again, newer, ask.balance(access_token))


@question("200", DEAD, DEAD, DEAD, DEAD)
def refresh_token_used_four_times_at_once_leaves_no_winner(ask: ProviderAsker) -> Sequence[str]:
    token = ask.tokens().refresh
    responses = sorted(at_once(4, lambda: ask.refresh(token)), key=lambda response: response.status)
    return _said(*responses, ask.refresh(responses[0].member("refresh_token")))


@question("200", "200", DEAD, DEAD, "401 invalid_token")
def code_used_twice_revokes_the_first_tokens(ask: ProviderAsker) -> Sequence[str]:
    attempt = ask.begin()
    code = ask.code(attempt)
    first = ask.exchange(attempt, code)
    access_token = first.member("access_token")
    before = ask.balance(access_token)
    again = ask.exchange(attempt, code)
    refreshed = ask.refresh(first.member("refresh_token"))
    return _said(first, before, again, refreshed, ask.balance(access_token))


@question(DEAD, "200")
def wrong_verifier_leaves_the_code_usable(ask: ProviderAsker) -> Sequence[str]:
    attempt = ask.begin()
    code = ask.code(attempt)
    return _said(ask.exchange(attempt, code, code_verifier="a" * 43), ask.exchange(attempt, code))


@question(DEAD)
def exchange_without_a_verifier(ask: ProviderAsker) -> Sequence[str]:
    attempt = ask.begin()
    return _said(ask.exchange(attempt, ask.code(attempt), code_verifier=None))


@question("400 invalid_request")
def exchange_with_a_verifier_that_is_too_short(ask: ProviderAsker) -> Sequence[str]:
    attempt = ask.begin()
    return _said(ask.exchange(attempt, ask.code(attempt), code_verifier="a" * 42))


@question("401 invalid_client", "401 invalid_client", "401 invalid_client", "200")
def wrong_secret_and_unknown_client_leave_the_refresh_token_alive(
    ask: ProviderAsker,
) -> Sequence[str]:
    token = ask.tokens().refresh
    wrong = ask.refresh(token, Client(ask.client.id, "a wrong one"))
    missing = ask.refresh(token, Client(ask.client.id, None))
    unknown = ask.refresh(token, Client("nobody", "nothing"))
    return _said(wrong, missing, unknown, ask.refresh(token))


@question("200")
def basic_with_encoded_halves(ask: ProviderAsker) -> Sequence[str]:
    client, secret = _basic_halves()
    return _said(_refresh_by_basic(ask, quote_plus(client), quote_plus(secret)))


@question("200")
def basic_with_encoded_halves_and_the_client_id_in_the_form(ask: ProviderAsker) -> Sequence[str]:
    client, secret = _basic_halves()
    return _said(_refresh_by_basic(ask, quote_plus(client), quote_plus(secret), client_id=client))


@question("401 invalid_client")
def basic_with_a_raw_colon_in_the_client_id(ask: ProviderAsker) -> Sequence[str]:
    return _said(_refresh_by_basic(ask, *_basic_halves()))


@question("400 invalid_request")
def basic_with_a_raw_colon_and_the_client_id_in_the_form(ask: ProviderAsker) -> Sequence[str]:
    client, secret = _basic_halves()
    return _said(_refresh_by_basic(ask, client, secret, client_id=client))


@question("401 invalid_client")
def basic_with_a_raw_plus_in_the_secret(ask: ProviderAsker) -> Sequence[str]:
    client, secret = _basic_halves()
    return _said(_refresh_by_basic(ask, quote_plus(client), secret))


@question("code state iss", "iss is the issuer")
def callback_names_the_issuer(ask: ProviderAsker) -> Sequence[str]:
    return _callback(ask, ask.callback())


@question("error error_description state iss", "iss is the issuer")
def denial_at_the_login_page_names_the_issuer(ask: ProviderAsker) -> Sequence[str]:
    return _callback(ask, ask.browser(consent=Consent.DENY).log_in(ask.begin().url))


@question("login_required", "invalid_request", "invalid_request", "invalid_request")
def errors_in_the_callback(ask: ProviderAsker) -> Sequence[str]:
    callbacks = (
        ask.callback(prompt="none"),
        ask.callback(code_challenge=None, code_challenge_method=None),
        ask.callback(code_challenge_method="plain"),
        # Here, OpenID Connect's parameter requires its scope.
        ask.callback(scope="balance:read"),
    )
    return [_parameters(callback)["error"][0] for callback in callbacks]


@question("balance:read", "openid balance:read")
def granted_scope_leaves_out_what_the_server_does_not_know(ask: ProviderAsker) -> Sequence[str]:
    plain = ask.tokens(scope="balance:read", nonce=None).response
    unknown = ask.tokens(scope="openid balance:read nothing:read").response
    return [plain.member("scope"), unknown.member("scope")]


@question("200", "401 invalid_token", "200")
def expired_access_token(ask: ProviderAsker) -> Sequence[str]:
    with ask.configured({"access_token_lifespan": 2}):
        tokens = ask.tokens()
        # Longer than the token is valid.
        time.sleep(3)
        ended = ask.balance(tokens.access)
    return _said(tokens.response, ended, ask.refresh(tokens.refresh))


@question("200", DEAD, "200")
def refresh_token_revoked(ask: ProviderAsker) -> Sequence[str]:
    token = ask.tokens().refresh
    revoked = ask.post("revoke", token=token)
    return _said(revoked, ask.refresh(token), ask.post("revoke", token="some-rubbish"))


@question("400 invalid_request", "400 unsupported_grant_type", "404")
def malformed_requests(ask: ProviderAsker) -> Sequence[str]:
    form = {"client_id": ask.client.id, "client_secret": ask.client.secret}
    twice = ask.token_request(
        {**form, "grant_type": "refresh_token", "refresh_token": "a"},
        extra=[("refresh_token", "b")],
    )
    unknown = ask.token_request({**form, "grant_type": "nothing"})
    return _said(twice, unknown, ask.get(ask.endpoint("token")))


def _basic_halves() -> tuple[str, str]:
    return BASIC_CLIENT.id, BASIC_CLIENT.secret or ""


def _refresh_by_basic(
    ask: ProviderAsker, client: str, secret: str, *, client_id: str | None = None
) -> Response:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": ask.tokens(BASIC_CLIENT).refresh,
        "client_id": client_id,
    }
    return ask.token_request(form, headers=basic(client, secret))


def _callback(ask: ProviderAsker, callback: str) -> Sequence[str]:
    parameters = _parameters(callback)
    right = parameters.get("iss") == [ask.issuer] and ask.issuer.endswith(f"/realms/{REALM}")
    return [" ".join(parameters), "iss is the issuer" if right else "iss is another"]


def _parameters(callback: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(callback).query)


def _said(*responses: Response) -> Sequence[str]:
    return [_one(response) for response in responses]


def _one(response: Response) -> str:
    try:
        value = response.json()
    except ValueError:
        value = None
    error = value.get("error") if isinstance(value, dict) else None
    return f"{response.status} {error}" if error else str(response.status)
