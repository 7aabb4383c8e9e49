"""The secrets that a language's run used, and where they are shown by accident."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from behaviour.runner.shim import Said
from behaviour.runner.values import form_value

# Every secret that a case makes up contains this word.
CANARY = "canary"

SECRET_ARGUMENTS = ("client_secret", "code", "code_verifier", "refresh_token")
SECRET_MEMBERS = ("access_token", "refresh_token", "id_token")

# Members of a result or an error whose purpose is to contain secrets.
DELIBERATE = {*SECRET_MEMBERS, "authorization_header", "exported", "extra"}

OUTCOMES = ("ok", "error")

# A shorter text may occur by chance.
SHORTEST = 8


class Secrets:
    def __init__(self) -> None:
        self._texts: set[str] = {CANARY}
        self._lock = threading.Lock()

    def add(self, text: object) -> None:
        if isinstance(text, str) and len(text) >= SHORTEST and CANARY not in text:
            with self._lock:
                self._texts |= {text, form_value(text)}

    def add_arguments(self, args: Mapping[str, Any]) -> None:
        for name in SECRET_ARGUMENTS:
            self.add(args.get(name))
        for code in parse_qs(str(args.get("callback", "")).rpartition("?")[2]).get("code", []):
            self.add(code)

    def add_reply(self, reply: Mapping[str, Any]) -> None:
        for outcome in OUTCOMES:
            for name in SECRET_MEMBERS:
                self.add((reply.get(outcome) or {}).get(name))

    def add_form(self, body: str) -> None:
        for name in SECRET_ARGUMENTS:
            for value in parse_qs(body).get(name, []):
                self.add(value)

    def shown(self, said: list[Said]) -> Iterator[str]:
        """A line for each place where a secret is shown, without the secret itself."""
        with self._lock:
            texts = sorted(self._texts)
        for line in said:
            shown = visible(line)
            if any(text in shown for text in texts):
                yield f"a secret shows on {line.stream} in the case “{line.case}”"


def visible(line: Said) -> str:
    """The part of a line that must not contain a secret: all but the `DELIBERATE` members."""
    if line.stream != "stdout":
        return line.line
    try:
        reply = json.loads(line.line)
        outcomes = {name: reply.get(name) for name in OUTCOMES}
    except (ValueError, AttributeError):
        return line.line
    for outcome, members in outcomes.items():
        if isinstance(members, dict):
            reply[outcome] = {
                name: value for name, value in members.items() if name not in DELIBERATE
            }
    return json.dumps(reply, ensure_ascii=False)
