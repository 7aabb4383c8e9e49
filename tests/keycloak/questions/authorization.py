"""The authorization endpoint: what the user sees and what the callback receives."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from driver.browser import BrowserError, Consent
from keycloak.asker import Asker, Attempt
from keycloak.normalise import ABSENT, Fields, described, described_callback, page_text
from keycloak.questions.question import Questions
from keycloak.realms import ANNA, Client, User
from keycloak.wire import Response

QUESTIONS = Questions()


@QUESTIONS.add
def callback_of_a_login(ask: Asker) -> Fields:
    return _callback(ask, ask.begin())


@QUESTIONS.add
def callback_when_no_state_was_sent(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(state=None))


@QUESTIONS.add
def callback_to_a_redirect_uri_with_a_query(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(redirect_uri="http://127.0.0.1:9999/cb?x=1&y=%2F"))


@QUESTIONS.add
def callback_to_a_bare_origin(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(redirect_uri="http://127.0.0.1:9999"))


@QUESTIONS.add
def callback_to_localhost_with_a_port(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(redirect_uri="http://localhost:9999/callback"))


@QUESTIONS.add
def callback_to_another_host_by_https(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(redirect_uri="https://example.com/a/b"))


@QUESTIONS.add
def callback_of_a_login_at_another_host_name(ask: Asker) -> Fields:
    """The issuer is the address that the browser used."""
    attempt = ask.begin(base=ask.elsewhere)
    url = ask.browser().log_in(attempt.url)
    (issuer,) = parse_qs(urlsplit(url).query).get("iss", [ABSENT])
    own_name = issuer == f"{ask.elsewhere}/realms/{ask.realm}"
    return {**described_callback(url, attempt.redirect_uri), "iss is that address": own_name}


@QUESTIONS.add
def public_client(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(ask.public))


@QUESTIONS.add
def public_client_without_pkce(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(ask.public, code_challenge=None, code_challenge_method=None))


@QUESTIONS.add
def public_client_with_plain_pkce(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(ask.public, code_challenge="a" * 43, code_challenge_method="plain"))


@QUESTIONS.add
def confidential_client_without_pkce(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(code_challenge=None, code_challenge_method=None))


@QUESTIONS.add
def challenge_too_short(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(code_challenge="short"))


@QUESTIONS.add
def consent_given(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(ask.consenting))


@QUESTIONS.add
def consent_denied(ask: Asker) -> Fields:
    ask.control.withdraw_consent(ask.realm, ANNA.name, ask.consenting.id)
    attempt = ask.begin(ask.consenting)
    url = ask.browser(consent=Consent.DENY).log_in(attempt.url)
    return described_callback(url, attempt.redirect_uri)


@QUESTIONS.add
def login_page(ask: Asker) -> Fields:
    response = ask.get(ask.begin().url)
    page = response.body.decode("utf-8", "replace")
    form = re.search(r'<form[^>]*id="kc-form-login".*?</form>', page, re.DOTALL)
    names = re.findall(r'<input[^>]*\bname="([^"]+)"', form.group(0)) if form else []
    cookies = [value for name, value in response.headers if name.lower() == "set-cookie"]
    return {
        "status": response.status,
        "content type": response.header("Content-Type") or ABSENT,
        "fields": " ".join(sorted(names)),
        "sets AUTH_SESSION_ID": any(value.startswith("AUTH_SESSION_ID=") for value in cookies),
        "action is escaped": "&amp;" in form.group(0) if form else False,
    }


@QUESTIONS.add
def wrong_password(ask: Asker) -> Fields:
    return _refused_at_the_page(ask, User(ANNA.name, "not her password"))


@QUESTIONS.add
def unknown_user(ask: Asker) -> Fields:
    return _refused_at_the_page(ask, User("nobody", "some password"))


@QUESTIONS.add
def disabled_user_at_the_page(ask: Asker) -> Fields:
    with ask.user_disabled():
        return _refused_at_the_page(ask, ANNA)


@QUESTIONS.add
def prompt_none_when_not_logged_in(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(prompt="none"))


@QUESTIONS.add
def prompt_none_when_logged_in(ask: Asker) -> Fields:
    browser = ask.browser()
    browser.log_in(ask.begin().url)
    attempt = ask.begin(prompt="none")
    return described_callback(browser.log_in(attempt.url), attempt.redirect_uri)


@QUESTIONS.add
def prompt_none_for_another_client_of_the_same_browser(ask: Asker) -> Fields:
    browser = ask.browser()
    browser.log_in(ask.begin().url)
    attempt = ask.begin(ask.public, prompt="none")
    return described_callback(browser.log_in(attempt.url), attempt.redirect_uri)


@QUESTIONS.add
def unknown_scope(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(scope="openid nothing:read"))


@QUESTIONS.add
def no_scope(ask: Asker) -> Fields:
    return _callback(ask, ask.begin(scope=None))


@QUESTIONS.add
def unknown_response_type(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(response_type="nothing"))


@QUESTIONS.add
def no_response_type(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(response_type=None))


@QUESTIONS.add
def implicit_response_type(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(response_type="token"))


@QUESTIONS.add
def redirect_uri_not_registered(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(redirect_uri="https://elsewhere.example/callback"))


@QUESTIONS.add
def no_redirect_uri(ask: Asker) -> Fields:
    attempt = ask.begin()
    stripped = re.sub(r"&redirect_uri=[^&]*", "", attempt.url)
    return _described_page_or_callback(ask.get(stripped), attempt)


@QUESTIONS.add
def redirect_uri_with_a_fragment(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(redirect_uri="http://127.0.0.1:9999/cb#part"))


@QUESTIONS.add
def unknown_client_at_the_page(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(Client("nobody", None)))


@QUESTIONS.add
def no_client_at_the_page(ask: Asker) -> Fields:
    return _seen(ask, ask.begin(client_id=None))


@QUESTIONS.add
def disabled_client_at_the_page(ask: Asker) -> Fields:
    with ask.client_disabled():
        return _seen(ask, ask.begin())


@QUESTIONS.add
def disabled_realm_at_the_page(ask: Asker) -> Fields:
    with ask.configured({"enabled": False}):
        return _seen(ask, ask.begin())


@QUESTIONS.add
def unknown_realm_at_the_page(ask: Asker) -> Fields:
    attempt = ask.begin()
    url = attempt.url.replace(f"/realms/{ask.realm}/", "/realms/no-such-realm/")
    return _described_page_or_callback(ask.get(url), attempt)


@QUESTIONS.add
def parameter_twice_at_the_page(ask: Asker) -> Fields:
    attempt = ask.begin()
    return _described_page_or_callback(ask.get(f"{attempt.url}&scope=openid"), attempt)


def _callback(ask: Asker, attempt: Attempt) -> Fields:
    return described_callback(ask.browser().log_in(attempt.url), attempt.redirect_uri)


def _seen(ask: Asker, attempt: Attempt) -> Fields:
    """The first response, for what is decided before the login page."""
    return _described_page_or_callback(ask.get(attempt.url), attempt)


def _described_page_or_callback(response: Response, attempt: Attempt) -> Fields:
    location = response.header("Location")
    if location is not None:
        callback = described_callback(location, attempt.redirect_uri)
        return {"status": response.status, **callback}
    if b"kc-form-login" in response.body:
        return {"status": response.status, "shows": "the login page"}
    if response.status == 400:
        return {
            "status": 400,
            "content type": response.header("Content-Type") or ABSENT,
            "page says": page_text(response),
        }
    return described(response)


def _refused_at_the_page(ask: Asker, user: User) -> Fields:
    try:
        ask.browser(user).log_in(ask.begin().url)
    except BrowserError as error:
        return {"page says": str(error)}
    return {"page says": "(logged in)"}
