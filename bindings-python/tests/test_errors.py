"""The error classes and their attributes."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import traceback

import pytest
from conftest import ROOT, Realm

import sipgate_oauth2
from sipgate_oauth2 import (
    ERROR_CODES,
    AuthorizationDeniedError,
    Client,
    ConfigurationError,
    LoginRequiredError,
    SecurityCheckError,
    SipgateOAuth2Error,
    StoreError,
    TemporaryError,
    TokenSet,
)
from sipgate_oauth2.errors import CallTimeoutError, InvalidArgumentError


def test_the_codes_match_the_documentation() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    documented = [line[5:-1] for line in page.splitlines() if line.startswith("### `")]
    assert [code for code, _, _ in ERROR_CODES] == documented


def test_every_family_is_a_class_of_this_package() -> None:
    for _, _, family in ERROR_CODES:
        assert issubclass(getattr(sipgate_oauth2, family), SipgateOAuth2Error)


def test_the_name_of_an_error_in_a_traceback_can_be_imported() -> None:
    classes = [SipgateOAuth2Error]
    for each in classes:
        classes += each.__subclasses__()
        shown = traceback.format_exception_only(each, each("what happened"))[0]
        module, _, name = shown.partition(":")[0].rpartition(".")
        assert getattr(importlib.import_module(module), name) is each
    assert {InvalidArgumentError, CallTimeoutError, StoreError} < set(classes)


def test_a_bad_argument_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match=r"^client_id: is empty") as caught:
        Client.sipgate("")
    error = caught.value
    assert isinstance(error, ConfigurationError)
    assert (error.code, error.number) == ("SIPGATE_INVALID_ARGUMENT", 101)
    assert (error.remedy, error.retryable) == ("fix_configuration", False)
    assert (error.status, error.retry_after, error.oauth_error) == (None, None, None)
    assert str(error) == error.message


def test_an_error_contains_the_servers_description(
    realm: Realm, client: Client, tokens: TokenSet
) -> None:
    said = {"error": "temporarily_unavailable", "error_description": "later", "error_uri": "urn:x"}
    realm.fault("answer", status=429, headers={"Retry-After": "7"}, json=said)
    with pytest.raises(TemporaryError) as caught:
        client.refresh(tokens)
    error = caught.value
    assert (error.code, error.status) == ("SIPGATE_SERVER_UNAVAILABLE", 429)
    assert (error.retry_after, error.retryable) == (7.0, True)
    assert error.oauth_error == "temporarily_unavailable"
    assert (error.oauth_error_description, error.oauth_error_uri) == ("later", "urn:x")


def test_the_cause_is_kept() -> None:
    nobody = Client.keycloak("http://127.0.0.1:1", "r", "client")
    with pytest.raises(TemporaryError) as caught:
        nobody.refresh("a refresh token")
    assert caught.value.code == "SIPGATE_TRANSPORT"
    assert "refused" in str(caught.value.__cause__)


CLASSES = {
    SipgateOAuth2Error: ("SIPGATE_INTERNAL", "report_bug"),
    ConfigurationError: ("SIPGATE_INVALID_ARGUMENT", "fix_configuration"),
    InvalidArgumentError: ("SIPGATE_INVALID_ARGUMENT", "fix_configuration"),
    TemporaryError: ("SIPGATE_SERVER_UNAVAILABLE", "try_later"),
    CallTimeoutError: ("SIPGATE_TIMEOUT", "try_later"),
    LoginRequiredError: ("SIPGATE_LOGIN_REQUIRED", "log_in_again"),
    AuthorizationDeniedError: ("SIPGATE_AUTHORIZATION_DENIED", "show_denied"),
    SecurityCheckError: ("SIPGATE_CALLBACK_REFUSED", "discard_input"),
    StoreError: ("SIPGATE_STORE_UNAVAILABLE", "try_later"),
}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_that_a_test_makes_has_the_code_of_its_class(
    kind: type[SipgateOAuth2Error],
) -> None:
    error = kind("gone")
    assert (error.code, error.remedy) == CLASSES[kind]
    assert (str(error), error.message) == ("gone", "gone")
    family = next(family for code, _, family in ERROR_CODES if code == error.code)
    assert isinstance(error, getattr(sipgate_oauth2, family))


@pytest.mark.parametrize(
    "copied",
    [
        lambda e: pickle.loads(pickle.dumps(e)),
        copy.copy,
        lambda e: type(e)(*e.args),
        lambda e: type(e)(*json.loads(json.dumps(e.args))),
    ],
    ids=["pickled", "copied", "made of its args", "made of its args as JSON"],
)
def test_an_error_can_be_passed_to_another_process(
    realm: Realm, client: Client, tokens: TokenSet, copied: object
) -> None:
    said = {"error": "temporarily_unavailable", "error_uri": "urn:x"}
    realm.fault("answer", status=429, headers={"Retry-After": "7"}, json=said)
    with pytest.raises(TemporaryError) as caught:
        client.refresh(tokens)
    assert callable(copied)
    other = copied(caught.value)
    assert type(other) is type(caught.value)
    assert vars(other) == vars(caught.value)
    assert str(other) == str(caught.value)
