"""The exchange of a code for tokens."""

from __future__ import annotations

import re
import time
from urllib.parse import quote, quote_plus

from keycloak.asker import Asker, basic
from keycloak.normalise import Fields, described, described_error, described_jwt
from keycloak.questions.question import Questions
from keycloak.realms import ANNA, Client
from keycloak.wire import Pairs, Response, send, send_json

QUESTIONS = Questions()


@QUESTIONS.add
def exchange(ask: Asker) -> Fields:
    return _exchanged(ask)


@QUESTIONS.add
def exchange_by_a_public_client(ask: Asker) -> Fields:
    return _exchanged(ask, ask.public)


@QUESTIONS.add
def exchange_by_a_public_client_that_sends_a_secret(ask: Asker) -> Fields:
    return _exchanged(ask, ask.public, client_secret="useless")


@QUESTIONS.add
def exchange_after_consent(ask: Asker) -> Fields:
    return _exchanged(ask, ask.consenting)


@QUESTIONS.add
def exchange_without_openid_in_the_scope(ask: Asker) -> Fields:
    attempt = ask.begin(scope="balance:read")
    return described(ask.exchange(attempt, ask.code(attempt)))


@QUESTIONS.add
def exchange_without_any_scope(ask: Asker) -> Fields:
    attempt = ask.begin(scope=None)
    return described(ask.exchange(attempt, ask.code(attempt)))


@QUESTIONS.add
def exchange_without_pkce(ask: Asker) -> Fields:
    attempt = ask.begin(code_challenge=None, code_challenge_method=None)
    return described(ask.exchange(attempt, ask.code(attempt), code_verifier=None))


@QUESTIONS.add
def exchange_of_a_short_access_token(ask: Asker) -> Fields:
    with ask.configured({"access_token_lifespan": 7}):
        return _exchanged(ask)


@QUESTIONS.add
def id_token(ask: Asker) -> Fields:
    return described_jwt(ask.tokens().response.member("id_token"))


@QUESTIONS.add
def id_token_without_nonce(ask: Asker) -> Fields:
    return described_jwt(ask.tokens(nonce=None).response.member("id_token"))


@QUESTIONS.add
def code_used_twice(ask: Asker) -> Fields:
    """The second use revokes the first tokens."""
    attempt = ask.begin()
    code = ask.code(attempt)
    first = ask.exchange(attempt, code)
    second = ask.exchange(attempt, code)
    return {
        **described(second),
        "first refresh token": described_error(ask.refresh(first.member("refresh_token"))),
        "first access token": described_error(ask.userinfo(first.member("access_token"))),
    }


@QUESTIONS.add
def expired_code(ask: Asker) -> Fields:
    with ask.configured({"code_lifespan": 1}):
        attempt = ask.begin()
        code = ask.code(attempt)
        time.sleep(3)
        return described(ask.exchange(attempt, code))


@QUESTIONS.add
def code_that_is_rubbish(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), "rubbish"))


@QUESTIONS.add
def code_of_the_right_shape_but_unknown(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    other = re.sub(r"^[0-9a-f]{8}", "00000000", code)
    return described(ask.exchange(attempt, other))


@QUESTIONS.add
def code_of_another_client(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    other = ask.consenting
    return described(ask.exchange(attempt, code, client_id=other.id, client_secret=other.secret))


@QUESTIONS.add
def code_of_a_login_at_another_host_name(ask: Asker) -> Fields:
    attempt = ask.begin(base=ask.elsewhere)
    return described(ask.exchange(attempt, ask.code(attempt)))


@QUESTIONS.add
def no_code(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), None))


@QUESTIONS.add
def empty_code(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), ""))


@QUESTIONS.add
def wrong_redirect_uri(ask: Asker) -> Fields:
    """Then the right one with the same code."""
    attempt = ask.begin()
    code = ask.code(attempt)
    wrong = ask.exchange(attempt, code, redirect_uri="http://127.0.0.1:53682/other")
    return {**described(wrong), "then rightly": described_error(ask.exchange(attempt, code))}


@QUESTIONS.add
def no_redirect_uri_at_the_exchange(ask: Asker) -> Fields:
    return _exchanged(ask, redirect_uri=None)


@QUESTIONS.add
def wrong_verifier(ask: Asker) -> Fields:
    """Then the right one with the same code."""
    attempt = ask.begin()
    code = ask.code(attempt)
    wrong = ask.exchange(attempt, code, code_verifier="a" * 43)
    return {**described(wrong), "then rightly": described_error(ask.exchange(attempt, code))}


@QUESTIONS.add
def verifier_too_short(ask: Asker) -> Fields:
    return _exchanged(ask, code_verifier="short")


@QUESTIONS.add
def verifier_of_forbidden_characters(ask: Asker) -> Fields:
    return _exchanged(ask, code_verifier="ä+" * 30)


@QUESTIONS.add
def no_verifier(ask: Asker) -> Fields:
    return _exchanged(ask, code_verifier=None)


@QUESTIONS.add
def no_verifier_by_a_public_client(ask: Asker) -> Fields:
    return _exchanged(ask, ask.public, code_verifier=None)


@QUESTIONS.add
def verifier_without_a_challenge(ask: Asker) -> Fields:
    attempt = ask.begin(code_challenge=None, code_challenge_method=None)
    return described(ask.exchange(attempt, ask.code(attempt)))


@QUESTIONS.add
def wrong_secret(ask: Asker) -> Fields:
    """Then the right one with the same code."""
    attempt = ask.begin()
    code = ask.code(attempt)
    wrong = ask.exchange(attempt, code, client_secret="wrong")
    return {**described(wrong), "then rightly": described_error(ask.exchange(attempt, code))}


@QUESTIONS.add
def no_secret(ask: Asker) -> Fields:
    return _exchanged(ask, client_secret=None)


@QUESTIONS.add
def empty_secret(ask: Asker) -> Fields:
    return _exchanged(ask, client_secret="")


@QUESTIONS.add
def unknown_client(ask: Asker) -> Fields:
    return _exchanged(ask, client_id="nobody")


@QUESTIONS.add
def no_client(ask: Asker) -> Fields:
    return _exchanged(ask, client_id=None, client_secret=None)


@QUESTIONS.add
def secret_without_client(ask: Asker) -> Fields:
    return _exchanged(ask, client_id=None)


@QUESTIONS.add
def disabled_client(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    with ask.client_disabled():
        return described(ask.exchange(attempt, code))


@QUESTIONS.add
def basic_percent_encoded(ask: Asker) -> Fields:
    return _exchanged_by_basic(ask, basic(*(quote(half, safe="") for half in _halves(ask))))


@QUESTIONS.add
def basic_form_encoded(ask: Asker) -> Fields:
    return _exchanged_by_basic(ask, basic(*(quote_plus(half) for half in _halves(ask))))


@QUESTIONS.add
def basic_with_a_raw_colon(ask: Asker) -> Fields:
    return _exchanged_by_basic(ask, basic(*_halves(ask)))


@QUESTIONS.add
def basic_with_a_raw_colon_and_the_client_id_in_the_form(ask: Asker) -> Fields:
    header = basic(*_halves(ask))
    attempt = ask.begin()
    return described(ask.exchange(attempt, ask.code(attempt), headers=header, client_secret=None))


@QUESTIONS.add
def basic_with_only_the_id_encoded(ask: Asker) -> Fields:
    client_id, secret = _halves(ask)
    return _exchanged_by_basic(ask, basic(quote(client_id, safe=""), secret))


@QUESTIONS.add
def basic_with_the_wrong_secret_and_the_right_one_in_the_form(ask: Asker) -> Fields:
    header = basic(quote(ask.client.id, safe=""), "wrong")
    attempt = ask.begin()
    return described(ask.exchange(attempt, ask.code(attempt), headers=header))


@QUESTIONS.add
def basic_that_cannot_be_decoded(ask: Asker) -> Fields:
    return _exchanged_by_basic(ask, [("Authorization", "Basic !!!")])


@QUESTIONS.add
def parameter_twice(ask: Asker) -> Fields:
    return _exchanged_with_extra(ask, [("grant_type", "authorization_code")])


@QUESTIONS.add
def client_id_twice(ask: Asker) -> Fields:
    return _exchanged_with_extra(ask, [("client_id", ask.client.id)])


@QUESTIONS.add
def client_secret_twice(ask: Asker) -> Fields:
    return _exchanged_with_extra(ask, [("client_secret", ask.client.secret or "")])


@QUESTIONS.add
def parameter_twice_and_a_wrong_secret(ask: Asker) -> Fields:
    """Which of the two is checked first."""
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": "rubbish",
        "client_id": ask.client.id,
        "client_secret": "wrong",
    }
    return described(ask.token_request(form, extra=[("code", "rubbish")]))


@QUESTIONS.add
def unknown_parameter_twice(ask: Asker) -> Fields:
    return _exchanged_with_extra(ask, [("colour", "red"), ("colour", "blue")])


@QUESTIONS.add
def unknown_parameter(ask: Asker) -> Fields:
    return _exchanged_with_extra(ask, [("colour", "red")])


@QUESTIONS.add
def no_grant_type(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), "x", grant_type=None))


@QUESTIONS.add
def unknown_grant_type(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), "x", grant_type="nothing"))


@QUESTIONS.add
def password_grant_that_is_not_allowed(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), "x", grant_type="password"))


@QUESTIONS.add
def client_credentials_without_a_service_account(ask: Asker) -> Fields:
    return described(ask.exchange(ask.begin(), "x", grant_type="client_credentials"))


@QUESTIONS.add
def get_instead_of_post(ask: Asker) -> Fields:
    return described(ask.get(ask.endpoint("token")))


@QUESTIONS.add
def json_instead_of_a_form(ask: Asker) -> Fields:
    return described(send_json("POST", ask.endpoint("token"), {"grant_type": "refresh_token"}))


@QUESTIONS.add
def empty_body(ask: Asker) -> Fields:
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    return described(send("POST", ask.endpoint("token"), body=b"", headers=headers))


@QUESTIONS.add
def unknown_realm(ask: Asker) -> Fields:
    url = ask.endpoint("token").replace(f"/realms/{ask.realm}/", "/realms/no-such-realm/")
    return described(send("POST", url, body=b""))


@QUESTIONS.add
def path_without_auth(ask: Asker) -> Fields:
    base = ask.base.removesuffix("/auth")
    return described(send("POST", ask.endpoint("token", base=base), body=b""))


@QUESTIONS.add
def unknown_endpoint(ask: Asker) -> Fields:
    return described(send("POST", ask.endpoint("tokens"), body=b""))


@QUESTIONS.add
def disabled_realm(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    with ask.configured({"enabled": False}):
        return described(ask.exchange(attempt, code))


@QUESTIONS.add
def user_disabled_after_the_login(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    with ask.user_disabled():
        return described(ask.exchange(attempt, code))


@QUESTIONS.add
def session_ended_after_the_login(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    ask.control.end_sessions(ask.realm, ANNA.name)
    return described(ask.exchange(attempt, code))


@QUESTIONS.add
def not_before_pushed_after_the_login(ask: Asker) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    time.sleep(1.1)
    moment = int(time.time())
    with ask.configured({"not_before": moment}):
        fields = described(ask.exchange(attempt, code))
    policy = fields.pop("not-before-policy", None)
    # Older versions compare it with the time of the login, which was a while ago.
    fields.pop("refresh_expires_in", None)
    return {**fields, "the response has not-before-policy": policy == moment}


@QUESTIONS.add
def secret_changed_after_the_login(ask: Asker) -> Fields:
    """That does not spend the code."""
    attempt = ask.begin()
    code = ask.code(attempt)
    with ask.client_secret("another secret"):
        old = ask.exchange(attempt, code)
        new = ask.exchange(attempt, code, client_secret="another secret")
    return {**described(old), "with the new secret": described_error(new)}


@QUESTIONS.add
def consent_required_after_the_login(ask: Asker) -> Fields:
    attempt = ask.begin(ask.consenting)
    with ask.without_consent():
        code = ask.code(attempt)
    return described(ask.exchange(attempt, code))


@QUESTIONS.add
def consent_withdrawn_by_an_administrator_after_the_login(ask: Asker) -> Fields:
    attempt = ask.begin(ask.consenting)
    code = ask.code(attempt)
    ask.control.withdraw_consent(ask.realm, ANNA.name, ask.consenting.id)
    return described(ask.exchange(attempt, code))


@QUESTIONS.add
def offline_access_without_the_role(ask: Asker) -> Fields:
    with ask.offline_access(False):
        attempt = ask.begin(scope="openid offline_access")
        return described(ask.exchange(attempt, ask.code(attempt)))


@QUESTIONS.add
def offline_access(ask: Asker) -> Fields:
    with ask.offline_access(True):
        attempt = ask.begin(scope="openid offline_access")
        return described(ask.exchange(attempt, ask.code(attempt)))


def _exchanged(ask: Asker, client: Client | None = None, **changes: str | None) -> Fields:
    """A new login, exchanged with `changes`."""
    attempt = ask.begin(client)
    return described(ask.exchange(attempt, ask.code(attempt), headers=(), **changes))


def _exchanged_by_basic(ask: Asker, header: Pairs) -> Fields:
    attempt = ask.begin()
    code = ask.code(attempt)
    return described(
        ask.exchange(attempt, code, headers=header, client_id=None, client_secret=None)
    )


def _exchanged_with_extra(ask: Asker, extra: Pairs) -> Fields:
    attempt = ask.begin()
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": ask.code(attempt),
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
        "client_id": ask.client.id,
        "client_secret": ask.client.secret,
    }
    response: Response = ask.token_request(form, extra=extra)
    return described(response)


def _halves(ask: Asker) -> tuple[str, str]:
    return ask.client.id, ask.client.secret or ""
