"""How the library handles Keycloak's responses: exchange and refresh, and each way they fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from driver.browser import Consent
from driver.shim import OK, Reply
from keycloak.distribution import VERSION
from keycloak.library import Library
from keycloak.realms import ANNA, SIPGATE_APPS, THIRD_PARTY

INVALID_CLIENT = "SIPGATE_INVALID_CLIENT"
WRONG_ENDPOINT = "SIPGATE_WRONG_ENDPOINT"
OAUTH = "SIPGATE_OAUTH"
SERVER_UNAVAILABLE = "SIPGATE_SERVER_UNAVAILABLE"
LOGIN_REQUIRED = "SIPGATE_LOGIN_REQUIRED"
LOGIN_FAILED = "SIPGATE_LOGIN_FAILED"
LOGIN_ALREADY_USED = "SIPGATE_LOGIN_ALREADY_USED"
AUTHORIZATION_DENIED = "SIPGATE_AUTHORIZATION_DENIED"

Run = Callable[[Library], Sequence[Reply]]


@dataclass(frozen=True)
class Case:
    """`expected` are the outcomes of the replies, in order.

    `older` are the outcomes, by realm, with Keycloaks before the newest that respond differently.
    """

    name: str
    expected: tuple[str, ...]
    run: Run
    only_realm: str | None = None
    except_realm: str | None = None
    older: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def applies_to(self, realm: str, version: str) -> bool:
        return self.expected_at(realm, version) is not None

    def expected_at(self, realm: str, version: str) -> tuple[str, ...] | None:
        """None if the case does not apply."""
        if realm == self.except_realm or self.only_realm not in (None, realm):
            return None
        return self.expected if version == VERSION else self.older.get(realm, self.expected)


class Cases(list[Case]):
    """Collects the functions of one file; a case is named by its function."""

    def add(
        self,
        *expected: str,
        only_realm: str | None = None,
        except_realm: str | None = None,
        older: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Callable[[Run], Run]:
        def append(run: Run) -> Run:
            name = run.__name__.replace("_", " ")
            self.append(Case(name, expected, run, only_realm, except_realm, older or {}))
            return run

        return append


CASES = Cases()
case = CASES.add

# An older Keycloak grants what a newer one rejects; with rotation, that spends the token.
ACCEPTED_AND_THEREFORE_SPENT = {THIRD_PARTY: (OK, OK), SIPGATE_APPS: (OK, LOGIN_REQUIRED)}


@case(OK, OK)
def exchange_and_refresh(library: Library) -> Sequence[Reply]:
    client = library.client()
    tokens = library.log_in(client)
    return tokens, library.refresh(client, tokens.text("refresh_token"))


@case(OK, OK)
def exchange_and_refresh_by_basic_with_a_colon_in_the_client_id(
    library: Library,
) -> Sequence[Reply]:
    client = library.client(client_authentication="client_secret_basic")
    tokens = library.log_in(client)
    return tokens, library.refresh(client, tokens.text("refresh_token"))


@case(OK, OK)
def exchange_and_refresh_by_a_public_client(library: Library) -> Sequence[Reply]:
    client = library.client(client_id=library.ask.public.id, client_secret=None)
    tokens = library.log_in(client)
    return tokens, library.refresh(client, tokens.text("refresh_token"))


@case(OK)
def exchange_without_openid(library: Library) -> Sequence[Reply]:
    return (library.log_in(library.client(), scope="balance:read"),)


@case(OK)
def exchange_to_a_redirect_uri_with_a_query(library: Library) -> Sequence[Reply]:
    return (library.log_in(library.client(redirect_uri="http://127.0.0.1:9999/cb?x=1&y=%2F")),)


@case(OK)
def exchange_to_a_bare_origin(library: Library) -> Sequence[Reply]:
    return (library.log_in(library.client(redirect_uri="http://127.0.0.1:9999")),)


@case(AUTHORIZATION_DENIED)
def consent_denied(library: Library) -> Sequence[Reply]:
    ask = library.ask
    ask.control.withdraw_consent(ask.realm, ANNA.name, ask.consenting.id)
    client = consenting(library)
    request = library.begin(client)
    callback = ask.browser(consent=Consent.DENY).log_in(request.url)
    return (library.exchange_callback(client, request, callback),)


@case(LOGIN_REQUIRED)
def prompt_none_when_not_logged_in(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client, prompt="none")
    return (library.exchange_callback(client, request, library.callback(request)),)


@case(OAUTH)
def unknown_scope_in_the_authorization_request(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client, scope="openid nothing:read")
    return (library.exchange_callback(client, request, library.callback(request)),)


@case(OK, LOGIN_ALREADY_USED)
def callback_used_twice(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client)
    callback = library.callback(request)
    return [library.exchange_callback(client, request, callback) for _ in range(2)]


@case(OK, LOGIN_FAILED, LOGIN_REQUIRED)
def callback_used_by_two_processes(library: Library) -> Sequence[Reply]:
    """The second use of the code revokes the tokens of the first."""
    client = library.client()
    request = library.begin(client)
    other = library.copy(request)
    callback = library.callback(request)
    first = library.exchange_callback(client, request, callback)
    second = library.exchange_callback(client, other, callback)
    return first, second, library.refresh(client, first.text("refresh_token"))


@case(LOGIN_FAILED)
def expired_code(library: Library) -> Sequence[Reply]:
    client = library.client()
    with library.ask.configured({"code_lifespan": 1}):
        request = library.begin(client)
        callback = library.callback(request)
        # Longer than the code is valid.
        time.sleep(3)
        return (library.exchange_callback(client, request, callback),)


@case(LOGIN_FAILED)
def wrong_redirect_uri(library: Library) -> Sequence[Reply]:
    attempt = library.ask.begin()
    code = library.ask.code(attempt)
    return (
        library.exchange_code(
            library.client(), code, attempt.verifier, redirect_uri="http://127.0.0.1:53682/other"
        ),
    )


@case(LOGIN_FAILED)
def wrong_verifier(library: Library) -> Sequence[Reply]:
    code = library.ask.code(library.ask.begin())
    return (library.exchange_code(library.client(), code, "a" * 43),)


@case(LOGIN_FAILED)
def code_that_is_rubbish(library: Library) -> Sequence[Reply]:
    return (library.exchange_code(library.client(), "some-rubbish", "a" * 43),)


@case(INVALID_CLIENT)
def wrong_secret_at_the_exchange(library: Library) -> Sequence[Reply]:
    return (library.log_in(library.client(client_secret="a wrong one")),)


@case(INVALID_CLIENT)
def client_disabled_after_the_login(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client)
    callback = library.callback(request)
    with library.ask.client_disabled():
        return (library.exchange_callback(client, request, callback),)


@case(INVALID_CLIENT)
def unknown_client_at_the_exchange(library: Library) -> Sequence[Reply]:
    attempt = library.ask.begin()
    client = library.client(client_id="nobody")
    return (library.exchange_code(client, library.ask.code(attempt), attempt.verifier),)


@case(LOGIN_FAILED)
def user_disabled_after_the_login(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client)
    callback = library.callback(request)
    with library.ask.user_disabled():
        return (library.exchange_callback(client, request, callback),)


@case(SERVER_UNAVAILABLE)
def realm_disabled_after_the_login(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client)
    callback = library.callback(request)
    with library.ask.configured({"enabled": False}):
        return (library.exchange_callback(client, request, callback),)


@case(LOGIN_FAILED)
def session_ended_after_the_login(library: Library) -> Sequence[Reply]:
    client = library.client()
    request = library.begin(client)
    callback = library.callback(request)
    library.ask.control.end_sessions(library.ask.realm, ANNA.name)
    return (library.exchange_callback(client, request, callback),)


@case(LOGIN_FAILED)
def consent_required_after_the_login(library: Library) -> Sequence[Reply]:
    client = consenting(library)
    request = library.begin(client)
    with library.ask.without_consent():
        callback = library.callback(request)
    return (library.exchange_callback(client, request, callback),)


@case(WRONG_ENDPOINT)
def offline_access_without_the_role(library: Library) -> Sequence[Reply]:
    with library.ask.offline_access(False):
        return (library.log_in(library.client(), scope="openid offline_access"),)


@case(OK, OK)
def offline_token_after_an_administrator_ended_the_session(library: Library) -> Sequence[Reply]:
    client = library.client()
    with library.ask.offline_access(True):
        tokens = library.log_in(client, scope="openid offline_access")
        library.ask.control.end_sessions(library.ask.realm, ANNA.name)
        return tokens, library.refresh(client, tokens.text("refresh_token"))


@case(WRONG_ENDPOINT, WRONG_ENDPOINT)
def unknown_realm(library: Library) -> Sequence[Reply]:
    client = library.client(realm="no-such-realm")
    return (
        library.exchange_code(client, "some-code", "a" * 43),
        library.refresh(client, "some-token"),
    )


@case(WRONG_ENDPOINT, WRONG_ENDPOINT)
def base_without_auth(library: Library) -> Sequence[Reply]:
    client = library.client(base=library.ask.base.removesuffix("/auth"))
    return (
        library.exchange_code(client, "some-code", "a" * 43),
        library.refresh(client, "some-token"),
    )


@case(OK, OK, except_realm=SIPGATE_APPS)
def older_refresh_token_without_rotation(library: Library) -> Sequence[Reply]:
    client = library.client()
    first = library.log_in(client).text("refresh_token")
    second = library.refresh(client, first)
    return second, library.refresh(client, first)


@case(OK, LOGIN_REQUIRED, LOGIN_REQUIRED, only_realm=SIPGATE_APPS)
def older_refresh_token_with_rotation(library: Library) -> Sequence[Reply]:
    """The second use of the older one revokes the newer one."""
    client = library.client()
    first = library.log_in(client).text("refresh_token")
    # Keycloak tells generations apart only by whole seconds.
    time.sleep(1.1)
    second = library.refresh(client, first)
    again = library.refresh(client, first)
    return second, again, library.refresh(client, second.text("refresh_token"))


@case(OK, OK, except_realm=SIPGATE_APPS)
def newer_login_of_a_browser_whose_older_one_is_replayed_without_rotation(
    library: Library,
) -> Sequence[Reply]:
    return _newer_login_after_a_replay(library)


@case(LOGIN_REQUIRED, LOGIN_REQUIRED, only_realm=SIPGATE_APPS)
def newer_login_of_a_browser_whose_older_one_is_replayed_with_rotation(
    library: Library,
) -> Sequence[Reply]:
    return _newer_login_after_a_replay(library)


@case(OK, LOGIN_FAILED, LOGIN_REQUIRED)
def newer_login_of_a_browser_whose_older_code_is_used_twice(library: Library) -> Sequence[Reply]:
    client, browser = library.client(), library.ask.browser()
    request = library.begin(client)
    other = library.copy(request)
    callback = library.callback(request, browser)
    first = library.exchange_callback(client, request, callback)
    newer = library.log_in(client, browser=browser).text("refresh_token")
    second = library.exchange_callback(client, other, callback)
    return first, second, library.refresh(client, newer)


@case(LOGIN_REQUIRED)
def refresh_after_logout(library: Library) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    library.ask.post("logout", refresh_token=token)
    return (library.refresh(client, token),)


@case(LOGIN_REQUIRED)
def refresh_after_revocation(library: Library) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    library.ask.post("revoke", token=token)
    return (library.refresh(client, token),)


@case(LOGIN_REQUIRED)
def refresh_after_an_administrator_ended_the_session(library: Library) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    library.ask.control.end_sessions(library.ask.realm, ANNA.name)
    return (library.refresh(client, token),)


@case(LOGIN_REQUIRED, OK)
def refresh_and_another_login_after_not_before_was_pushed(library: Library) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    time.sleep(1.1)
    with library.ask.configured({"not_before": int(time.time())}):
        return library.refresh(client, token), library.log_in(client)


@case(LOGIN_REQUIRED)
def expired_refresh_token(library: Library) -> Sequence[Reply]:
    client = library.client()
    with library.ask.configured({"refresh_token_lifespan": 2}):
        token = library.log_in(client).text("refresh_token")
        time.sleep(4)
        return (library.refresh(client, token),)


@case(LOGIN_REQUIRED, OK)
def refresh_of_a_disabled_user_and_of_the_same_enabled_again(
    library: Library,
) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    with library.ask.user_disabled():
        disabled = library.refresh(client, token)
    return disabled, library.refresh(client, token)


@case(LOGIN_REQUIRED)
def refresh_when_consent_is_required_and_there_is_none(library: Library) -> Sequence[Reply]:
    """Keycloak responds with invalid_scope, though no scope was sent."""
    client = consenting(library)
    with library.ask.without_consent():
        token = library.log_in(client).text("refresh_token")
    return (library.refresh(client, token),)


@case(LOGIN_REQUIRED, OK)
def refresh_with_the_token_of_another_client_and_then_by_its_own(
    library: Library,
) -> Sequence[Reply]:
    client = library.client()
    other = library.client(client_id=library.ask.public.id, client_secret=None)
    token = library.log_in(client).text("refresh_token")
    return library.refresh(other, token), library.refresh(client, token)


@case(LOGIN_REQUIRED, LOGIN_REQUIRED)
def refresh_with_an_access_token_and_with_rubbish(library: Library) -> Sequence[Reply]:
    client = library.client()
    access_token = library.log_in(client).text("access_token")
    return library.refresh(client, access_token), library.refresh(client, "some-rubbish")


@case(OAUTH, OK, older=ACCEPTED_AND_THEREFORE_SPENT)
def refresh_with_an_unknown_scope_and_then_without(library: Library) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    wrong = library.refresh(client, token, scope="openid nothing:read")
    return wrong, library.refresh(client, token)


@case(SERVER_UNAVAILABLE, OK)
def refresh_in_a_disabled_realm_and_in_the_same_enabled_again(
    library: Library,
) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    with library.ask.configured({"enabled": False}):
        disabled = library.refresh(client, token)
    return disabled, library.refresh(client, token)


@case(INVALID_CLIENT, OK)
def refresh_with_a_wrong_secret_and_then_the_right_one(library: Library) -> Sequence[Reply]:
    right = library.client()
    token = library.log_in(right).text("refresh_token")
    wrong = library.refresh(library.client(client_secret="a wrong one"), token)
    return wrong, library.refresh(right, token)


@case(INVALID_CLIENT, OK)
def refresh_with_the_old_secret_and_then_the_new_one(library: Library) -> Sequence[Reply]:
    old, new = library.client(), library.client(client_secret="a new one")
    token = library.log_in(old).text("refresh_token")
    with library.ask.client_secret("a new one"):
        return library.refresh(old, token), library.refresh(new, token)


@case(INVALID_CLIENT, OK)
def refresh_by_a_disabled_client_and_by_the_same_enabled_again(
    library: Library,
) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    with library.ask.client_disabled():
        disabled = library.refresh(client, token)
    return disabled, library.refresh(client, token)


@case(LOGIN_REQUIRED, OK, older=ACCEPTED_AND_THEREFORE_SPENT)
def refresh_through_another_host_name_and_then_the_right_one(
    library: Library,
) -> Sequence[Reply]:
    """The issuer depends on the address, and a token is only valid at its issuer."""
    right = library.client()
    token = library.log_in(right).text("refresh_token")
    elsewhere = library.client(base=library.ask.elsewhere)
    return library.refresh(elsewhere, token), library.refresh(right, token)


def consenting(library: Library) -> str:
    wanted = library.ask.consenting
    return library.client(client_id=wanted.id, client_secret=wanted.secret)


def _newer_login_after_a_replay(library: Library) -> Sequence[Reply]:
    """The replay, and then the newer login."""
    client, browser = library.client(), library.ask.browser()
    replayed = library.log_in(client, browser=browser).text("refresh_token")
    newer = library.log_in(client, browser=browser).text("refresh_token")
    # Keycloak tells generations apart only by whole seconds.
    time.sleep(1.1)
    library.refresh(client, replayed)
    return library.refresh(client, replayed), library.refresh(client, newer)
