"""`on_event`, and the events and log lines of a login."""

from __future__ import annotations

import logging
import queue
import sys
import typing
from typing import Any

import pytest
from conftest import CLIENT_SECRET, LOGGER, PATIENCE, Realm

from sipgate_oauth2 import Client, LoginRequiredError, Store, types

Events = queue.Queue[Any]

SHAPES = typing.get_args(types.Event)


def kinds(events: Events, number: int) -> list[dict[str, Any]]:
    return [events.get(timeout=PATIENCE) for _ in range(number)]


def test_a_login_sends_events(strict: Realm) -> None:
    events: Events = queue.Queue()
    client = strict.client(Store.memory(), on_event=events.put)
    source = strict.source(client)
    source.refresh()
    source.logout()
    told = kinds(events, 5)
    assert [event["type"] for event in told] == [
        "token_request",
        "logged_in",
        "token_request",
        "refreshed",
        "logged_out",
    ]
    request, logged_in, _, refreshed, logged_out = told
    assert (request["grant"], request["sent"], request["error"]) == (
        "authorization_code",
        True,
        None,
    )
    assert isinstance(request["duration"], float)
    assert (logged_in["generation"], refreshed["generation"]) == (1, 2)
    assert logged_in["account"] == refreshed["account"] == logged_out["account"] != "anna"
    assert logged_out["outcome"] == "revoked"
    shapes = {typing.get_args(kind.__annotations__["type"])[0]: kind for kind in SHAPES}
    for event in told:
        assert event.keys() == shapes[event["type"]].__annotations__.keys()


def test_an_event_holds_no_secret_and_no_account(strict: Realm) -> None:
    events: Events = queue.Queue()
    client = strict.client(Store.memory(), on_event=events.put)
    source = strict.source(client, "an-account")
    tokens = [source.access_token(), source.refresh()]
    said = repr(kinds(events, 4))
    for secret in (*tokens, CLIENT_SECRET, "an-account"):
        assert secret not in said


def test_the_end_of_a_login_is_an_event_and_a_warning(
    strict: Realm, lines: queue.Queue[logging.LogRecord]
) -> None:
    events: Events = queue.Queue()
    source = strict.source(strict.client(Store.memory(), on_event=events.put))
    strict.post("settings", {"user": "anna", "enabled": False})
    with pytest.raises(LoginRequiredError):
        source.refresh()
    assert kinds(events, 4)[-1]["type"] == "login_rejected"
    line = lines.get(timeout=PATIENCE)
    assert line.levelno == logging.WARNING
    assert "the user must log in" in line.getMessage()


def test_usual_events_are_logged_below_a_warning(
    strict: Realm, lines: queue.Queue[logging.LogRecord]
) -> None:
    LOGGER.setLevel(logging.INFO)
    source = strict.source(strict.client(Store.memory()))
    source.refresh()
    source.logout()
    logged = [lines.get(timeout=PATIENCE) for _ in range(2)]
    assert [line.levelno for line in logged] == [logging.INFO] * 2
    assert "logged in" in logged[0].getMessage()
    assert "logged out" in logged[1].getMessage()


def test_a_handler_can_be_set_before_there_is_a_client() -> None:
    events: Events = queue.Queue()
    Client.sipgate("1-0-a:third-party", realm="sipgate-apps", on_event=events.put)
    assert events.get_nowait() == {
        "type": "realm_mismatch",
        "named": "third-party",
        "used": "sipgate-apps",
    }


def test_a_handler_that_raises_does_no_harm(strict: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: queue.Queue[Any] = queue.Queue()
    monkeypatch.setattr(sys, "unraisablehook", raised.put)

    def failing(event: dict[str, Any]) -> None:
        raise ZeroDivisionError(event["type"])

    source = strict.source(strict.client(Store.memory(), on_event=failing))
    assert source.access_token()
    told = [str(raised.get(timeout=PATIENCE).exc_value) for _ in range(2)]
    assert told == ["token_request", "logged_in"]


def test_a_handler_may_use_the_client_of_the_event(strict: Realm) -> None:
    """No lock is held while the handler runs."""
    heard: queue.Queue[str | None] = queue.Queue()

    def using(event: dict[str, Any]) -> None:
        if event["type"] == "refreshed":
            heard.put(client.token_source("anna").access_token())

    client = strict.client(Store.memory(), on_event=using)
    refreshed = strict.source(client).refresh()
    assert heard.get(timeout=PATIENCE) == refreshed
