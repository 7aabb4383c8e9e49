"""No secret is shown by accident."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from conftest import CLIENT_SECRET, Realm

from sipgate_oauth2 import (
    AuthorizationRequest,
    CancelToken,
    Client,
    SipgateOAuth2Error,
    TokenSet,
    aio,
)

CANARY = "canary-0123456789"


@pytest.fixture
def secretive(client: Client) -> dict[str, Any]:
    tokens = {
        name: f"{CANARY}-{name}"
        for name in ("access_token", "refresh_token", "id_token", "session_state")
    }
    return {
        "Client": Client.sipgate("1-0-a", client_secret=CANARY),
        "aio.Client": aio.Client.from_client(Client.sipgate("1-0-a", client_secret=CANARY)),
        "AuthorizationRequest": Client.sipgate(
            "1-0-a", redirect_uri="https://example.com/auth"
        ).authorization_request("a", state=CANARY),
        "TokenSet": TokenSet.restore(tokens),
    }


SHOWN: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031
    "in a list": lambda value: str([value]),
    "its attributes' names": lambda value: str(dir(value)),
}


@pytest.mark.parametrize("way", SHOWN.values(), ids=SHOWN.keys())
@pytest.mark.parametrize("kind", ["Client", "aio.Client", "AuthorizationRequest", "TokenSet"])
def test_printing_shows_no_secret(
    secretive: dict[str, Any], kind: str, way: Callable[[Any], str]
) -> None:
    assert CANARY not in way(secretive[kind])


def test_the_secrets_of_an_authorization_request_are_not_shown(client: Client) -> None:
    request = client.authorization_request("balance:read")
    exported = request.export()
    for secret in (request.state, request.nonce, exported):
        assert secret not in repr(request)


@pytest.mark.parametrize(
    "copied", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("kind", ["AuthorizationRequest", "TokenSet"])
def test_pickling_and_copying_are_refused_and_name_export(
    secretive: dict[str, Any], kind: str, copied: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError, match=r"export\(\)"):
        copied(secretive[kind])


@pytest.mark.parametrize(
    "copied", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("kind", ["Client", "aio.Client"])
def test_a_client_is_not_pickled(
    secretive: dict[str, Any], kind: str, copied: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError, match="same settings"):
        copied(secretive[kind])


def test_json_does_not_accept_tokens_by_accident(secretive: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        json.dumps(secretive["TokenSet"])
    with pytest.raises(TypeError):
        vars(secretive["TokenSet"])


def test_export_is_the_deliberate_way(secretive: dict[str, Any]) -> None:
    assert json.loads(secretive["TokenSet"].export())["access_token"] == f"{CANARY}-access_token"
    request = secretive["AuthorizationRequest"]
    assert AuthorizationRequest.restore(request.export()).url == request.url


def test_values_cannot_be_changed(secretive: dict[str, Any]) -> None:
    for kind, attribute in [
        ("TokenSet", "access_token"),
        ("AuthorizationRequest", "state"),
        ("Client", "issuer"),
    ]:
        with pytest.raises(AttributeError):
            setattr(secretive[kind], attribute, "other")
        with pytest.raises(AttributeError):
            secretive[kind].something_new = 1


def test_secrets_that_a_server_echoes_are_not_in_the_error(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    refresh_token = tokens.refresh_token
    assert refresh_token is not None
    echo = {"error": "invalid_request", "error_description": f"{refresh_token} {CLIENT_SECRET}"}
    realm.fault("answer", status=400, json=echo)
    with pytest.raises(SipgateOAuth2Error) as caught:
        client.refresh(tokens)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert refresh_token not in shown
    assert CLIENT_SECRET not in shown


def test_a_cancel_token_says_whether_it_is_cancelled() -> None:
    cancel = CancelToken()
    assert repr(cancel) == "CancelToken(cancelled=False)"
    cancel.cancel()
    assert repr(cancel) == "CancelToken(cancelled=True)"


def test_an_error_hands_out_its_refresh_token_and_does_not_show_it() -> None:
    error = SipgateOAuth2Error("failed", refresh_token=CANARY)
    assert error.refresh_token == CANARY
    for shown in (repr(error), str(error), str(error.args), str(vars(error)), str(dir(error))):
        assert CANARY not in shown
    pickled = pickle.dumps(error)
    assert CANARY.encode() not in pickled
    assert pickle.loads(pickled).refresh_token is None
    assert copy.copy(error).message == "failed"
