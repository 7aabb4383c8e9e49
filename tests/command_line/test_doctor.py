"""Each check of the doctor, with the fault made on purpose."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from behaviour.runner.realm import Realm
from command_line.conftest import CommandLine
from sipgate_oauth2 import __version__

NOWHERE = "http://127.0.0.1:9"
# At sipgate, and a proxy that nobody runs: no test asks sipgate's servers.
SIPGATE: dict[str, str | None] = {
    "SIPGATE_ISSUER": None,
    "SIPGATE_CLIENT_ID": "1-0-a:third-party",
    "HTTPS_PROXY": NOWHERE,
}


def examine(run: CommandLine, **changes: str | None) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and each check's result and words."""
    done = run("doctor", "--json", **changes)
    checks: list[dict[str, Any]] = json.loads(done.stdout)["checks"]
    return done.returncode, {one["check"]: (one["result"], one["message"]) for one in checks}


LOGIN = ("login", "--scope", "balance:read", "--account", "me")
KEY = {"SIPGATE_ENCRYPTION_KEYS": "a2V5IG9mIHRoZSB0ZXN0cywgd2l0aCAzMiBieXRlcyE="}


def test_what_is_well_is_looked_at_and_is_ok(run: CommandLine) -> None:
    assert run(*LOGIN).returncode == 0
    code, found = examine(run)
    results = {name: result for name, (result, _) in found.items()}
    assert (results.pop("realm"), results.pop("versions")) == ("skipped", "skipped")
    assert (code, set(results.values())) == (0, {"ok"}), found
    assert len(results) == 8
    assert found["connection"][1].endswith(
        "responds, without a proxy, without TLS, on this machine"
    )
    lines = run("doctor").stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == list(found)


def test_a_variable_that_is_missing_leaves_nothing_to_look_at(run: CommandLine) -> None:
    code, found = examine(run, SIPGATE_CLIENT_ID=None)
    result, message = found.pop("variables")
    assert (code, result) == (4, "problem")
    assert message.startswith("SIPGATE_CLIENT_ID: is not set")
    assert {result for result, _ in found.values()} == {"skipped"}


def test_a_realm_that_is_not_that_of_the_client_id(run: CommandLine) -> None:
    code, found = examine(run, **SIPGATE, SIPGATE_REALM="sipgate-apps")
    assert code == 4
    assert found["realm"][0] == "problem"
    assert "unset SIPGATE_REALM" in found["realm"][1]
    assert examine(run, **SIPGATE)[1]["realm"][0] == "ok"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"SIPGATE_ISSUER": f"{NOWHERE}/auth/realms/third-party"}, 5, "no connection"),
        (SIPGATE, 5, "no connection"),
        ({**SIPGATE, "HTTPS_PROXY": "not a proxy"}, 4, "HTTPS_PROXY"),
    ],
)
def test_a_server_that_is_not_reached(
    run: CommandLine, changes: dict[str, str | None], code: int, words: str
) -> None:
    ended, found = examine(run, **changes)
    assert ended == code
    assert found["connection"][0] == "problem"
    assert words in found["connection"][1]
    for name in ("clock", "metadata", "redirect URI", "client"):
        assert found[name] == ("skipped", "the server was not reached")


def test_the_address_of_a_server_that_is_not_reached_is_named_with_its_variable(
    run: CommandLine,
) -> None:
    issuer = f"{NOWHERE}/auth/realms/third-party"
    assert (
        f"SIPGATE_ISSUER is {issuer}: " in examine(run, SIPGATE_ISSUER=issuer)[1]["connection"][1]
    )
    message = examine(run, **SIPGATE)[1]["connection"][1]
    assert "that of sipgate, https://login.sipgate.com/" in message
    assert "SIPGATE_ISSUER" not in message


def test_a_server_that_is_no_keycloak(run: CommandLine, realm: Realm) -> None:
    code, found = examine(run, SIPGATE_ISSUER="https://login.example.com")
    assert (code, found["variables"][0]) == (4, "problem")
    assert found["variables"][1].startswith("SIPGATE_ISSUER: is not that of a Keycloak")
    assert "from its metadata" in found["variables"][1]
    realm.order(
        "faults", {"on": "discovery", "kind": "answer", "status": 404, "json": {}, "times": 9}
    )
    code, found = examine(run)
    assert (code, found["metadata"][0]) == (4, "problem")
    assert "SIPGATE_ISSUER must be that of a Keycloak" in found["metadata"][1]
    assert "from its metadata" in found["metadata"][1]


def test_a_certificate_that_is_not_trusted(run: CommandLine, realm: Realm, tmp_path: Path) -> None:
    issuer = f"{realm.ready['https']}/auth/realms/third-party"
    code, found = examine(run, SIPGATE_ISSUER=issuer)
    assert code == 4
    assert found["connection"][0] == "problem"
    assert "certificate" in found["connection"][1]
    authority = tmp_path / "ca.pem"
    authority.write_text(realm.ready["ca_pem"])
    found = examine(run, SIPGATE_ISSUER=issuer, SSL_CERT_FILE=str(authority))[1]
    assert found["connection"][0] == "ok"
    assert "its certificate is trusted" in found["connection"][1]


def test_a_clock_that_is_off(run: CommandLine, realm: Realm) -> None:
    date = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    realm.order("faults", {"on": "discovery", "kind": "answer", "headers": date, "json": {}})
    code, found = examine(run)
    assert (code, found["clock"][0]) == (4, "problem")
    assert "s ahead of the server; synchronize it" in found["clock"][1]


@pytest.mark.parametrize(
    ("issuer", "code", "words"),
    [
        ("https://other.example", 7, "https://other.example"),
        (None, 4, "authorization_endpoint is https://other.example/a"),
    ],
    ids=["another issuer", "other endpoints"],
)
def test_a_server_that_names_others_than_the_client(
    run: CommandLine, realm: Realm, issuer: str | None, code: int, words: str
) -> None:
    other = {
        "issuer": issuer or run.variables["SIPGATE_ISSUER"],
        "authorization_endpoint": "https://other.example/a",
        "token_endpoint": "https://other.example/t",
    }
    realm.order("faults", {"on": "discovery", "kind": "answer", "json": other, "times": 2})
    ended, found = examine(run)
    assert (ended, found["metadata"][0]) == (code, "problem")
    assert words in found["metadata"][1]
    assert [found[name][0] for name in ("redirect URI", "client")] == ["skipped", "skipped"]


def test_a_redirect_uri_that_is_not_registered(run: CommandLine) -> None:
    code, found = examine(run, SIPGATE_REDIRECT_URI="https://not-registered.example/cb")
    assert (code, found["redirect URI"][0]) == (4, "problem")
    assert "register it for this client" in found["redirect URI"][1]
    assert examine(run, SIPGATE_REDIRECT_URI=None)[1]["redirect URI"][0] == "skipped"


@pytest.mark.parametrize(
    "changes",
    [{"SIPGATE_CLIENT_SECRET": "another"}, {"SIPGATE_CLIENT_SECRET": None}],
)
def test_a_secret_that_the_server_refuses(run: CommandLine, changes: dict[str, str | None]) -> None:
    code, found = examine(run, **changes)
    assert (code, found["client"][0]) == (4, "problem")
    assert "another" not in found["client"][1]


def test_whether_a_secret_was_sent_is_said(run: CommandLine) -> None:
    assert examine(run)[1]["client"] == (
        "ok",
        "the server accepts a request with the client id and the secret",
    )
    public = {"SIPGATE_CLIENT_ID": "2000002-0-public:third-party", "SIPGATE_CLIENT_SECRET": None}
    assert examine(run, **public)[1]["client"] == (
        "ok",
        "the server accepts a request with the client id; no secret is set, and none was sent",
    )


def test_a_store_that_does_not_exist_yet_is_no_problem_and_is_not_created(
    run: CommandLine, tmp_path: Path
) -> None:
    place = tmp_path / "state" / "logins.db"
    words = f"there is no store at {place} yet; login creates it, and may write there"
    for changes in ({}, KEY):
        code, found = examine(run, SIPGATE_STORE=str(place), **changes)
        assert (code, found["store"]) == (0, ("skipped", words))
        assert found["logins"] == ("skipped", "there is no store yet")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_created(run: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    code, found = examine(run, SIPGATE_STORE=str(tmp_path / "state" / "new" / "logins.db"))
    assert (code, found["store"][0]) == (4, "problem")
    assert str(tmp_path / "state") in found["store"][1]


def test_a_store_whose_folder_cannot_be_written(run: CommandLine) -> None:
    # Not even root can.
    code, found = examine(run, SIPGATE_STORE="/proc/self/sipgate/logins.db")
    assert (code, found["store"][0]) == (4, "problem")
    assert "/proc" in found["store"][1]


@pytest.mark.parametrize("place", ["~/logins.db", "$HOME/logins.db"])
def test_a_path_that_no_shell_has_expanded(run: CommandLine, place: str) -> None:
    code, found = examine(run, SIPGATE_STORE=place)
    assert (code, found["variables"][0]) == (4, "problem")
    assert found["variables"][1].startswith(f"SIPGATE_STORE: begins with {place.split('/')[0]}, ")
    assert "no shell has expanded" in found["variables"][1]


def test_a_store_that_is_missing_or_does_not_last(run: CommandLine) -> None:
    for place in (None, "memory"):
        code, found = examine(run, SIPGATE_STORE=place)
        assert (code, found["store"][0]) == (4, "problem")
        assert found["store"][1].startswith("SIPGATE_STORE: ")


def test_a_store_that_others_can_read(run: CommandLine, tmp_path: Path) -> None:
    assert run(*LOGIN).returncode == 0
    assert examine(run)[0] == 0
    (tmp_path / "logins.db").chmod(0o644)
    code, found = examine(run)
    assert (code, found["store"][0], found["variables"][0]) == (4, "problem", "ok")
    assert "logins.db" in found["store"][1]


def test_a_store_on_a_server_that_is_down(run: CommandLine) -> None:
    code, found = examine(run, SIPGATE_STORE="redis://127.0.0.1:9")
    assert (code, found["store"][0]) == (5, "problem")


def test_logins_that_another_version_has_stored(run: CommandLine, tmp_path: Path) -> None:
    assert run(*LOGIN).returncode == 0
    assert examine(run)[1]["logins"] == ("ok", "1 in the store, and all can be read")
    with closing(sqlite3.connect(tmp_path / "logins.db")) as database, database:
        where = """ WHERE CAST(data AS TEXT) LIKE '%"format"%'"""
        database.execute(f"UPDATE entries SET data = ?{where}", (b'{"format": 2}',))
    code, found = examine(run)
    assert (code, found["logins"][0], found["store"][0]) == (4, "problem", "ok")
    assert found["logins"][1].startswith("1 cannot be read, and 0 can: ")
    assert "a newer version of sipgate-oauth2" in found["logins"][1]


def test_logins_whose_key_is_missing(run: CommandLine) -> None:
    assert run(*LOGIN, **KEY).returncode == 0
    assert examine(run, **KEY)[1]["logins"][0] == "ok"
    code, found = examine(run)
    assert (code, found["logins"][0]) == (4, "problem")
    assert "SIPGATE_ENCRYPTION_KEYS" in found["logins"][1]


@pytest.mark.parametrize("version", [__version__, "0.0.1"])
def test_a_package_of_another_version(
    run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    (packages / f"sipgate_oauth2-{version}.dist-info").mkdir(parents=True)
    module = tmp_path / "project" / "node_modules" / "sipgate-oauth2"
    module.mkdir(parents=True)
    (module / "package.json").write_text(json.dumps({"version": version}))
    below = tmp_path / "project" / "src"
    below.mkdir()
    for folder, changes, place in [
        (tmp_path, {"VIRTUAL_ENV": str(tmp_path / "venv")}, packages),
        (below, {}, module),
    ]:
        monkeypatch.chdir(folder)
        code, found = examine(run, **changes)
        result, message = found["versions"]
        assert str(place) in message
        if version == __version__:
            assert (code, result) == (0, "ok")
        else:
            assert (code, result) == (4, "problem")
            assert f"has {version}; install the same version" in message
