"""Rows of the failure table in which the store can never work as it is configured.

The error says what to do, at the first call and in `store.check()`, and never shows a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fleet.postgres import GUEST, PASSWORD, TABLE, Postgres
from fleet.redis import GUEST_RIGHTS, Redis
from fleet.resp import RespError
from fleet.scene import FIX_CONFIGURATION, TRY_LATER, Process, Refusal, Scene
from fleet.server import ServerBroken

WRONG_PASSWORD = "not-the-password"


def wrong_password(scene: Scene) -> Iterator[str]:
    password = scene.secrets[0]
    url = scene.proxied_url.replace(f":{password}@", f":{WRONG_PASSWORD}@")
    scene.secrets.append(WRONG_PASSWORD)
    for process in strangers(scene, url):
        yield from _refused(process, Refusal(remedy=FIX_CONFIGURATION), url)


def no_table(scene: Scene) -> Iterator[str]:
    """The role may not create it: the message is the script."""
    server = scene.server
    assert isinstance(server, Postgres)
    url = server.url_of(GUEST, port=scene.proxy.port)
    refusal = Refusal(remedy=FIX_CONFIGURATION, words=("CREATE TABLE", "GRANT SELECT"))
    for number, process in enumerate(strangers(scene, url, table="absent_logins")):
        yield from _refused(process, refusal, url, table="absent_logins")
        if number == 0:
            # Nor does it create one where it was told not to, although it may.
            mine = scene.process(process.language, table="absent_logins", create_table=False)
            yield from _refused(
                mine, refusal, scene.proxied_url, table="absent_logins", create_table=False
            )
    if server.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'absent_logins'") != "0":
        yield "the table was created"


def no_right(scene: Scene) -> Iterator[str]:
    """The message is the command that grants it."""
    server = scene.server
    for process in scene.logged_in():
        yield from process.recovers()
    url = server.url_of(GUEST, port=scene.proxy.port)
    command = "ACL SETUSER" if isinstance(server, Redis) else "GRANT"
    refusal = Refusal(remedy=FIX_CONFIGURATION, words=(command, GUEST))
    for process in strangers(scene, url):
        yield from _refused(process, refusal, url)
    said = str((process.ask().get("error") or {}).get("message"))
    found = re.search(command + r"[^;\n]*", said)
    if found is None:
        return
    try:
        if isinstance(server, Redis):
            server.ask(*found.group().split())
        else:
            server.sql(found.group())
        for language in scene.languages:
            guest = scene.process(language, url=url)
            guest.log_in()
            yield from guest.recovers()
            yield from map(guest.says, _findings(guest, url))
    except (RespError, ServerBroken) as problem:
        yield f"the command in the message does not work: {problem}: {found.group()}"
    finally:
        if isinstance(server, Redis):
            server.ask(
                "ACL", "SETUSER", GUEST, "reset", "on", f">{PASSWORD}", *GUEST_RIGHTS.split()
            )
        else:
            server.sql(f"REVOKE ALL ON {TABLE} FROM {GUEST}")


def evicting(scene: Scene) -> Iterator[str]:
    server = scene.server
    assert isinstance(server, Redis)
    server.set("maxmemory", "1gb")
    server.set("maxmemory-policy", "allkeys-lru")
    try:
        refusal = Refusal(remedy=FIX_CONFIGURATION, words=("noeviction",))
        for process in strangers(scene, scene.proxied_url):
            yield from _refused(process, refusal, scene.proxied_url)
    finally:
        server.set("maxmemory-policy", "noeviction")
        server.set("maxmemory", "0")


def not_on_disk(scene: Scene) -> Iterator[str]:
    """Without its append-only file, it is refused unless the caller accepts that."""
    server = scene.server
    assert isinstance(server, Redis)
    server.set("appendonly", "no")
    try:
        refusal = Refusal(remedy=FIX_CONFIGURATION, words=("append", "durability"))
        for process in strangers(scene, scene.proxied_url):
            yield from _refused(process, refusal, scene.proxied_url)
        for process in scene.logged_in(durability="memory"):
            yield from process.recovers()
    finally:
        server.set("appendonly", "yes")


def strangers(scene: Scene, url: str, **options: Any) -> list[Process]:
    """Processes of which none can have seen the store work."""
    return [scene.process(language, url=url, **options) for language in scene.languages]


def _refused(process: Process, refusal: Refusal, url: str, **options: Any) -> Iterator[str]:
    yield from process.refuses("source.access_token", refusal)
    if refusal.remedy == TRY_LATER:
        return
    reply = _check(process, url, **options)
    said = [*reply.get("ok", {}).get("problems", []), reply.get("error", {}).get("message", "")]
    text = "\n".join(said)
    if not text:
        yield process.says("check() finds nothing")
    for words in refusal.words:
        if words.lower() not in text.lower():
            yield process.says(f"check() says nothing of {words!r}: {text}")
    for secret in process.scene.secrets:
        if secret in text:
            yield process.says(f"check() shows the password {secret!r}")


def _findings(process: Process, url: str, **options: Any) -> Iterator[str]:
    reply = _check(process, url, **options)
    if reply.get("ok", {}).get("problems") != []:
        yield f"check() finds fault with a good store: {reply.get('ok') or reply.get('error')}"


def _check(process: Process, url: str, **options: Any) -> dict[str, Any]:
    process.member.call("store.open", name="checked", url=url, **options)
    return process.member.end(process.member.begin("store.check", name="checked"))
