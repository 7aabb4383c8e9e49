"""What each command does, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from behaviour.runner.realm import Realm
from command_line.conftest import LIMIT_SECONDS, PROGRAMS, SECRET, CommandLine
from sipgate_oauth2 import Client

LOGIN = ("login", "--scope", "balance:read", "--account", "me")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_login_in_the_browser_gives_a_token_to_every_command_and_to_a_script(
    run: CommandLine, realm: Realm, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.program = PROGRAMS[program]
    login = run(*LOGIN)
    assert (login.returncode, login.stdout) == (0, "logged in as me\n"), login.stderr
    assert "If no browser opens" in login.stderr

    token = run("token")
    assert token.returncode == 0, token.stderr
    assert realm.accepts(token.stdout.strip())
    assert run("header").stdout == f"Authorization: Bearer {token.stdout}"
    assert run("status").stdout.startswith("me: active\nscope: ")
    assert run("accounts").stdout == "me: active\n"

    for name, value in run.environment().items():
        monkeypatch.setenv(name, value)
    assert Client.from_env().token_source("me").access_token() == token.stdout.strip()

    logout = run("logout")
    assert (logout.returncode, logout.stdout) == (0, "me: logged out, here and at the server\n")
    assert run("token", "--account", "me").returncode == 3


def test_json_is_one_object_on_standard_output(run: CommandLine) -> None:
    login = run("--json", "login", "--scope", "openid", "--scope", "balance:read")
    account = json.loads(login.stdout)["account"]
    assert len(account) == 24
    token = json.loads(run("token", "--json").stdout)
    assert json.loads(run("header", "--json").stdout) == {
        "Authorization": f"Bearer {token['access_token']}"
    }
    status = json.loads(run("status", "--json").stdout)
    assert (status["account"], status["state"]) == (account, "active")
    assert status["expires_at"] == token["expires_at"]
    listed = json.loads(run("accounts", "--json").stdout)["accounts"]
    assert [one["account_hash"] for one in listed] == [status["account_hash"]]
    report = json.loads(run("keep-alive", "--json").stdout)
    assert report == {"seen": 1, "renewed": 0, "failed": 0, "login_required": [], "reason": None}
    outcome = json.loads(run("logout", "--forget", "--json").stdout)
    assert outcome == {"account": account, "outcome": "revoked"}
    assert json.loads(run("accounts", "--json").stdout) == {"accounts": []}


def test_an_error_is_one_object_on_standard_error(run: CommandLine) -> None:
    failed = run("token", "--json")
    assert (failed.returncode, failed.stdout) == (3, "")
    assert json.loads(failed.stderr)["error"]["code"] == "SIPGATE_LOGIN_REQUIRED"


def pasting(run: CommandLine, *arguments: str, **changes: str | None) -> subprocess.Popen[str]:
    """A login that waits for the address on standard input."""
    return subprocess.Popen(
        [*run.program, *LOGIN, "--paste", *arguments],
        env=run.environment(**changes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address(process: subprocess.Popen[str]) -> str:
    """What the login asks the user to open."""
    assert process.stderr is not None
    return next(line.strip() for line in process.stderr if line.startswith("  http"))


def test_without_a_browser_the_address_is_pasted(run: CommandLine, realm: Realm) -> None:
    with pasting(run, SIPGATE_REDIRECT_URI="https://example.com/auth") as process:
        callback = realm.login({"authorization_url": address(process)})["callback"]
        out, errors = process.communicate(f"{callback}\n")
    assert (process.returncode, out) == (0, "logged in as me\n"), errors
    assert run("status").returncode == 0


NOT_PASTED = "what was pasted is not the address at which this login ends: "


@pytest.mark.parametrize(
    ("pasted", "why"),
    [
        (
            "http://127.0.0.1/cb?state=other&code=c",
            "its state is missing, or is that of another login",
        ),
        ("http://127.0.0.1/cb?code=c", "its state is missing, or is that of another login"),
        ("no address", "its state is missing, or is that of another login"),
        ("http://127.0.0.1/other?code=c", "it is for another address than the redirect URI"),
    ],
)
def test_what_is_pasted_must_belong_to_the_login(run: CommandLine, pasted: str, why: str) -> None:
    ended = run.typing(f"{pasted}\n", *LOGIN, "--paste")
    assert (ended.returncode, ended.stdout) == (7, "")
    assert f"{NOT_PASTED}{why}. Copy the whole address" in ended.stderr
    assert ended.stderr.endswith(f"error: {NOT_PASTED}{why}\n")
    assert "session" not in ended.stderr


def test_without_an_address_the_login_is_started_again(run: CommandLine) -> None:
    for typed in ("", "\n\n"):
        ended = run.typing(typed, *LOGIN, "--paste")
        assert ended.returncode == 3
        assert "standard input ended before an address was pasted" in ended.stderr


def test_an_address_is_pasted_until_it_fits(run: CommandLine, realm: Realm) -> None:
    with pasting(run) as process:
        callback = realm.login({"authorization_url": address(process)})["callback"]
        state = next(part for part in re.split("[?&]", callback) if part.startswith("state="))
        typed = ["http://127.0.0.1/cb?state=other&code=c", f"http://127.0.0.1/cb?{state}", callback]
        out, errors = process.communicate("\n".join(typed) + "\n")
    assert (process.returncode, out) == (0, "logged in as me\n"), errors
    assert errors.count(NOT_PASTED) == 2
    assert f"{NOT_PASTED}it has neither code nor error" in errors


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_address_that_is_never_pasted_is_waited_for_until_the_timeout(
    run: CommandLine, program: str
) -> None:
    run.program = PROGRAMS[program]
    with pasting(run, "--timeout", "0.2") as process:
        assert process.wait(LIMIT_SECONDS) == 5
        assert process.stderr is not None
        assert "error: the timeout elapsed before the address was pasted" in process.stderr.read()


def test_a_missing_account_is_told_before_the_user_logs_in(run: CommandLine) -> None:
    refused = run.typing("", "login", "--scope", "balance:read", "--paste")
    assert refused.returncode == 2
    assert "name the login with --account, or request the scope openid" in refused.stderr
    assert "Open this address" not in refused.stderr


def test_what_is_to_be_corrected_is_named_as_a_variable(run: CommandLine) -> None:
    refused = run(*LOGIN, "--paste", SIPGATE_REDIRECT_URI="")
    assert refused.returncode == 4
    assert refused.stderr.startswith("error: SIPGATE_REDIRECT_URI: is missing; ")


def test_a_redirect_uri_elsewhere_needs_a_pasted_address(run: CommandLine) -> None:
    refused = run(*LOGIN, SIPGATE_REDIRECT_URI="https://example.com/auth")
    assert refused.returncode == 4
    assert refused.stderr.startswith("error: SIPGATE_REDIRECT_URI: is not on this machine, ")
    assert refused.stderr.endswith(", or log in with --paste\n")


def test_the_port_can_be_set_and_is_named_when_it_is_in_use(run: CommandLine, realm: Realm) -> None:
    port = realm.ready["http"].rpartition(":")[2]
    refused = run(*LOGIN, "--port", port)
    assert refused.returncode == 5
    assert f"port {port} of 127.0.0.1 is in use" in refused.stderr


def test_a_user_who_denies_access_is_no_mistake_of_anybody(run: CommandLine) -> None:
    denied = run(
        *LOGIN,
        BROWSER=run.variables["BROWSER"].replace("--visit", "--visit --deny"),
        SIPGATE_CLIENT_ID="3000003-0-consent:third-party",
        SIPGATE_CLIENT_SECRET="consent-secret",
    )
    assert denied.returncode == 6
    assert "the user denied access" in denied.stderr


def test_a_browser_that_never_comes_back_is_waited_for_until_the_timeout(run: CommandLine) -> None:
    ended = run(*LOGIN, "--timeout", "0.2", BROWSER="true")
    assert ended.returncode == 5
    assert "before the browser came back" in ended.stderr


def test_the_browser_and_its_arguments_get_no_secret(run: CommandLine, tmp_path: Path) -> None:
    told = tmp_path / "told"
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\n{{ env; echo "$@"; }} > {told}.new\nmv {told}.new {told}\n')
    spy.chmod(0o755)
    run(*LOGIN, "--timeout", "1", BROWSER=str(spy))
    text = told.read_text()
    assert "client_id=" in text
    assert SECRET not in text
    assert "SIPGATE_" not in text


@pytest.mark.parametrize("command", ["status", "token", "header", "logout"])
def test_a_command_that_reads_creates_no_store_and_names_the_place(
    run: CommandLine, tmp_path: Path, command: str
) -> None:
    place = tmp_path / "state" / "logins.db"
    for arguments in ((command,), (command, "--account", "me")):
        ended = run(*arguments, SIPGATE_STORE=str(place))
        assert ended.returncode == 3
        assert f"there is no store at {place} yet" in ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["accounts", "keep-alive"])
def test_a_store_that_does_not_exist_has_no_logins(
    run: CommandLine, tmp_path: Path, command: str
) -> None:
    place = tmp_path / "state" / "logins.db"
    ended = run(command, SIPGATE_STORE=str(place))
    assert ended.returncode == 0
    assert f"there is no store at {place} yet" in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_the_login_is_named(run: CommandLine, tmp_path: Path) -> None:
    place = tmp_path / "logins.db"
    assert run(*LOGIN).returncode == 0
    client = f"with {run.variables['SIPGATE_CLIENT_ID']} at {run.variables['SIPGATE_ISSUER']}"
    of_you = f"the store {place} has no login of you {client}"
    for command in ("token", "header", "logout"):
        ended = run(command, "--account", "you")
        assert ended.returncode == 3
        assert f"error: {of_you}; " in ended.stderr
    status = run("status", "--account", "you")
    assert (status.returncode, status.stdout) == (3, f"you: absent; {of_you}\n")
    assert run("logout", "--forget").returncode == 0
    assert f"the store {place} has no login {client}; " in run("token").stderr
    assert run("accounts").stdout == f"the store {place} has no login {client}\n"


def test_a_logout_that_ends_no_login_says_so(run: CommandLine) -> None:
    assert run(*LOGIN).returncode == 0
    mistyped = run("logout", "--account", "mee", "--json")
    assert (mistyped.returncode, mistyped.stdout) == (3, "")
    error = json.loads(mistyped.stderr)["error"]
    assert error["code"] == "SIPGATE_LOGIN_REQUIRED"
    assert "has no login of mee with " in error["message"]
    assert error["message"].endswith("; nothing was logged out")
    assert run("status").returncode == 0
    assert run("logout").returncode == 0
    again = run("logout", "--account", "me")
    assert (again.returncode, again.stdout) == (0, "me: was logged out before\n")
    forgotten = run("logout", "--account", "me", "--forget")
    assert forgotten.stdout == "me: was logged out before, and is forgotten\n"


def test_keep_alive_says_why_it_looked_at_no_login(run: CommandLine, tmp_path: Path) -> None:
    assert run(*LOGIN).returncode == 0
    assert run("keep-alive").stdout == "looked at 1 login, refreshed 0, failed 0\n"
    none = "looked at 0 logins, refreshed 0, failed 0: "
    assert run("keep-alive").stdout == (
        f"{none}none is due, because a keep-alive looked at them before\n"
    )
    assert json.loads(run("keep-alive", "--json").stdout)["reason"] == "not_due"
    assert run("logout").returncode == 0
    reason = run("keep-alive").stdout.removeprefix(none)
    assert reason.startswith(f"the store {tmp_path / 'logins.db'} has no login with ")
    assert json.loads(run("keep-alive", "--json").stdout)["reason"] == "no_login"


def test_several_logins_must_be_told_apart(run: CommandLine) -> None:
    assert run(*LOGIN).returncode == 0
    assert run("login", "--scope", "balance:read", "--account", "you").returncode == 0
    unclear = run("token")
    assert unclear.returncode == 2
    assert "--account: " in unclear.stderr
    assert run("token", "--account", "you").returncode == 0


def test_a_login_that_cannot_be_read_is_explained(run: CommandLine) -> None:
    key = {"SIPGATE_ENCRYPTION_KEYS": "a2V5IG9mIHRoZSB0ZXN0cywgd2l0aCAzMiBieXRlcyE="}
    assert run(*LOGIN, **key).returncode == 0
    refused = run("token")
    assert refused.returncode == 4
    assert "SIPGATE_ENCRYPTION_KEYS" in refused.stderr
    assert "unreadable; " in run("accounts").stdout
    # Beside one that can be read, it does not count.
    assert run("login", "--scope", "balance:read", "--account", "you").returncode == 0
    assert run("token").returncode == 0


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"SIPGATE_CLIENT_ID": None}, "SIPGATE_CLIENT_ID"),
        ({"SIPGATE_STORE": None}, "SIPGATE_STORE"),
        ({"SIPGATE_STORE": "memory"}, "SIPGATE_STORE"),
        ({"SIPGATE_REDIRECT_URI": "https://example.com/auth"}, "SIPGATE_REDIRECT_URI"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(
    run: CommandLine, changes: dict[str, str | None], name: str
) -> None:
    refused = run(*LOGIN, **changes)
    assert refused.returncode == 4
    assert refused.stderr.startswith(f"error: {name}: ")


def test_wrong_arguments_are_explained(run: CommandLine) -> None:
    for arguments in [(), ("no-such-command",), ("login",), ("token", "--timeout", "1")]:
        refused = run(*arguments)
        assert (refused.returncode, refused.stdout) == (2, ""), arguments
        assert "Usage:" in refused.stderr
    assert "Exit codes:" in run("--help").stdout


def test_wrong_arguments_are_explained_as_json(run: CommandLine) -> None:
    for arguments, words in [
        (("--json",), "requires a subcommand"),
        (("no-such-command", "--json"), "unrecognized subcommand 'no-such-command'"),
        (("login", "--json"), "--scope <SCOPE>"),
        (("--json", "token", "--timeout", "1"), "unexpected argument '--timeout' found"),
        (("status", "--json", "--account"), "a value is required for '--account <NAME>'"),
    ]:
        refused = run(*arguments)
        assert (refused.returncode, refused.stdout) == (2, ""), arguments
        error = json.loads(refused.stderr)["error"]
        assert words in error["message"]
        assert "Usage" not in error["message"]
        assert error["code"] == "SIPGATE_INVALID_ARGUMENT"


def test_the_local_realm_is_started_if_it_is_installed(run: CommandLine, tmp_path: Path) -> None:
    # In a folder of its own: that of the build has the realm, too.
    alone = tmp_path / "alone" / "sipgate-oauth2"
    alone.parent.mkdir()
    alone.symlink_to(run.program[0])
    run.program = [str(alone)]
    missing = run("realm", PATH=str(tmp_path))
    assert missing.returncode == 4
    assert "pip install sipgate-oauth2-realm" in missing.stderr
    program = tmp_path / "sipgate-oauth2-realm"
    program.write_text('#!/bin/sh\necho "realm $@"\nexit 9\n')
    program.chmod(0o755)
    started = run("realm", "--human", "--help", PATH=f"{tmp_path}:/bin:/usr/bin")
    assert (started.returncode, started.stdout) == (9, "realm --human --help\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_local_realm_takes_the_place_of_the_command_and_prints_where_it_did(
    run: CommandLine, tmp_path: Path, program: str
) -> None:
    installed = tmp_path / "sipgate-oauth2-realm"
    installed.write_text('#!/bin/sh\necho "realm $$ $@"\necho "words" >&2\nexit 9\n')
    installed.chmod(0o755)
    command = PROGRAMS[program]
    if program == "binary":
        # In a folder of its own: that of the build has the realm, too.
        alone = tmp_path / "alone" / "sipgate-oauth2"
        alone.parent.mkdir()
        alone.symlink_to(command[0])
        command = [str(alone)]
    with subprocess.Popen(
        [*command, "realm", "--human"],
        env=run.environment(PATH=f"{tmp_path}:{os.environ['PATH']}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        out, errors = started.communicate()
    assert (started.returncode, out) == (9, f"realm {started.pid} --human\n")
    assert errors == "words\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_each_shell_gets_every_command(run: CommandLine, shell: str) -> None:
    script = run("completion", shell).stdout
    commands = ("login", "token", "header", "status", "accounts", "logout", "keep-alive", "doctor")
    assert all(command in script for command in commands)
    assert "forget" in script
