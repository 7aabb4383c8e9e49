"""What the module promises to tests that use it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipgate_oauth2 import (
    Client,
    LoginRequiredError,
    SecurityCheckError,
    Store,
    TemporaryError,
    TokenSource,
)
from sipgate_oauth2_realm import Realm, RealmError

PATIENCE = 60


def status(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_the_environment_is_that_of_a_client(
    sipgate_realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in the shell of somebody who works with sipgate itself.
    monkeypatch.setenv("SIPGATE_REALM", "sipgate-apps")
    monkeypatch.setenv("SIPGATE_CLIENT_SECRET_FILE", "/no/such/file")
    for name, value in sipgate_realm.environment.items():
        monkeypatch.setenv(name, value)
    client = Client.from_env()
    assert (client.issuer, client.client_id) == (sipgate_realm.issuer, sipgate_realm.client_id)
    request = client.authorization_request("openid")
    source = client.complete_login(request, sipgate_realm.login(request.url, username="berta"))
    assert source.claims()["preferred_username"] == "berta"


def test_the_callback_of_form_post_is_what_the_browser_posts(
    sipgate_realm: Realm, sipgate_client: Client
) -> None:
    request = sipgate_client.authorization_request("openid", response_mode="form_post")
    posted = sipgate_realm.login(request.url)
    assert posted.startswith("state=")
    assert sipgate_client.complete_login(request, posted).access_token()


def test_only_a_user_who_is_asked_can_deny_access(
    sipgate_realm: Realm, sipgate_client: Client
) -> None:
    asking = next(client for client in sipgate_realm.clients if client["consent"])
    client = Client.keycloak(
        f"{sipgate_realm.url}/auth",
        asking["realm"],
        asking["client_id"],
        client_secret=asking["secret"],
        redirect_uri=sipgate_realm.redirect_uri,
        store=Store.memory(),
    )
    request = client.authorization_request("openid")
    assert "error=access_denied" in sipgate_realm.login(request.url, consent=False)
    request = sipgate_client.authorization_request("openid")
    with pytest.raises(RealmError, match=f"anna was not asked.*{asking['client_id']}"):
        sipgate_realm.login(request.url, consent=False)


def test_a_fault_breaks_as_many_responses_as_are_named(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    sipgate_realm.fault("token", "answer", status=503, times=2)
    for _ in range(2):
        with pytest.raises(TemporaryError):
            logged_in_source.refresh()
    assert logged_in_source.refresh()
    assert len(sipgate_realm.requests("token")) == 4


def test_the_calls_of_the_api_can_be_counted(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    assert status(sipgate_realm.api_url, logged_in_source.access_token()) == 200
    assert [call["path"] for call in sipgate_realm.requests("api")] == ["/v2/balance"]


def test_a_fault_of_a_connection_is_not_for_the_next_order(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    sipgate_realm.fault("connection", "reset")
    assert sipgate_realm.counters()["faults"] == 0
    # The library sends it again.
    assert logged_in_source.refresh()
    assert sipgate_realm.counters()["faults"] == 1


def test_a_connection_is_reset_after_the_request_was_sent(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    for _ in range(10):
        sipgate_realm.fault("connection", "reset", times=2)
        with pytest.raises(TemporaryError, match="connection"):
            logged_in_source.refresh()
        assert logged_in_source.refresh()


def test_an_altered_id_token_is_refused(sipgate_realm: Realm, sipgate_client: Client) -> None:
    sipgate_realm.alter("id_token", claims={"iss": "https://other.example"})
    request = sipgate_client.authorization_request("openid")
    with pytest.raises(SecurityCheckError):
        sipgate_client.complete_login(request, sipgate_realm.login(request.url))


def test_once_time_has_passed_the_api_refuses_the_token_and_a_refresh_gets_another(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    token = logged_in_source.access_token()
    assert status(sipgate_realm.api_url, token) == 200
    sipgate_realm.advance(minutes=5)
    assert status(sipgate_realm.api_url, token) == 401
    logged_in_source.invalidate(token)
    assert status(sipgate_realm.api_url, logged_in_source.access_token()) == 200


def test_the_login_of_a_user_who_stays_away_ends(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    sipgate_realm.advance(days=30)
    logged_in_source.invalidate(logged_in_source.access_token())
    with pytest.raises(LoginRequiredError):
        logged_in_source.access_token()


def test_a_token_that_expires_at_once_is_refreshed_at_each_call(
    sipgate_realm: Realm, sipgate_client: Client
) -> None:
    sipgate_realm.settings(access_token_lifespan=0)
    request = sipgate_client.authorization_request("openid")
    source = sipgate_client.complete_login(request, sipgate_realm.login(request.url))
    assert source.access_token() != source.access_token()


def test_the_code_of_a_user_who_was_slow_has_expired(
    sipgate_realm: Realm, sipgate_client: Client
) -> None:
    request = sipgate_client.authorization_request("openid")
    callback = sipgate_realm.login(request.url)
    sipgate_realm.advance(minutes=2)
    with pytest.raises(LoginRequiredError, match="Code not valid"):
        sipgate_client.complete_login(request, callback)


def test_sessions_that_end_end_the_login(
    sipgate_realm: Realm, logged_in_source: TokenSource
) -> None:
    sipgate_realm.end_sessions("anna")
    with pytest.raises(LoginRequiredError):
        logged_in_source.refresh()


def test_a_logout_token_names_the_account(
    sipgate_realm: Realm, sipgate_client: Client, logged_in_source: TokenSource
) -> None:
    token = sipgate_realm.logout_token(sid=logged_in_source.claims()["sid"])
    assert sipgate_client.accept_logout_token(token) == ["anna"]


def test_each_test_has_a_realm_as_new(sipgate_realm: Realm) -> None:
    assert sipgate_realm.requests() == []
    assert set(sipgate_realm.counters().values()) == {0}


def test_a_wrong_order_is_an_error_that_says_what_is_wrong(sipgate_realm: Realm) -> None:
    with pytest.raises(RealmError, match="unknown field `lifespan`"):
        sipgate_realm.settings(lifespan=1)
    with pytest.raises(RealmError, match="no such target: tokens; there are"):
        sipgate_realm.fault("tokens", "silent")
    with pytest.raises(RealmError, match="no such user: ana; there are anna, berta"):
        sipgate_realm.end_sessions("ana")
    with pytest.raises(RealmError, match="no such target: tokens; there are any, api,"):
        sipgate_realm.requests("tokens")
    with pytest.raises(RealmError, match="wrong username or password"):
        sipgate_realm.login(
            f"{sipgate_realm.issuer}/protocol/openid-connect/auth?response_type=code"
            "&client_id=1000001-0-test:third-party&redirect_uri=http://localhost/callback",
            password="another",
        )
    with pytest.raises(RealmError, match="no such order"):
        sipgate_realm.order("rewind", {})


def test_a_realm_can_be_stopped_and_started_again() -> None:
    realm = Realm()
    with pytest.raises(RealmError, match="not running"):
        realm.counters()
    with realm:
        assert realm.counters()["logins"] == 0
        with pytest.raises(RealmError, match="already"):
            realm.start()
    realm.stop()
    with realm.start():
        assert realm.issuer


def test_a_missing_program_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RealmError, match=r"install the package sipgate-oauth2-realm"):
        Realm(program=tmp_path / "none").start()


def test_a_program_that_ends_at_its_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RealmError, match="with status 1"):
        Realm(redirect_uri="no URL").start()


OWNER = """
import os, sys, time
from sipgate_oauth2_realm import Realm
realm = Realm().start()
if os.fork() == 0:
    # As a worker that was forked: it has all pipes.
    sys.stdin.read()
else:
    print(realm._process.pid, flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
def test_a_realm_ends_when_its_process_is_killed_though_a_forked_child_goes_on(
    owner: subprocess.Popen[str],
) -> None:
    assert owner.stdout is not None
    realm = int(owner.stdout.readline())
    descriptor = os.pidfd_open(realm)
    owner.send_signal(signal.SIGKILL)
    # It is readable once the process has ended.
    ended, _, _ = select.select([descriptor], [], [], PATIENCE)
    os.close(descriptor)
    assert ended


XDIST = """
def test_one(sipgate_realm, record_property):
    record_property("realm", sipgate_realm.url)
def test_other(sipgate_realm, record_property):
    record_property("realm", sipgate_realm.url)
"""


def test_each_worker_of_xdist_has_a_realm_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(XDIST)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "each"]
    command += [f"--junitxml={report}", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=PATIENCE, stdout=subprocess.DEVNULL)
    places = {line for line in report.read_text().split('"') if line.startswith("http://127")}
    assert len(places) == 2


def test_the_command_starts_the_program() -> None:
    start = "from sipgate_oauth2_realm.program import main; main()"
    command = [sys.executable, "-c", start, "--", sys.executable, "-c"]
    print_client = "import os, json; print(json.dumps(os.environ['SIPGATE_CLIENT_ID']))"
    said = subprocess.run([*command, print_client], check=True, capture_output=True, text=True)
    assert json.loads(said.stdout) == "1000001-0-test:third-party"
