"""The JSON of each command has the members that docs/command-line.md lists, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from behaviour.runner.realm import Realm
from command_line.conftest import CommandLine
from driver.programs import ROOT

# The kind of error that `last_error` is, too.
ERROR = "an error"

Types = dict[str, str]


def listed() -> dict[str, Types]:
    """For each command, the members with their types, as the page lists them."""
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    section = page.partition("\n## JSON\n")[2].partition("\n## ")[0]
    commands: dict[str, Types] = {}
    command = ""
    for line in section.splitlines():
        row = re.match(r"\| ([^|]*)\| `([^`]+)` \| ([^|]+) \|", line)
        if row:
            command = row[1].strip().strip("`") or command
            commands.setdefault(command, {})[row[2]] = row[3]
    return commands


def members(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each member by its path. What an error is made of is its own matter."""
    if isinstance(value, dict) and not path.endswith("last_error"):
        for name, inner in value.items():
            yield from members(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        assert value, f"{path}: an empty list shows no members"
        for inner in value:
            yield from members(inner, f"{path}[]")
    else:
        yield path, value


def has_type(value: Any, declared: str, error: Types) -> bool:
    kinds = {
        "text": lambda: isinstance(value, str),
        "number": lambda: isinstance(value, int) and not isinstance(value, bool),
        "null": lambda: value is None,
        "error": lambda: isinstance(value, dict) and not mistakes({"error": value}, error, error),
    }
    return any(kinds[kind]() for kind in declared.split(" or "))


def mistakes(value: Any, types: Types, error: Types) -> list[str]:
    """What differs between an object and the members that are listed."""
    found = list(members(value))
    missing = [f"{path} is not printed" for path in types.keys() - {path for path, _ in found}]
    wrong = [
        f"{path}: {member!r} is not listed as that"
        for path, member in found
        if path not in types or not has_type(member, types[path], error)
    ]
    return missing + wrong


def test_each_command_prints_the_members_that_are_listed(run: CommandLine, realm: Realm) -> None:
    page = listed()
    login = ("login", "--scope", "balance:read", "--account")
    printed: dict[str, list[Any]] = {}

    def prints(command: str, *arguments: str) -> None:
        ended = run("--json", *arguments)
        text = ended.stderr.splitlines()[-1] if command == ERROR else ended.stdout
        printed.setdefault(command, []).append(json.loads(text))

    prints("login", *login, "me")
    prints("login", *login, "you")
    for command in ("token", "header", "status"):
        prints(command, command, "--account", "me")
    prints(ERROR, "token")
    prints(ERROR, "token", "--account", "nobody")
    prints(ERROR, "token", "--no-such-argument")
    prints("status", "status", "--account", "nobody")
    realm.order("faults", {"on": "token", "kind": "answer", "status": 400, "json": REFUSAL})
    prints("keep-alive", "keep-alive", "--idle", "0")
    prints("accounts", "accounts")
    prints("status", "status", "--account", rejected(printed))
    prints(ERROR, "token", "--account", rejected(printed))
    prints("doctor", "doctor")
    prints("logout", "logout", "--account", "me")

    assert printed.keys() == page.keys()
    for command, objects in printed.items():
        for value in objects:
            assert mistakes(value, page[command], page[ERROR]) == [], command


REFUSAL = {"error": "invalid_grant", "error_description": "Token is not active"}


def rejected(printed: dict[str, list[Any]]) -> str:
    """The account whose login the server has refused."""
    name: str = printed["keep-alive"][0]["login_required"][0]
    return name


def test_what_is_not_listed_and_what_is_not_printed_are_found() -> None:
    error = {"error.code": "text"}
    types = {"seen": "number", "reason": "text or null", "all[].last_error": "error or null"}
    sound = {"seen": 1, "reason": None, "all": [{"last_error": None}]}
    assert mistakes(sound, types, error) == []
    refused = {**sound, "all": [{"last_error": {"code": "x"}}]}
    assert mistakes(refused, types, error) == []
    for changed in (
        {**sound, "seen": "1"},
        {**sound, "seen": True},
        {**sound, "more": 1},
        {**sound, "all": [{"last_error": {"code": "x", "more": 1}}]},
        {"seen": 1, "all": [{"last_error": None}]},
    ):
        assert len(mistakes(changed, types, error)) == 1
