"""The refresh: rotation, races, and everything that ends a grant or appears to."""

from __future__ import annotations

import time

from keycloak.asker import Asker, at_once
from keycloak.normalise import Fields, described, described_error, described_jwt, scope_words
from keycloak.questions.question import Questions
from keycloak.realms import ANNA

QUESTIONS = Questions()


@QUESTIONS.add
def refreshed(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens().refresh))


@QUESTIONS.add
def refreshed_without_openid(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens(scope="balance:read").refresh))


@QUESTIONS.add
def refreshed_by_a_public_client(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens(ask.public).refresh, ask.public))


@QUESTIONS.add
def id_token_of_a_refresh(ask: Asker) -> Fields:
    return described_jwt(ask.refresh(ask.tokens().refresh).member("id_token"))


@QUESTIONS.add
def refresh_token_used_again(ask: Asker) -> Fields:
    """Without rotation, both stay valid; with rotation, both are revoked."""
    first = ask.tokens().refresh
    # Keycloak tells generations apart only by whole seconds.
    time.sleep(1.1)
    second = ask.refresh(first).member("refresh_token")
    again = ask.refresh(first)
    return {**described(again), "the newer one then": described_error(ask.refresh(second))}


@QUESTIONS.add
def three_generations_of_refresh_tokens(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    responses = []
    for _ in range(3):
        response = ask.refresh(token)
        responses.append(described_error(response))
        token = response.member("refresh_token")
    return {"responses": responses}


@QUESTIONS.add
def four_at_once(ask: Asker) -> Fields:
    """The loser's error description depends on the race, so descriptions are omitted."""
    token = ask.tokens().refresh
    responses = at_once(4, lambda: ask.refresh(token))
    winners = [response for response in responses if response.status == 200]
    losers = {
        described_error(response).split(" ", 2)[1]
        for response in responses
        if response not in winners
    }
    fields: Fields = {"winners": len(winners), "losers": " ".join(sorted(losers))}
    if winners:
        after = ask.refresh(winners[0].member("refresh_token"))
        fields["a winner's token then"] = " ".join(described_error(after).split(" ")[:2])
    return fields


@QUESTIONS.add
def refresh_after_logout(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    ask.post("logout", refresh_token=token)
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_after_revocation(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    ask.post("revoke", token=token)
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_after_revocation_of_the_access_token(ask: Asker) -> Fields:
    tokens = ask.tokens()
    ask.post("revoke", token=tokens.access)
    return described(ask.refresh(tokens.refresh))


@QUESTIONS.add
def refresh_after_the_session_was_ended_by_an_administrator(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    ask.control.end_sessions(ask.realm, ANNA.name)
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_after_logout_of_another_client_in_the_same_browser(ask: Asker) -> Fields:
    """A browser has one session, whichever client ends it."""
    browser = ask.browser()
    token = ask.tokens(browser=browser).refresh
    ask.post("logout", ask.public, refresh_token=ask.tokens(ask.public, browser).refresh)
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_after_revocation_by_another_client_in_the_same_browser(ask: Asker) -> Fields:
    browser = ask.browser()
    token = ask.tokens(browser=browser).refresh
    ask.post("revoke", ask.public, token=ask.tokens(ask.public, browser).refresh)
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_after_logout_of_another_login_in_the_same_browser(ask: Asker) -> Fields:
    browser = ask.browser()
    token = ask.tokens(browser=browser).refresh
    ask.post("logout", refresh_token=ask.tokens(browser=browser).refresh)
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_after_another_login_in_the_same_browser_was_replayed(ask: Asker) -> Fields:
    """With rotation, a token that is used twice also ends the newer login of that browser."""
    browser = ask.browser()
    replayed = ask.tokens(browser=browser).refresh
    newer = ask.tokens(browser=browser).refresh
    time.sleep(1.1)
    ask.refresh(replayed)
    again = ask.refresh(replayed)
    return {**described(ask.refresh(newer)), "the replay itself": described_error(again)}


@QUESTIONS.add
def refresh_after_the_code_of_another_login_in_the_same_browser_was_used_twice(
    ask: Asker,
) -> Fields:
    browser = ask.browser()
    attempt = ask.begin()
    code = ask.code(attempt, browser)
    ask.exchange(attempt, code)
    newer = ask.tokens(browser=browser).refresh
    ask.exchange(attempt, code)
    return described(ask.refresh(newer))


@QUESTIONS.add
def refresh_after_another_login_in_another_browser(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    ask.tokens()
    return described(ask.refresh(token))


@QUESTIONS.add
def refresh_with_an_access_token(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens().access))


@QUESTIONS.add
def refresh_with_an_id_token(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens().response.member("id_token")))


@QUESTIONS.add
def refresh_with_rubbish(ask: Asker) -> Fields:
    return described(ask.refresh("rubbish"))


@QUESTIONS.add
def refresh_with_a_changed_signature(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    head, signature = token.rsplit(".", 1)
    return described(ask.refresh(f"{head}.{'A' * len(signature)}"))


@QUESTIONS.add
def refresh_without_a_token(ask: Asker) -> Fields:
    return described(ask.refresh("", refresh_token=None))


@QUESTIONS.add
def refresh_with_an_empty_token(ask: Asker) -> Fields:
    return described(ask.refresh(""))


@QUESTIONS.add
def refresh_with_the_token_of_another_client(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    wrong = ask.refresh(token, ask.public)
    return {**described(wrong), "its own client then": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_with_a_wrong_secret(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    wrong = ask.refresh(token, client_secret="wrong")
    return {**described(wrong), "rightly then": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_after_the_secret_was_changed(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    with ask.client_secret("another secret"):
        old = ask.refresh(token)
        new = ask.refresh(token, client_secret="another secret")
    return {**described(old), "with the new secret": described_error(new)}


@QUESTIONS.add
def refresh_by_an_unknown_client(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens().refresh, client_id="nobody"))


@QUESTIONS.add
def refresh_by_a_disabled_client(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    with ask.client_disabled():
        disabled = ask.refresh(token)
    return {**described(disabled), "enabled again": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_with_a_parameter_twice(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    form: dict[str, str | None] = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": ask.client.id,
        "client_secret": ask.client.secret,
    }
    return described(ask.token_request(form, extra=[("refresh_token", token)]))


@QUESTIONS.add
def expired_refresh_token(ask: Asker) -> Fields:
    with ask.configured({"refresh_token_lifespan": 2}):
        tokens = ask.tokens()
        time.sleep(4)
        late = ask.refresh(tokens.refresh)
    said = tokens.response.json()
    assert isinstance(said, dict)
    return {**described(late), "refresh_expires_in was": said.get("refresh_expires_in")}


@QUESTIONS.add
def refresh_of_a_disabled_user(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    with ask.user_disabled():
        disabled = ask.refresh(token)
    return {**described(disabled), "enabled again": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_after_not_before_was_pushed(ask: Asker) -> Fields:
    """Later responses contain the time."""
    token = ask.tokens().refresh
    time.sleep(1.1)
    moment = int(time.time())
    with ask.configured({"not_before": moment}):
        stale = ask.refresh(token)
        time.sleep(1.1)
        later = ask.tokens().response.json()
    assert isinstance(later, dict)
    policy = later.get("not-before-policy")
    return {**described(stale), "a later response has not-before-policy": policy == moment}


@QUESTIONS.add
def refresh_when_consent_is_required_and_there_is_none(ask: Asker) -> Fields:
    with ask.without_consent():
        token = ask.tokens(ask.consenting).refresh
    return described(ask.refresh(token, ask.consenting))


@QUESTIONS.add
def refresh_after_consent_was_withdrawn_by_an_administrator(ask: Asker) -> Fields:
    token = ask.tokens(ask.consenting).refresh
    ask.control.withdraw_consent(ask.realm, ANNA.name, ask.consenting.id)
    return described(ask.refresh(token, ask.consenting))


@QUESTIONS.add
def refresh_with_an_unknown_scope(ask: Asker) -> Fields:
    """The client's mistake, which does not end the grant."""
    token = ask.tokens().refresh
    wrong = ask.refresh(token, scope="openid nothing:read")
    return {**described(wrong), "without it then": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_with_a_narrower_scope(ask: Asker) -> Fields:
    narrowed = ask.refresh(ask.tokens().refresh, scope="openid")
    after = ask.refresh(narrowed.member("refresh_token"))
    return {**described(narrowed), "scope of the next refresh": scope_words(after)}


@QUESTIONS.add
def refresh_with_a_scope_that_was_not_granted(ask: Asker) -> Fields:
    return described(ask.refresh(ask.tokens().refresh, scope="openid contacts:read"))


@QUESTIONS.add
def refresh_in_a_disabled_realm(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    with ask.configured({"enabled": False}):
        disabled = ask.refresh(token)
    return {**described(disabled), "enabled again": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_through_another_host_name(ask: Asker) -> Fields:
    """The issuer depends on the address, and a token is only valid at its issuer."""
    token = ask.tokens().refresh
    wrong = ask.refresh(token, base=ask.elsewhere)
    return {**described(wrong), "rightly then": described_error(ask.refresh(token))}


@QUESTIONS.add
def refresh_after_the_lifespan_was_changed(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    with ask.configured({"access_token_lifespan": 7}):
        return described(ask.refresh(token))


@QUESTIONS.add
def refresh_of_an_offline_token_after_the_session_was_ended(ask: Asker) -> Fields:
    """It survives the end of its session."""
    with ask.offline_access(True):
        token = ask.tokens(scope="openid offline_access").refresh
        ask.control.end_sessions(ask.realm, ANNA.name)
        return described(ask.refresh(token))


@QUESTIONS.add
def refresh_of_an_offline_token_after_its_logout(ask: Asker) -> Fields:
    with ask.offline_access(True):
        token = ask.tokens(scope="openid offline_access").refresh
        ask.post("logout", refresh_token=token)
        return described(ask.refresh(token))


@QUESTIONS.add
def refresh_of_an_offline_token_after_its_revocation(ask: Asker) -> Fields:
    with ask.offline_access(True):
        token = ask.tokens(scope="openid offline_access").refresh
        ask.post("revoke", token=token)
        return described(ask.refresh(token))


@QUESTIONS.add
def refresh_of_an_offline_token_after_the_role_was_taken_away(ask: Asker) -> Fields:
    with ask.offline_access(True):
        token = ask.tokens(scope="openid offline_access").refresh
    return described(ask.refresh(token))


@QUESTIONS.add
def rotation_switched_on_after_the_login(ask: Asker) -> Fields:
    with ask.configured({"rotation": False}):
        token = ask.tokens().refresh
    with ask.configured({"rotation": True}):
        time.sleep(1.1)
        first = described_error(ask.refresh(token))
        return {"first": first, "again": described_error(ask.refresh(token))}
