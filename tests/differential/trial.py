"""A realm and a shim of each language, and the verdicts on one input in all of them."""

from __future__ import annotations

import base64
import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behaviour.runner.realm import Realm, running_realm
from behaviour.runner.secrets import Secrets
from behaviour.runner.shim import Said, Shim, ShimBroken
from differential.input import REDIRECT_URI, Call, Input, World
from differential.verdict import Result, Verdict, request, result
from driver.shims import SHIMS

REFERENCE = "rust"

# Long enough to tell a hanging shim from a slow one.
CALL_SECONDS = 60.0

# Arguments that name the result of an earlier call.
USED = ("client", "request", "from")


@dataclass
class Trial:
    """All languages use one realm, so that their requests can be compared byte for byte."""

    realm: Realm
    shims: Mapping[str, Shim]
    world: World
    secrets: Secrets

    def verdicts(self, title: str, made: Input) -> dict[str, Verdict]:
        return {language: self._verdict(language, title, made) for language in self.shims}

    def said(self) -> list[Said]:
        return [line for shim in self.shims.values() for line in shim.said]

    def _verdict(self, language: str, title: str, made: Input) -> Verdict:
        shim = self.shims[language]
        shim.case = f"{title} in {language}"
        self.realm.reset()
        self.realm.order("faults", list(made.responses))
        kept: set[str] = set()
        results = [self._result(shim, call, kept) for call in made.calls]
        seen = self.realm.requests()
        for one in seen:
            self._keep_secrets_of(one)
        for name in sorted(kept):
            # The debug output is searched for secrets in the end.
            shim.finish(shim.start("debug", {"object": name}), CALL_SECONDS)
        return Verdict(results, [request(one) for one in seen])

    def _result(self, shim: Shim, call: Call, kept: set[str]) -> Result:
        used = [call.args[name] for name in USED if name in call.args]
        if call.op == "tokens.export":
            used.append(call.args["tokens"])
        if not kept.issuperset(used):
            return Result(call.op, None, None)
        self.secrets.add_arguments(call.args)
        began = math.floor(time.time())
        try:
            reply = shim.finish(shim.start(call.op, call.args), CALL_SECONDS)
        except ShimBroken as problem:
            shim.stop()
            kept.clear()
            return Result(call.op, None, {"code": None, "message": str(problem)})
        self.secrets.add_reply(reply)
        if "ok" in reply:
            kept.update(filter(None, (call.args.get("name"), call.args.get("tokens"))))
        return result(call.op, reply, began)

    def _keep_secrets_of(self, seen: Mapping[str, Any]) -> None:
        self.secrets.add_form(seen["body"])
        for name, value in seen["headers"]:
            if name == "authorization":
                credentials = value.removeprefix("Basic ")
                self.secrets.add(credentials)
                self.secrets.add(base64.b64decode(credentials).decode())


@contextlib.contextmanager
def running_trial(
    languages: Sequence[str], realm_binary: Path, secrets: Secrets
) -> Iterator[Trial]:
    shims = {language: Shim(SHIMS[language]) for language in languages}
    try:
        for shim in shims.values():
            _asked(shim, "version", {})
        with running_realm(realm_binary) as realm:
            yield Trial(realm, shims, _world(realm, shims[REFERENCE]), secrets)
    finally:
        for shim in shims.values():
            shim.stop()


def _world(realm: Realm, shim: Shim) -> World:
    base = f"{realm.ready['http']}/auth"
    settings = {
        "name": "client",
        "kind": "keycloak",
        "base": base,
        "realm": "third-party",
        "client_id": "1000001-0-test:third-party",
        "redirect_uri": REDIRECT_URI,
    }
    issuer = _asked(shim, "client.new", settings)["issuer"]
    wanted = {"client": "client", "name": "request", "scope": "balance:read"}
    _asked(shim, "client.authorization_request", wanted)
    return World(base, issuer, _asked(shim, "request.export", {"request": "request"})["exported"])


def _asked(shim: Shim, op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    reply = shim.finish(shim.start(op, args), CALL_SECONDS)
    if "ok" not in reply:
        raise ShimBroken(f"{op} gave {reply}")
    members: dict[str, Any] = reply["ok"]
    return members
