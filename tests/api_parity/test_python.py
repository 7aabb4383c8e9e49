"""What the reader of the Python package finds in its classes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api_parity.languages import python


def test_a_class_has_what_it_inherits_from_a_class_that_is_not_exported() -> None:
    for items in (python.items(), python.items_with_await()):
        assert {"Client.metadata", "Client.keycloak(proxy)", "TokenSource.peek"} <= items
    assert "TokenSource.access_token(cancel)" in python.items()


def test_a_class_does_not_repeat_what_it_inherits_from_an_exported_class() -> None:
    items = python.items()
    assert "SipgateOAuth2Error.remedy" in items
    assert "StoreError.remedy" not in items


def test_a_protocol_has_members_and_no_constructor() -> None:
    items = python.items()
    assert {"CustomStore", "CustomStore.load", "CustomStore.save"} <= items
    assert not any(item.startswith("CustomStore(") for item in items)


def test_the_keys_of_a_dict_are_items_and_those_of_an_event_are_of_its_type() -> None:
    items = python.items()
    assert "CallOptions.timeout" in items
    assert {"Event='unsaved'", "Event='unsaved'.account"} <= items
    assert "Unsaved.account" not in items
