"""OpenID Connect: who logged in, with which keys, and how the login ends on both sides."""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from driver.browser import Browser
from driver.shim import OK, Reply
from keycloak.asker import SCOPE, Asker
from keycloak.back_channel import running_back_channel
from keycloak.front import running_front
from keycloak.library import Library
from keycloak.library_cases import (
    INVALID_CLIENT,
    LOGIN_REQUIRED,
    OAUTH,
    SERVER_UNAVAILABLE,
    Cases,
)
from keycloak.normalise import decoded
from keycloak.questions.openid import (
    ALGORITHM,
    BYE,
    HMAC_ALGORITHMS,
    PUBLIC_KEY_ALGORITHMS,
    USERINFO_ALGORITHM,
)
from keycloak.realms import BERTA, SIPGATE_APPS, THIRD_PARTY, resource_server
from keycloak.result import check

ID_TOKEN = "SIPGATE_ID_TOKEN"
STATE_MISMATCH = "SIPGATE_STATE_MISMATCH"
UNSUPPORTED = "SIPGATE_UNSUPPORTED"

ENCRYPTION = "id.token.encrypted.response.alg"
MEMORY = {"kind": "memory"}
# How long a login waits for keys that do not come.
IMPATIENCE_SECONDS = 3.0
ESSENTIAL_AUTH_TIME = {"id_token": {"auth_time": {"essential": True}}}
ISS_PARAMETER = "authorization_response_iss_parameter_supported"

CASES = Cases()
case = CASES.add


@case(OK, OK, OK)
def login_of_the_user_whom_the_id_token_names(library: Library) -> Sequence[Reply]:
    source = library.source(library.client(store=MEMORY))
    claims = library.of_source("claims", source.name)
    userinfo = library.of_source("userinfo", source.name)
    users = {source.account, _claims(claims)["sub"], _claims(userinfo)["sub"]}
    check(len(users) == 1, f"several users: {users}")
    check(_claims(claims)["aud"] == library.ask.client.id, _claims(claims)["aud"])
    return source.reply, claims, userinfo


@case(OK, OK, OK)
def logins_of_two_users_at_one_client(library: Library) -> Sequence[Reply]:
    client = library.client(store=MEMORY)
    anna = library.source(client)
    berta = library.source(client, browser=library.ask.browser(BERTA))
    check(anna.account != berta.account, "one account for both")
    names = [_claims(library.of_source("userinfo", source.name))["sub"] for source in (anna, berta)]
    check(names == [anna.account, berta.account], names)
    return anna.reply, berta.reply, library.of_source("refresh", anna.name)


@case(OK, OK, OK)
def refresh_with_a_new_id_token(library: Library) -> Sequence[Reply]:
    source = library.source(library.client(store=MEMORY))
    before = _claims(library.of_source("claims", source.name))
    time.sleep(1.1)
    refreshed = library.of_source("refresh", source.name)
    claims = library.of_source("claims", source.name)
    check(int(_claims(claims)["iat"]) > int(before["iat"]), "the ID token is the old one")
    check(_claims(claims)["sub"] == source.account, "another user")
    return source.reply, refreshed, claims


@case(OK, OK)
def refresh_of_a_login_that_another_process_made(library: Library) -> Sequence[Reply]:
    """The new process knows the first ID token only from the store."""
    with tempfile.TemporaryDirectory() as folder, library.in_another_process() as other:
        store = {"kind": "sqlite", "path": f"{folder}/logins.db"}
        source = library.source(library.client(store=store))
        there = other.source_of(other.client(store=store), source.account)
        return other.of_source("refresh", there), other.of_source("userinfo", there)


@case(OK, OK, OK)
def refresh_after_the_user_logged_in_again_in_the_same_browser(
    library: Library,
) -> Sequence[Reply]:
    """With the password, at another client. Keycloak moves the time of the first login, too."""
    browser = library.ask.browser()
    client = library.client(store=MEMORY)
    first = library.source(client, browser=browser, claims=ESSENTIAL_AUTH_TIME)
    before = _claims(library.of_source("claims", first.name))["auth_time"]
    time.sleep(2.1)
    public = library.client(client_id=library.ask.public.id, client_secret=None, store=MEMORY)
    second = library.source(public, browser=browser, prompt="login")
    refreshed = library.of_source("refresh", first.name)
    after = _claims(library.of_source("claims", first.name))["auth_time"]
    check(int(after) >= int(before), f"auth_time was {before} and is {after}")
    return first.reply, second.reply, refreshed


@case(OK, OK, ID_TOKEN)
def max_age(library: Library) -> Sequence[Reply]:
    """The server asks for the password again; a user who removes the question is refused."""
    client, browser = library.client(store=MEMORY, leeway=0), library.ask.browser()
    first = library.source(client, browser=browser, max_age=600)
    old = int(_claims(library.of_source("claims", first.name))["auth_time"])
    time.sleep(2.1)
    second = library.source(client, browser=browser, max_age=1)
    new = int(_claims(library.of_source("claims", second.name))["auth_time"])
    check(new > old, f"auth_time was {old} and is {new}")
    time.sleep(2.1)
    refused = _log_in_without(library, client, browser, "max_age", max_age=1)
    _check_says(refused, "auth_time: ")
    return first.reply, second.reply, refused


@case(OK, ID_TOKEN)
def essential_acr(library: Library) -> Sequence[Reply]:
    """A user who removes the question has that of a login without a password."""
    client, browser = library.client(store=MEMORY), library.ask.browser()
    claims = {"id_token": {"acr": {"essential": True, "values": ["1"]}}}
    first = library.source(client, browser=browser, claims=claims)
    refused = _log_in_without(library, client, browser, "claims", claims=claims)
    _check_says(refused, "acr: ")
    return first.reply, refused


@case(OK, OK)
def discovered_metadata(library: Library) -> Sequence[Reply]:
    """It says what the library knows of the server beforehand."""
    issuer = library.ask.issuer
    discovered, metadata = library.discover(issuer)
    found = cast(Mapping[str, object], discovered.members["metadata"])
    known = {**cast(Mapping[str, object], library.preset())}
    del known[ISS_PARAMETER]
    differing = {name: found.get(name) for name in known if found.get(name) != known[name]}
    check(not differing, f"differing: {differing}")
    client = library.client(kind="metadata", metadata=metadata, base=None, realm=None, store=MEMORY)
    return discovered, library.source(client).reply


@case(OK, OK)
def id_token_in_an_algorithm_that_only_the_metadata_names(library: Library) -> Sequence[Reply]:
    ask = library.ask
    with library.in_another_process() as fresh, ask.attributes({ALGORITHM: "ES256"}):
        _make_keys(ask, ["ES256"])
        discovered, metadata = fresh.discover(ask.issuer)
        client = fresh.client(kind="metadata", metadata=metadata, base=None, realm=None)
        return discovered, fresh.log_in(client)


@case(ID_TOKEN)
def id_token_in_an_algorithm_that_the_client_does_not_name(library: Library) -> Sequence[Reply]:
    with library.ask.attributes({ALGORITHM: "ES256"}):
        return (library.log_in(library.client()),)


@case(
    *(OK for _ in PUBLIC_KEY_ALGORITHMS),
    except_realm=SIPGATE_APPS,
    # Keycloak 22 does not have EdDSA.
    older={THIRD_PARTY: tuple(OK for _ in PUBLIC_KEY_ALGORITHMS[:-1])},
)
def id_token_in_every_algorithm(library: Library) -> Sequence[Reply]:
    ask = library.ask
    offered = _discovered(ask)["id_token_signing_alg_values_supported"]
    algorithms = [name for name in PUBLIC_KEY_ALGORITHMS if name in cast(list[str], offered)]
    _make_keys(ask, algorithms)
    browser = ask.browser()
    replies = []
    with library.in_another_process() as fresh:
        for algorithm in algorithms:
            client = fresh.client(id_token_signed_response_alg=algorithm)
            with ask.attributes({ALGORITHM: algorithm}):
                tokens = fresh.log_in(client, browser=browser)
            if tokens.error is None:
                header, _ = decoded(tokens.text("id_token"))
                check(header["alg"] == algorithm, f"{header['alg']} instead of {algorithm}")
            replies.append(tokens)
    return replies


@case(*(ID_TOKEN for _ in HMAC_ALGORITHMS), except_realm=SIPGATE_APPS)
def id_token_signed_with_a_secret(library: Library) -> Sequence[Reply]:
    """Keycloak takes a secret of its own, so that no client can verify the signature."""
    ask, secret = library.ask, secrets.token_urlsafe(48)
    browser, replies = ask.browser(), []
    with ask.client_secret(secret):
        for algorithm in HMAC_ALGORITHMS:
            client = library.client(client_secret=secret, id_token_signed_response_alg=algorithm)
            with ask.attributes({ALGORITHM: algorithm}):
                replies.append(library.log_in(client, browser=browser))
    return replies


@case(ID_TOKEN, OK)
def id_token_for_another_audience_too(library: Library) -> Sequence[Reply]:
    with library.ask.id_token_audience("another"):
        refused = library.log_in(library.client())
        tokens = library.log_in(library.client(trusted_audiences=["another"]))
    _, claims = decoded(tokens.text("id_token"))
    check(isinstance(claims["aud"], list), f"aud is {claims['aud']}")
    return refused, tokens


@case(UNSUPPORTED)
def encrypted_id_token(library: Library) -> Sequence[Reply]:
    ask = library.ask
    (key,) = (key for key in _keys(ask) if key["use"] == "enc")
    # Any RSA key does, because nobody decrypts.
    jwks = json.dumps({"keys": [key]})
    with ask.attributes({ENCRYPTION: "RSA-OAEP", "use.jwks.string": "true", "jwks.string": jwks}):
        refused = library.log_in(library.client())
    _check_says(refused, "the server encrypts the ID token")
    return (refused,)


@case(OK, OK, ID_TOKEN)
def signed_userinfo(library: Library) -> Sequence[Reply]:
    """The algorithm has to be one that the client takes for ID tokens."""
    ask = library.ask
    _make_keys(ask, ["ES256"])
    replies = []
    with library.in_another_process() as fresh:
        for algorithm, named in (("RS256", "RS256"), ("ES256", "RS256 ES256"), ("ES256", "RS256")):
            client = fresh.client(store=MEMORY, id_token_signed_response_alg=named.split())
            with ask.attributes({USERINFO_ALGORITHM: algorithm}):
                source = fresh.source(client)
                replies.append(fresh.of_source("userinfo", source.name))
    return replies


@case(LOGIN_REQUIRED)
def userinfo_after_the_server_ended_the_session(library: Library) -> Sequence[Reply]:
    """The access token is refused, and so is the refresh token."""
    source = library.source(library.client(store=MEMORY))
    library.ask.control.end_sessions(library.ask.realm, "anna")
    return (library.of_source("userinfo", source.name),)


# Keycloak 22 has another error for a wrong secret here.
OLDER = (OK, OK, OK, OK, OAUTH)


@case(OK, OK, OK, OK, INVALID_CLIENT, older={THIRD_PARTY: OLDER, SIPGATE_APPS: OLDER})
def introspection(library: Library) -> Sequence[Reply]:
    resource = resource_server(library.ask.realm)
    tokens = library.log_in(library.client())
    client = library.client(client_id=resource.id, client_secret=resource.secret)
    wrong = library.client(client_id=resource.id, client_secret="a wrong one")
    token = tokens.text("access_token")

    def introspected(token: str) -> Reply:
        return library.of_client("introspect", client, token=token)

    active, rubbish = introspected(token), introspected("some-rubbish")
    library.of_client("revoke", library.client(), token=tokens.text("refresh_token"))
    ended = introspected(token)
    said = [_introspection(reply)["active"] for reply in (active, rubbish, ended)]
    check(said == [True, False, False], said)
    check(_introspection(active)["client_id"] == library.ask.client.id, _introspection(active))
    return tokens, active, rubbish, ended, library.of_client("introspect", wrong, token=token)


@case(OK, OK, OK, LOGIN_REQUIRED, INVALID_CLIENT)
def revocation(library: Library) -> Sequence[Reply]:
    client = library.client()
    token = library.log_in(client).text("refresh_token")
    wrong = library.client(client_secret="a wrong one")
    revoked, again, rubbish = (
        library.of_client("revoke", client, token=given) for given in (token, token, "some-rubbish")
    )
    refused = library.refresh(client, token)
    return revoked, again, rubbish, refused, library.of_client("revoke", wrong, token=token)


@case(OK, OK, STATE_MISMATCH, LOGIN_REQUIRED)
def logout_in_the_browser(library: Library) -> Sequence[Reply]:
    client, browser = library.client(store=MEMORY), library.ask.browser()
    source = library.source(client, browser=browser)
    url = library.of_client(
        "logout_url", client, source=source.name, post_logout_redirect_uri=BYE, state="a b&c"
    )
    done = browser.log_out(url.text("url"))
    check((done.location or "").startswith(f"{BYE}?state="), f"{done.status} {done.location}")
    right, wrong = (
        library.of_client("check_logout_response", client, callback=done.location, state=state)
        for state in ("a b&c", "another")
    )
    return url, right, wrong, library.of_source("refresh", source.name)


@case(OK, OK, ID_TOKEN, LOGIN_REQUIRED, LOGIN_REQUIRED)
def logout_that_is_told_to_two_processes(library: Library) -> Sequence[Reply]:
    """They are of two languages, and share the store: the second is told what it knows."""
    ask, another = library.ask, "rust" if library.language == "python" else "python"
    with (
        running_back_channel() as channel,
        ask.attributes({"backchannel.logout.url": channel.url}),
        tempfile.TemporaryDirectory() as folder,
        library.in_another_process(another) as other,
    ):
        store = {"kind": "sqlite", "path": f"{folder}/logins.db", "recheck": 0}
        client, others = library.client(store=store), other.client(store=store)
        browser = ask.browser()
        source = library.source(client, browser=browser)
        there = other.source_of(others, source.account)
        before = other.access_token(there)
        url = library.of_client("logout_url", client, source=source.name).text("url")
        browser.log_out(url)
        token = channel.token()
        told = library.of_client("accept_logout_token", client, logout_token=token)
        check(told.members.get("accounts") == [source.account], told)
        again = other.of_client("accept_logout_token", others, logout_token=token)
        ended = library.access_token(source.name), other.access_token(there)
        return before, told, again, *ended


@case(OK, LOGIN_REQUIRED, OK)
def logout_of_one_of_two_users(library: Library) -> Sequence[Reply]:
    ask = library.ask
    with (
        running_back_channel() as channel,
        ask.attributes({"backchannel.logout.url": channel.url}),
    ):
        client, browser = library.client(store=MEMORY), ask.browser()
        anna = library.source(client, browser=browser)
        berta = library.source(client, browser=ask.browser(BERTA))
        url = library.of_client("logout_url", client, source=anna.name).text("url")
        browser.log_out(url)
        told = library.of_client("accept_logout_token", client, logout_token=channel.token())
        return told, library.access_token(anna.name), library.access_token(berta.name)


@case(OK, LOGIN_REQUIRED, OK, LOGIN_REQUIRED)
def logout_tokens_as_the_client_wants_them(library: Library) -> Sequence[Reply]:
    """With a second event; and about the user instead of the session."""
    ask = library.ask
    replies: list[Reply] = []
    with (
        running_back_channel() as channel,
        ask.attributes({"backchannel.logout.url": channel.url}),
    ):
        for attribute, value in (
            ("backchannel.logout.revoke.offline.tokens", "true"),
            ("backchannel.logout.session.required", "false"),
        ):
            with ask.attributes({attribute: value}):
                client, browser = library.client(store=MEMORY), ask.browser()
                source = library.source(client, browser=browser)
                url = library.of_client("logout_url", client, source=source.name).text("url")
                browser.log_out(url)
                token = channel.token()
            replies.append(library.of_client("accept_logout_token", client, logout_token=token))
            replies.append(library.access_token(source.name))
    return replies


@case(SERVER_UNAVAILABLE, OK, OK)
def login_while_the_key_server_is_unavailable_and_after_it(library: Library) -> Sequence[Reply]:
    """The code is spent once; what it gave is kept until it can be judged."""
    with running_front(library.ask.base) as front:
        client = library.client(base=front.base, store=MEMORY)
        request = library.begin(client)
        callback = library.callback(request)
        with front.closed(503, path="/certs"):
            early, _ = library.complete_login(client, request, callback, timeout=IMPATIENCE_SECONDS)
        late, source = library.complete_login(client, request, callback)
        check(len(front.token_requests) == 1, f"{len(front.token_requests)} token requests")
        return early, late, library.of_source("userinfo", source)


@case(OK, OK, OK, OK)
def refresh_while_the_key_server_is_unavailable_and_after_it(library: Library) -> Sequence[Reply]:
    """The new ID token has a new key: the access token is handed out, and judged later."""
    with running_front(library.ask.base) as front:
        client = library.client(base=front.base, store=MEMORY)
        source = library.source(client)
        library.ask.control.rotate_keys(library.ask.realm)
        with front.closed(503, path="/certs"):
            refreshed = library.of_source("refresh", source.name)
            during = library.access_token(source.name)
        after = library.of_source("refresh", source.name)
        claims = library.of_source("claims", source.name)
        check(_claims(claims)["sub"] == source.account, "another user")
        return refreshed, during, after, claims


@case(OK, OK, OK, OK, OK, OK)
def keys_rotated_between_two_logins_and_the_old_ones_removed(library: Library) -> Sequence[Reply]:
    ask = library.ask
    with library.in_another_process() as fresh:
        client = fresh.client(store=MEMORY)
        anna = fresh.source(client)
        ask.control.rotate_keys(ask.realm)
        berta = fresh.source(client, browser=ask.browser(BERTA))
        ask.control.remove_old_keys(ask.realm)
        refreshed = fresh.of_source("refresh", anna.name)
        # The server does not know the key of this access token any more.
        later = fresh.source(client, browser=ask.browser(BERTA))
        userinfo = fresh.of_source("userinfo", anna.name)
        claims = fresh.of_source("claims", anna.name)
        check(_claims(claims)["sub"] == anna.account, "another user")
        return anna.reply, berta.reply, refreshed, later.reply, userinfo, claims


def _log_in_without(
    library: Library, client: str, browser: Browser, parameter: str, **asked: object
) -> Reply:
    """The login of a user who removes a parameter on the way."""
    request = library.begin(client, scope=SCOPE, **asked)
    url = urlsplit(request.url)
    query = [pair for pair in parse_qsl(url.query) if pair[0] != parameter]
    changed = replace(request, url=url._replace(query=urlencode(query)).geturl())
    reply, _ = library.complete_login(client, request, library.callback(changed, browser))
    return reply


def _claims(reply: Reply) -> Mapping[str, str]:
    return cast(Mapping[str, str], reply.members["claims"])


def _introspection(reply: Reply) -> Mapping[str, object]:
    return cast(Mapping[str, object], reply.members["introspection"])


def _check_says(reply: Reply, words: str) -> None:
    message = str((reply.error or {}).get("message"))
    check(words in message, f"the message is {message}")


def _make_keys(ask: Asker, algorithms: Sequence[str]) -> None:
    """Keycloak makes a key for an algorithm when it is used first."""
    there = {key.get("alg") for key in _keys(ask)}
    for algorithm in algorithms:
        if algorithm not in there:
            with ask.attributes({ALGORITHM: algorithm}):
                ask.tokens()


def _keys(ask: Asker) -> list[dict[str, str]]:
    found = cast(Mapping[str, list[dict[str, str]]], ask.get(ask.endpoint("certs")).json())
    return found["keys"]


def _discovered(ask: Asker) -> Mapping[str, object]:
    document = ask.get(f"{ask.issuer}/.well-known/openid-configuration").json()
    return cast(Mapping[str, object], document)
