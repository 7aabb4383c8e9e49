"""The logger `sipgate_oauth2`."""

from __future__ import annotations

import logging
import queue

import pytest
from conftest import CLIENT_SECRET, LOGGER, PATIENCE, Program, Realm

from sipgate_oauth2 import Client, TemporaryError, TokenSet


def test_a_realm_that_differs_from_the_client_ids_causes_a_warning(
    lines: queue.Queue[logging.LogRecord],
) -> None:
    Client.sipgate("1-0-a:third-party", realm="sipgate-apps")
    line = lines.get(timeout=PATIENCE)
    assert line.levelno == logging.WARNING
    assert "third-party" in line.getMessage()
    assert "sipgate-apps" in line.getMessage()


def test_ignored_members_of_a_response_cause_a_warning(
    realm: Realm, client: Client, tokens: TokenSet, lines: queue.Queue[logging.LogRecord]
) -> None:
    realm.fault("answer", json={"access_token": "a", "expires_in": []})
    client.refresh(tokens)
    line = lines.get(timeout=PATIENCE)
    assert line.levelno == logging.WARNING
    assert "expires_in" in line.getMessage()


def test_a_token_request_has_a_debug_line_if_enabled(
    realm: Realm, client: Client, tokens: TokenSet, lines: queue.Queue[logging.LogRecord]
) -> None:
    client.refresh(tokens)
    LOGGER.setLevel(logging.DEBUG)
    realm.fault("answer", status=429)
    with pytest.raises(TemporaryError):
        client.refresh(tokens)
    line = lines.get(timeout=PATIENCE)
    assert line.levelno == logging.DEBUG
    assert line.getMessage().startswith("token request refresh_token: SIPGATE_SERVER_UNAVAILABLE")
    assert lines.empty()


def test_no_line_contains_a_secret(
    client: Client, tokens: TokenSet, lines: queue.Queue[logging.LogRecord]
) -> None:
    LOGGER.setLevel(logging.DEBUG)
    refreshed = client.refresh(tokens)
    message = lines.get(timeout=PATIENCE).getMessage()
    for secret in (CLIENT_SECRET, tokens.refresh_token, refreshed.access_token):
        assert secret is not None
        assert secret not in message


@pytest.mark.parametrize("imported", ["", "import logging", "import logging; logging.getLogger()"])
def test_nothing_is_written_to_stderr_if_logging_is_not_configured(
    program: Program, imported: str
) -> None:
    process = program(f"""{imported}
Client.sipgate("1-0-a:third-party", realm="sipgate-apps", redirect_uri="https://example.com/auth")
""")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors, process.returncode) == ("", "", 0)


def test_a_handler_of_the_root_logger_still_gets_the_lines(program: Program) -> None:
    process = program("""
import logging
logging.basicConfig(format="%(levelname)s %(name)s")
Client.sipgate("1-0-a:third-party", realm="sipgate-apps", redirect_uri="https://example.com/auth")
""")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors, process.returncode) == ("", "WARNING sipgate_oauth2\n", 0)
