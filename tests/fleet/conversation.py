"""Processes of all languages on one store: what one writes, the others read, also after a kill.

Each language logs in on an account of its own. The others get the same token from the store, and
see its refreshes and its logout. The server is killed after each acknowledged refresh: a process
that starts afterwards finds it.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, running_realm
from chaos.fleet import Member, browser_of
from driver.programs import REALM_PROGRAM
from driver.shims import SHIMS
from fleet.postgres import Pgbouncer
from fleet.server import Server
from fleet.servers import ALL, running

REALM = "sipgate-apps"
RECHECK_SECONDS = 0.2
KILLS = 2
# Others see a change after the recheck, or later on a slow machine.
SEEN_SECONDS = 30.0
LOGIN_REQUIRED = "SIPGATE_LOGIN_REQUIRED"


def conversation(
    realm: Realm, server: Server, languages: Sequence[str], kills: int = KILLS
) -> Iterator[str]:
    """The problems on one server."""
    realm.reset()
    realm.order("settings", {"realm": REALM, "rotation": True, "access_token_lifespan": 300})
    with ExitStack() as stack:
        members: dict[str, Member] = {}
        for language in languages:
            members[language] = _member(realm, server, language, language)
            stack.callback(members[language].stop)
        for language, member in members.items():
            member.log_in(browser_of(realm), language)
            for other in members.values():
                other.call(
                    "client.token_source", client="client", account=language, source=language
                )
            yield from _all_have(members, language, _token(member, language), "its login")
            refreshed = member.call("source.refresh", source=language)["access_token"]
            yield from _all_have(members, language, refreshed, "its refresh")
        yield from _kills(realm, server, members, kills)
        for language, member in members.items():
            member.call("source.logout", source=language)
            for other in members.values():
                if not _sees(other, language, LOGIN_REQUIRED):
                    yield f"{other.language} does not see the logout of {language}"
    if realm.counters()["invalid_grant"]:
        yield f"{realm.counters()['invalid_grant']} invalid_grant"


def _kills(realm: Realm, server: Server, members: dict[str, Member], kills: int) -> Iterator[str]:
    """Each acknowledged refresh survives the end of the server."""
    database = server.behind if isinstance(server, Pgbouncer) else server
    languages = itertools.cycle(members)
    next(languages)
    for (language, member), _ in itertools.product(members.items(), range(kills)):
        written = _retried(member, "source.refresh", language)
        database.kill()
        database.start()
        reader_language = next(languages)
        reader = _member(realm, server, reader_language, language)
        try:
            read = _retried(reader, "source.access_token", "source")
        finally:
            reader.stop()
        if read != written:
            yield f"{reader_language} does not see what {language} wrote before the kill"


def _retried(member: Member, op: str, source: str) -> str:
    """The token of a call that may meet connections of before the kill."""
    while True:
        reply = member.end(member.begin(op, source=source, timeout=30))
        if "ok" in reply:
            return str(reply["ok"]["access_token"])
        assert reply["error"]["code"] == "SIPGATE_STORE_UNAVAILABLE", reply["error"]
        time.sleep(RECHECK_SECONDS)


def _member(realm: Realm, server: Server, language: str, account: str) -> Member:
    store = {"url": server.url, "recheck": RECHECK_SECONDS}
    return Member(language, f"{realm.ready['http']}/auth", REALM, store, account)


def _all_have(members: dict[str, Member], account: str, token: str, what: str) -> Iterator[str]:
    for member in members.values():
        if not _sees(member, account, token):
            yield f"{member.language} does not see {account}: {what}"


def _sees(member: Member, account: str, expected: str) -> bool:
    """Whether its calls result in this token or error code, once it has read the store again.

    A caller with a valid token does not wait for a store that is slow.
    """
    end = time.monotonic() + SEEN_SECONDS
    while True:
        reply = member.end(member.begin("source.access_token", source=account))
        found = reply["ok"]["access_token"] if "ok" in reply else reply["error"]["code"]
        if found == expected or time.monotonic() > end:
            return bool(found == expected)
        time.sleep(RECHECK_SECONDS)


def _token(member: Member, source: str) -> str:
    return str(member.call("source.access_token", source=source)["access_token"])


def conversations(servers: dict[str, Server], languages: Sequence[str], kills: int) -> list[str]:
    problems = []
    with running_realm(REALM_PROGRAM) as realm:
        for name, server in servers.items():
            found = [
                f"{name}: {problem}" for problem in conversation(realm, server, languages, kills)
            ]
            print(
                f"conversation on {name}: {', '.join(languages)}, {len(languages) * kills} kills, "
                f"{len(found)} problems",
                flush=True,
            )
            problems += found
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(ALL))
    parser.add_argument("--languages", default=",".join(SHIMS))
    parser.add_argument("--kills", type=int, default=KILLS, help="after a refresh of each language")
    options = parser.parse_args()
    with running(options.servers.split(",")) as fleet:
        problems = conversations(fleet.servers, options.languages.split(","), options.kills)
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
