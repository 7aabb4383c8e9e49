"""OpenID Connect: signatures, keys, requests for a fresh login, logout and its tokens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import urlencode

from driver.browser import Browser
from keycloak.asker import REDIRECT_URI, Asker, Tokens
from keycloak.back_channel import BackChannel, running_back_channel
from keycloak.normalise import (
    ABSENT,
    Fields,
    decoded,
    described,
    described_error,
    described_jwt,
    stable,
)
from keycloak.questions.question import Questions
from keycloak.realms import BERTA, resource_server
from keycloak.wire import Response

QUESTIONS = Questions()

ALGORITHM = "id.token.signed.response.alg"
USERINFO_ALGORITHM = "user.info.response.signature.alg"
BITS = (256, 384, 512)
PUBLIC_KEY_ALGORITHMS = (
    *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in BITS),
    "EdDSA",
)
HMAC_ALGORITHMS = tuple(f"HS{bits}" for bits in BITS)
BYE = "http://127.0.0.1:9/bye"


@QUESTIONS.add
def id_token_in_every_algorithm(ask: Asker) -> Fields:
    fields: Fields = {}
    for algorithm in (*PUBLIC_KEY_ALGORITHMS, *HMAC_ALGORITHMS):
        try:
            with ask.attributes({ALGORITHM: algorithm}):
                header, claims = decoded(_hint(ask.tokens()))
        except LookupError as problem:
            fields[f"{algorithm} header"] = str(problem)
            continue
        fields[f"{algorithm} header"] = f"{header['alg']} {header['typ']}"
        fields[f"{algorithm} at_hash length"] = len(str(claims["at_hash"]))
        if algorithm in PUBLIC_KEY_ALGORITHMS:
            (key,) = (key for key in _keys(ask) if key["kid"] == header["kid"])
            shown = ("kty", "crv", "alg", "use")
            fields[f"{algorithm} key"] = " ".join(str(key.get(name, ABSENT)) for name in shown)
            fields[f"{algorithm} key has"] = " ".join(sorted(key))
    return fields


@QUESTIONS.add
def id_token_with_another_audience(ask: Asker) -> Fields:
    with ask.id_token_audience("another"):
        tokens = ask.tokens()
    _, claims = decoded(tokens.response.member("id_token"))
    return {"aud": claims["aud"], "azp": claims["azp"]}


@QUESTIONS.add
def id_token_after_single_sign_on(ask: Asker) -> Fields:
    """Without a password, with another acr; the same session and time of the login."""
    browser = ask.browser()
    first = _claims(ask.tokens(browser=browser))
    time.sleep(1.1)
    second = _claims(ask.tokens(browser=browser))
    same = ("sid", "auth_time", "sub")
    return {
        "acr": [first["acr"], second["acr"]],
        "same": [name for name in same if first[name] == second[name]],
    }


@QUESTIONS.add
def acr_of_a_refresh(ask: Asker) -> Fields:
    tokens = ask.tokens()
    _, claims = decoded(ask.refresh(tokens.refresh).member("id_token"))
    return {"acr": claims["acr"]}


@QUESTIONS.add
def id_token_of_a_refresh_after_the_user_logged_in_again(ask: Asker) -> Fields:
    """With the password, at another client, in the same browser."""
    browser = ask.browser()
    first = ask.tokens(browser=browser)
    time.sleep(1.1)
    second = _claims(ask.tokens(ask.public, browser, prompt="login"))
    _, refreshed = decoded(ask.refresh(first.refresh).member("id_token"))
    same = ("sid", "auth_time", "sub")
    return {
        "as in the first": [name for name in same if refreshed[name] == _claims(first)[name]],
        "as in the second": [name for name in same if refreshed[name] == second[name]],
    }


@QUESTIONS.add
def keys_after_a_rotation(ask: Asker) -> Fields:
    """The new key signs and is listed before the old one, which still verifies."""
    old = ask.tokens()
    before = _signing_kids(ask)
    ask.control.rotate_keys(ask.realm)
    new = ask.tokens()
    after = _signing_kids(ask)
    header, _ = decoded(new.response.member("id_token"))
    old_header, _ = decoded(old.response.member("id_token"))
    return {
        "more": len(after) - len(before),
        "signs with the first": after[0] == header["kid"],
        "signed with the first": before[0] == old_header["kid"],
        "keeps the old": set(before) < set(after),
        "old access token": ask.userinfo(old.access).status,
        "old refresh token": ask.refresh(old.refresh).status,
    }


@QUESTIONS.add
def signed_userinfo(ask: Asker) -> Fields:
    fields: Fields = {}
    for algorithm in ("RS256", "ES384"):
        with ask.attributes({USERINFO_ALGORITHM: algorithm}):
            response = ask.userinfo(ask.tokens().access)
        token = response.body.decode()
        _, claims = decoded(token)
        for name, value in {**described(response), **described_jwt(token)}.items():
            fields[f"{algorithm} {name}"] = value
        fields[f"{algorithm} aud is the client"] = claims["aud"] == ask.client.id
        fields[f"{algorithm} iss"] = stable(str(claims["iss"]))
    return fields


@QUESTIONS.add
def introspection_by_the_audience(ask: Asker) -> Fields:
    token = ask.tokens().access
    response = ask.post("token/introspect", resource_server(ask.realm), token=token)
    said = response.json()
    assert isinstance(said, dict)
    shown = ("username", "token_type", "client_id", "aud", "typ")
    return {**described(response), **{name: said.get(name, ABSENT) for name in shown}}


@QUESTIONS.add
def requests_of_a_browser_that_has_logged_in(ask: Asker) -> Fields:
    """Which of them show the login page, an error, or return at once."""
    browser = ask.browser()
    browser.log_in(ask.begin().url)
    # Two whole seconds, however they are rounded.
    time.sleep(2.1)
    essential = '{"id_token":{"acr":{"essential":true,"values":["%s"]}}}'
    fields: Fields = {}
    for changes in (
        {"max_age": "600"},
        {"max_age": "1"},
        {"max_age": "0"},
        {"max_age": "-1"},
        {"max_age": "soon"},
        {"max_age": ""},
        {"max_age": "1", "prompt": "none"},
        {"prompt": "none login"},
        {"prompt": "rubbish"},
        {"prompt": "select_account"},
        {"acr_values": "1"},
        {"acr_values": "gold"},
        {"acr_values": "gold", "prompt": "none"},
        {"claims": essential % "1"},
        {"claims": essential % "gold"},
        {"claims": '{"id_token":{"acr":{"values":["gold"]}}}'},
        {"claims": '{"id_token":{"acr":{"essential":true}}}'},
        {"claims": '{"userinfo":{"email":null}}'},
        {"claims": "rubbish"},
        {"id_token_hint": "rubbish"},
        {"ui_locales": "de"},
        {"display": "page"},
    ):
        attempt = ask.begin(None, redirect_uri=REDIRECT_URI, base=None, **changes)
        fields[urlencode(changes)] = _seen(browser, attempt.url)
    return fields


@QUESTIONS.add
def callback_by_form_post(ask: Asker) -> Fields:
    """The form has the parameters in arbitrary order."""
    browser = ask.browser()
    browser.log_in(ask.begin().url)
    status, _, page = browser.load(ask.begin(response_mode="form_post").url)
    failed = ask.get(ask.begin(response_mode="form_post", scope="openid nothing:read").url)
    return {
        "status": [status, failed.status],
        "content type": failed.header("Content-Type"),
        "fields": _hidden_fields(page),
        "fields of an error": _hidden_fields(failed.body.decode()),
        "to the redirect URI": f'ction="{REDIRECT_URI}"' in page.replace("CTION", "ction"),
    }


@QUESTIONS.add
def logout_by_a_link(ask: Asker) -> Fields:
    """Without cookies: by the hint alone."""
    fields: Fields = {}

    def follow(name: str, query: dict[str, str]) -> None:
        fields[name] = _link(ask.get(f"{ask.endpoint('logout')}?{urlencode(query)}"))

    hint = _hint(ask.tokens())
    other_client, bye = {"client_id": ask.public.id}, {"post_logout_redirect_uri": BYE}
    evil = {"post_logout_redirect_uri": "https://evil.example/"}
    follow("another client's id", {"id_token_hint": hint, **other_client})
    follow("not registered", {"id_token_hint": hint, **evil})
    follow("right", {"id_token_hint": hint, **bye, "state": "a b"})
    follow("again", {"id_token_hint": hint, **bye, "state": "a b"})
    follow("with a query", {"id_token_hint": hint, "post_logout_redirect_uri": f"{BYE}?a=%2F"})
    follow("with the client's id", {"id_token_hint": hint, **bye, "client_id": ask.client.id})
    follow("rubbish as a hint", {"id_token_hint": "rubbish", **bye})
    follow("an access token as a hint", {"id_token_hint": ask.tokens().access, **bye})
    follow("a client instead of a hint", {**bye, "client_id": ask.client.id, "state": "s"})
    follow("neither client nor hint", bye)
    for allowed in ("-", "+", "http://127.0.0.1:9/only##http://127.0.0.1:9/b*"):
        with ask.attributes({"post.logout.redirect.uris": allowed}):
            follow(f"allowed: {allowed}", {"id_token_hint": hint, **bye})
    return fields


@QUESTIONS.add
def logout_of_a_browser(ask: Asker) -> Fields:
    """The user is asked unless the hint names the session of the browser."""
    fields: Fields = {}
    back = {"post_logout_redirect_uri": BYE, "state": "s"}

    def log_out(name: str, browser: Browser, tokens: Tokens, query: dict[str, str]) -> None:
        done = browser.log_out(f"{ask.endpoint('logout')}?{urlencode(query)}")
        fields[name] = [done.asked, done.status, done.location]
        fields[f"{name}: then"] = described_error(ask.refresh(tokens.refresh))

    browser = ask.browser()
    tokens = ask.tokens(browser=browser)
    log_out("its hint", browser, tokens, {"id_token_hint": _hint(tokens), **back})
    tokens = ask.tokens(browser=browser)
    log_out("no hint", browser, tokens, {"client_id": ask.client.id, **back})
    tokens = ask.tokens(browser=browser)
    log_out("nothing", browser, tokens, {})
    other = ask.tokens(browser=ask.browser(BERTA))
    tokens = ask.tokens(browser=browser)
    log_out("another session's hint", browser, tokens, {"id_token_hint": _hint(other), **back})
    fields["the other session"] = described_error(ask.refresh(other.refresh))
    return fields


@QUESTIONS.add
def logout_token(ask: Asker) -> Fields:
    with _told(ask) as channel:
        tokens = ask.tokens()
        ask.post("logout", refresh_token=tokens.refresh)
        token = channel.token()
    _, claims = decoded(token)
    of_the_session = _claims(tokens)
    same = ("iss", "aud", "sub", "sid")
    return {
        **described_jwt(token),
        "same as in the ID token": [name for name in same if claims[name] == of_the_session[name]],
        "events": claims["events"],
        "seconds": int(str(claims["exp"])) - int(str(claims["iat"])) if "exp" in claims else ABSENT,
    }


@QUESTIONS.add
def logout_tokens_as_the_client_wants_them(ask: Asker) -> Fields:
    fields: Fields = {}
    for name, value in (
        (ALGORITHM, "ES256"),
        ("backchannel.logout.session.required", "false"),
        ("backchannel.logout.revoke.offline.tokens", "true"),
    ):
        with _told(ask) as channel, ask.attributes({name: value}):
            ask.post("logout", refresh_token=ask.tokens().refresh)
            token = channel.token()
        _, claims = decoded(token)
        described_token = {**described_jwt(token), "events": claims["events"]}
        fields |= {f"{name}: {field}": value for field, value in described_token.items()}
    return fields


@QUESTIONS.add
def ends_of_a_session_that_are_told(ask: Asker) -> Fields:
    def by_browser(tokens: Tokens) -> object:
        return ask.get(f"{ask.endpoint('logout')}?{urlencode({'id_token_hint': _hint(tokens)})}")

    def by_code(_: Tokens) -> object:
        attempt = ask.begin()
        code = ask.code(attempt)
        ask.exchange(attempt, code)
        return ask.exchange(attempt, code)

    ends: dict[str, Callable[[Tokens], object]] = {
        "logout": lambda tokens: ask.post("logout", refresh_token=tokens.refresh),
        "browser": by_browser,
        "administrator": lambda _: ask.control.end_sessions(ask.realm, "anna"),
        "revocation": lambda tokens: ask.post("revoke", token=tokens.refresh),
        "access token revoked": lambda tokens: ask.post("revoke", token=tokens.access),
        "code used twice": by_code,
    }
    fields: Fields = {}
    for name, end in ends.items():
        # Sessions of earlier questions would be told, too.
        ask.control.end_sessions(ask.realm, "anna")
        with _told(ask) as channel:
            tokens = ask.tokens()
            end(tokens)
            fields[name] = not channel.is_quiet()
    return fields


@QUESTIONS.add
def logout_when_the_client_is_gone(ask: Asker) -> Fields:
    with ask.attributes({"backchannel.logout.url": "http://127.0.0.1:1/gone"}):
        token = ask.tokens().refresh
        response = ask.post("logout", refresh_token=token)
    return {"status": response.status, "the token then": described_error(ask.refresh(token))}


@contextmanager
def _told(ask: Asker) -> Iterator[BackChannel]:
    """The client is told of ended sessions."""
    with (
        running_back_channel() as channel,
        ask.attributes({"backchannel.logout.url": channel.url}),
    ):
        yield channel


def _keys(ask: Asker) -> list[dict[str, object]]:
    said = ask.get(ask.endpoint("certs")).json()
    assert isinstance(said, dict)
    return cast(list[dict[str, object]], said["keys"])


def _signing_kids(ask: Asker) -> list[object]:
    return [key["kid"] for key in _keys(ask) if key["alg"] == "RS256"]


def _claims(tokens: Tokens) -> dict[str, object]:
    return decoded(_hint(tokens))[1]


def _hint(tokens: Tokens) -> str:
    return tokens.response.member("id_token")


def _seen(browser: Browser, url: str) -> str:
    status, location, page = browser.load(url)
    if location is not None:
        error = re.search(r"[?&]error=(\w+)", location)
        return error.group(1) if error else "returns"
    if status == 200 and "kc-form-login" in page:
        return "login page"
    text = re.search(r'id="kc-error-message"[^>]*>(.*?)</(?:div|p)>', page, re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", text.group(1)).split() if text else []
    return f"{status} {' '.join(words)}"


def _hidden_fields(page: str) -> list[str]:
    return sorted(re.findall(r'<input type="hidden" name="(\w+)"', page, re.IGNORECASE))


def _link(response: Response) -> list[object]:
    """The status, and where it leads or what the page says."""
    page = response.body.decode("utf-8", "replace")
    asks = "asks" if "confirmLogout" in page else "a page"
    text = re.search(r'id="kc-error-message"[^>]*>(.*?)</(?:div|p)>', page, re.DOTALL)
    words = " ".join(re.sub(r"<[^>]*>", " ", text.group(1)).split()) if text else asks
    return [response.status, response.header("Location") or words]
