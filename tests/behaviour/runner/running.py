"""Runs one case in one language, or in two.

Steps run one after another, in the first process, `one`, unless they say that they are `in` the
`other` one. A step's result is named by its `as`, or by the name that the call gives its object:

    {"op", "args", "expect" | "error", "as"}   a call and its outcome; without either: no error
      "start": true                            only starts it; a step {"finish": its name,
                                               "expect" | "error"} waits for it
      "times": n                               runs it n times; the result is a list
      "until": true                            repeats it until it has this outcome
      "differs": {language: {"expect" | "error", "because"}}
    {"realm": "reset" | another command of the realm, such as "login" or "faults", "args", "as"}
    {"realm": "accepts", "args": a token}      the realm's API must accept it
    {"await_token_requests": n}                waits until the realm has seen this many
    {"pause": seconds}
    {"clock": seconds, "as"}                   sets the shims' wall clock to this distance from the
                                               true time; the result is the shifted time as `now`
    {"restart" | "kill": "one" | "other"}      ends the process, `kill` with SIGKILL; the next call
                                               starts it again
    {"disk": "fill_disk" | "make_room"}        for the process
    {"file": "make_read_only" | "make_writable" | "keep" | "put", "path", "as" | "kept"}
    {"file": "list", "path", "expect"}         the names in a folder
"""

from __future__ import annotations

import math
import re
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from behaviour.runner import store_file
from behaviour.runner.cases import Case, Step
from behaviour.runner.clock import Clock
from behaviour.runner.matching import NO_CALL, Call, differences
from behaviour.runner.place import HERE, Place
from behaviour.runner.realm import Realm, RealmBroken
from behaviour.runner.registry import Row, inconsistencies
from behaviour.runner.secrets import Secrets
from behaviour.runner.shim import Reply, Shim, ShimBroken
from behaviour.runner.values import UnknownReference, expand, form_value
from driver.programs import ROOT

OK, FAIL, UNSUPPORTED = "ok", "FAIL", "unsupported"

# Arguments that name objects in the shim. Each run of a case has its own objects.
OBJECT_NAMES = {
    "name",
    "metadata",
    "client",
    "request",
    "tokens",
    "from",
    "cancel",
    "object",
    "source",
    "custom",
    "to",
    "events",
}

KINDS = (
    "op",
    "finish",
    "realm",
    "await_token_requests",
    "pause",
    "clock",
    "restart",
    "kill",
    "file",
    "disk",
)

RIGHTS = {
    "make_read_only": store_file.make_read_only,
    "make_writable": store_file.make_writable,
}

DISK = {"fill_disk": store_file.fill_disk, "make_room": store_file.make_room}

# The pause between two attempts of a step with `until`.
UNTIL_SECONDS = 0.05

# The members of an error that a case need not mention.
NOT_SAID = {
    "retry_after": None,
    "status": None,
    "oauth_error": None,
    "oauth_error_description": None,
    "oauth_error_uri": None,
    "refresh_token": None,
}


@dataclass(frozen=True)
class Verdict:
    kind: str
    problems: tuple[str, ...] = ()
    reason: str = ""


class Failed(Exception):
    """The result of a step is not what the case expects."""


class Unsupported(Exception):
    """A shim has no such operation."""


@dataclass
class Running:
    """A call that was started: its step, and the shim that will respond."""

    shim: Shim
    language: str
    number: int
    began: int
    limit: float
    result: Reply = field(default_factory=dict)


@dataclass(frozen=True)
class Actor:
    language: str
    shim: Shim


class CaseRun:
    """One run of one case, for the language of the first actor, or between those of two actors."""

    def __init__(
        self,
        case: Case,
        actors: Mapping[str, Actor],
        realm: Realm,
        registry: Mapping[str, Row],
        secrets: Secrets,
        number: int,
        clock: Clock | None = None,
        place: Place = HERE,
    ) -> None:
        self._case = case
        self._actors = actors
        self._realm = realm
        self._registry = registry
        self._secrets = secrets
        self._place = place
        self._clock = clock
        self._prefix = f"{number}/"
        self._running: dict[str, Running] = {}
        self._scope: dict[str, Any] = {}

    def verdict(self) -> Verdict:
        language = self._actors["one"].language
        if language in self._case.inexpressible:
            return Verdict(UNSUPPORTED, reason=self._case.inexpressible[language])
        reason = self._case.unsupported.get(language)
        at = "before the first step"
        for actor in self._actors.values():
            actor.shim.case = self._case.title
        if self._clock is not None:
            self._clock.shift(0)
        try:
            with tempfile.TemporaryDirectory() as folder:
                self._folder = Path(folder)
                machine = _machine(self._folder, self._place.path)
                machine["errors"] = list(self._registry.values())
                address = urlsplit(self._realm.ready["http"]).netloc
                self._scope.update(realm={**self._realm.ready, "address": address}, machine=machine)
                self._realm.reset()
                for number, step in enumerate(self._case.steps, 1):
                    at = f"step {number}, {_named(step)}"
                    self._do(step)
                at = "what the realm saw"
                self._check_saw()
        except Unsupported as operation:
            if reason is not None:
                return Verdict(UNSUPPORTED, reason=reason)
            return Verdict(
                FAIL, (f"{at}: the shim has no {operation}, and the case gives no reason",)
            )
        except ShimBroken as problem:
            for actor in self._actors.values():
                actor.shim.stop()
            return Verdict(FAIL, (f"{at}: {problem}",))
        except (Failed, UnknownReference, RealmBroken, OSError) as problem:
            return Verdict(FAIL, tuple(f"{at}: {line}" for line in str(problem).splitlines()))
        if reason is not None:
            return Verdict(FAIL, (f"it is said to be unsupported ({reason}), and passes",))
        return Verdict(OK)

    def _do(self, step: Step) -> None:
        if "op" in step:
            self._call_until(step) if step.get("until") else self._call(step)
        elif "finish" in step:
            self._finish(step, self._running.pop(step["finish"]))
        elif "await_token_requests" in step:
            self._realm.await_token_requests(step["await_token_requests"], self._case.limit)
        elif "pause" in step:
            time.sleep(step["pause"])
        elif "clock" in step:
            self._set_clock(step["clock"], step.get("as"))
        elif "restart" in step:
            self._actors[step["restart"]].shim.stop()
        elif "kill" in step:
            self._kill(self._actors[step["kill"]].shim)
        elif "disk" in step:
            process = self._actors[step.get("in", "one")].shim.process_id
            assert process is not None, "the process has started"
            DISK[step["disk"]](process)
        elif "file" in step:
            here = {**self._scope, "machine": {"folder": str(self._folder)}}
            self._treat(step["file"], Path(expand(step["path"], here)), step)
        else:
            self._order(step["realm"], expand(step.get("args", {}), self._scope), step.get("as"))

    def _set_clock(self, seconds: float, kept_as: str | None) -> None:
        if self._clock is None:
            raise Failed("the clock cannot be set: the case does not say that it does so")
        self._clock.shift(seconds)
        if kept_as is not None:
            self._scope[kept_as] = {"now": math.floor(self._clock.now())}

    def _kill(self, shim: Shim) -> None:
        shim.kill()
        self._running = {
            name: call for name, call in self._running.items() if call.shim is not shim
        }

    def _treat(self, what: str, path: Path, step: Step) -> None:
        if what == "keep":
            self._scope[step["as"]] = store_file.keep(path)
        elif what == "put":
            store_file.put(path, self._scope[step["kept"]])
        elif what == "list":
            _require(differences(step["expect"], sorted(file.name for file in path.iterdir())))
        else:
            RIGHTS[what](path)

    def _order(self, name: str, args: Any, kept_as: str | None) -> None:
        if name == "reset":
            self._realm.reset()
            return
        if name == "accepts":
            if not self._realm.accepts(args):
                raise Failed("the realm does not take this token")
            return
        result = self._realm.login(args) if name == "login" else self._realm.order(name, args)
        if name == "login":
            self._secrets.add(result.get("code"))
        if kept_as is not None:
            self._scope[kept_as] = result

    def _call(self, step: Step) -> None:
        actor = self._actors[step.get("in", "one")]
        args = expand(step.get("args", {}), self._scope)
        self._secrets.add_arguments(args)
        name = step.get("as") or args.get("tokens") or args.get("name")
        results = []
        for _ in range(step.get("times", 1)):
            began = math.floor(time.time())
            number = actor.shim.start(step["op"], self._own(args))
            running = Running(actor.shim, actor.language, number, began, self._case.limit)
            if step.get("start"):
                self._running[str(name)] = running
                return
            self._finish({} if "times" in step else step, running)
            results.append(running.result)
        result: Any = results if "times" in step else results[0]
        if "times" in step:
            _require(differences(expand(step["expect"], self._scope), result))
        if name is not None:
            self._scope[name] = result

    def _call_until(self, step: Step) -> None:
        end = time.monotonic() + self._case.limit
        while True:
            try:
                return self._call(step)
            except Failed:
                if time.monotonic() > end:
                    raise
            time.sleep(UNTIL_SECONDS)

    def _own(self, args: Mapping[str, Any]) -> dict[str, Any]:
        own: dict[str, Any] = {
            name: f"{self._prefix}{value}"
            if name in OBJECT_NAMES and isinstance(value, str)
            else value
            for name, value in args.items()
        }
        store = args.get("store")
        if isinstance(store, Mapping):
            own["store"] = self._own(store)
        return own

    def _finish(self, step: Step, running: Running) -> None:
        reply = running.shim.finish(running.number, running.limit)
        call = Call(running.began, math.floor(time.time()))
        if "unsupported" in reply:
            raise Unsupported(reply["unsupported"])
        wanted = step.get("differs", {}).get(running.language, step)
        error = reply.get("error")
        self._secrets.add_reply(reply)
        if error is not None:
            if "error" not in wanted:
                raise Failed(f"gave {error.get('code')}: {error.get('message')}")
            expected = {**NOT_SAID, **expand(wanted["error"], self._scope)}
            _require([*differences(expected, error, call), *inconsistencies(error, self._registry)])
            running.result = error
            return
        if "error" in wanted:
            raise Failed(f"gave a result, expected {wanted['error']['code']}")
        _require(differences(expand(wanted.get("expect", {}), self._scope), reply["ok"], call))
        running.result = reply["ok"]

    def _check_saw(self) -> None:
        received = self._realm.requests()
        requests = [one for one in received if not one["path"].endswith("/certs")]
        token_requests = [one for one in requests if one["path"].endswith("/token")]
        for request in token_requests:
            self._secrets.add_form(request["body"])
        saw = expand(self._case.saw, self._scope)
        if unknown := saw.keys() - {"token", "any", "certs", "counters"}:
            raise Failed(f"there is no {sorted(unknown)}")
        expected = saw.get("token", saw.get("any", 0))
        count = len(expected) if isinstance(expected, list) else expected
        _require(differences(count, len(token_requests), at="the number of token requests"))
        _require(differences(saw.get("any", count), len(requests), at="the number of requests"))
        keys = len(received) - len(requests)
        _require(differences(saw.get("certs", keys), keys, at="the number of requests for keys"))
        _require(differences(saw.get("counters", {}), self._realm.counters(), at="counters"))
        if isinstance(expected, list):
            for number, (one, request) in enumerate(zip(expected, token_requests, strict=True)):
                before = token_requests[number - 1] if number else None
                problems = _request_differences(one, request, before)
                _require([f"token request {number + 1}: {line}" for line in problems])


def _request_differences(
    expected: Mapping[str, Any], request: Mapping[str, Any], before: Mapping[str, Any] | None
) -> list[str]:
    """Compares a request with `path`, `headers`, `no_headers`, `new_connection` and `form`.

    `form`: all parameters in order, with no other byte in the body.
    """
    if unknown := expected.keys() - {"form", "headers", "no_headers", "path", "new_connection"}:
        return [f"there is no {sorted(unknown)}"]
    problems = []
    headers = {name.lower(): value for name, value in request["headers"]}
    if "form" in expected:
        pairs = parse_qsl(request["body"], keep_blank_values=True)
        if (
            "&".join(f"{form_value(name)}={form_value(value)}" for name, value in pairs)
            != request["body"]
        ):
            problems.append(f"the body is not as the URL standard writes a form: {request['body']}")
        problems += differences(
            [list(pair) for pair in expected["form"]], [list(pair) for pair in pairs], at="form"
        )
    problems += differences(expected.get("headers", {}), headers, NO_CALL, "header")
    problems += [
        f"there is a header {name}" for name in expected.get("no_headers", []) if name in headers
    ]
    if "path" in expected:
        problems += differences(expected["path"], request["path"], NO_CALL, "path")
    if (
        before is not None
        and expected.get("new_connection")
        and before["connection"] == request["connection"]
    ):
        problems.append("it used the connection of the previous one")
    return problems


def _require(problems: list[str]) -> None:
    if problems:
        raise Failed("\n".join(problems))


def _named(step: Step) -> str:
    kind = next(kind for kind in KINDS if kind in step)
    return str(step[kind]) if kind in ("op", "realm") else f"{kind} {step[kind]}"


def _machine(folder: Path, path: Callable[[Path], str]) -> dict[str, Any]:
    """What cases need to know: a closed port, the time, a file, a folder and the version.

    `path` gives files the names that they have where the shim runs.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    secret = folder / "secret"
    secret.write_text("canary-secret-of-a-file\n")
    return {
        "closed_port": port,
        "now": math.floor(time.time()),
        "secret_file": path(secret),
        "folder": path(folder),
        # As the path of a URL: on Windows, a slash precedes the drive.
        "folder_in_url": "/" + path(folder).replace("\\", "/").removeprefix("/"),
        "version": _workspace_version(),
    }


def _workspace_version() -> str:
    found = re.search(r'^version = "([^"]+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert found is not None, "Cargo.toml names the version of all packages"
    return found[1]
