"""Runs the programs of examples/sign_in, unchanged, in each framework against the local realm.

A visitor logs in with two tabs, looks at the user page and a page with an API call, loses the
session, logs out, and is logged out by the server. Then the same program logs in once more as
docs/signing-in.md changes it for `form_post`, and as its section "On your own machine" starts it.
Only the environment's variables name the realm.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behaviour.runner.realm import Realm, RealmBroken, running_realm
from driver.installed import CannotInstall
from driver.programs import REALM_PROGRAM, environment
from driver.report import Outcome, Skipped, report
from signing_in import own_machine, page
from signing_in.applications import SEALED, log_of, running
from signing_in.installed import PACKAGES
from signing_in.others import OTHERS
from signing_in.visitor import Response, Visitor, Wrong

FRAMEWORKS = ("Flask", "FastAPI", "Django", "Express", "Fastify", "Next.js", "axum", "C")
CLIENT_ID = "1000001-0-test:third-party"
SECRET = "test-secret-with-+-and-:"
EMAIL = "anna@example.com"
SIGN_IN = 'href="/login"'
ALWAYS = 1_000_000
TO_HOME = {(302, "/"), (303, "/")}
AT_ONCE = 2
BROKEN = (
    Wrong,
    page.PageBroken,
    RealmBroken,
    RuntimeError,
    OSError,
    subprocess.CalledProcessError,
)


class Scene:
    """A visitor, an application, and the realm where the visitor has an account."""

    def __init__(self, realm: Realm, port: int) -> None:
        self.realm = realm
        self.visitor = Visitor(port)

    def log_in(self, location: str | None) -> dict[str, Any]:
        """Follows the redirect of a login page, up to the callback."""
        order = {"username": "anna", "password": "anna-pw", "browser": "one"}
        return self.realm.order("login", {"authorization_url": location, **order})

    def come_back(self, callback: dict[str, Any]) -> Response:
        return self.visitor.come_back(callback["callback"], callback.get("form"))

    def expect_logged_in(self) -> None:
        home = self.visitor.get("/")
        expect("the user page", home.status == 200 and EMAIL in home.body, home)

    def expect_logged_out(self) -> None:
        home = self.visitor.get("/")
        expect("the user page after the end", SIGN_IN in home.body and EMAIL not in home.body, home)


def expect(what: str, holds: bool, response: Response) -> None:
    if not holds:
        raise Wrong(f"{what}: {response.status} {response.location or response.body[:300]!r}")


def two_tabs(scene: Scene) -> None:
    scene.expect_logged_out()
    first, second = scene.visitor.get("/login"), scene.visitor.get("/login")
    callbacks = [scene.log_in(login.location) for login in (first, second)]
    for callback in [*callbacks, callbacks[1]]:
        response = scene.come_back(callback)
        expect("the callback", (response.status, response.location) in TO_HOME, response)
        scene.expect_logged_in()


def lost_session(scene: Scene) -> None:
    callback = scene.log_in(scene.visitor.get("/login").location)
    scene.visitor.forget_cookies()
    for lost in (callback, altered(callback, "state=__proto__&code=c"), altered(callback, "")):
        response = scene.come_back(lost)
        expect("a lost session", response.status == 400 and SIGN_IN in response.body, response)


def denied(scene: Scene) -> None:
    callback = scene.log_in(scene.visitor.get("/login").location)
    parameters = callback.get("form") or urlsplit(callback["callback"]).query
    kept = [part for part in parameters.split("&") if not part.startswith("code=")]
    response = scene.come_back(altered(callback, "&".join([*kept, "error=access_denied"])))
    expect("a denied login", response.status == 403 and SIGN_IN in response.body, response)
    response = scene.come_back(callback)
    expect(
        "the callback after a refused one",
        (response.status, response.location) in TO_HOME,
        response,
    )


def altered(callback: dict[str, Any], parameters: str) -> dict[str, Any]:
    """The same callback with other parameters."""
    if "form" in callback:
        return {**callback, "form": parameters}
    return {"callback": callback["callback"].partition("?")[0] + "?" + parameters}


def sealed_cookies(scene: Scene) -> None:
    """In two tabs; the cookies are lost before a third."""
    logins = [scene.visitor.get("/login") for _ in range(3)]
    callbacks = [scene.log_in(login.location) for login in logins]
    for callback in [callbacks[1], *callbacks[:2]]:
        response = scene.come_back(callback)
        expect("the callback", response.body.startswith("Hello, "), response)
    scene.visitor.forget_cookies()
    response = scene.come_back(callbacks[2])
    expect("a lost cookie", response.status == 400 and SIGN_IN in response.body, response)


def log_in_again(scene: Scene) -> None:
    scene.come_back(scene.log_in(scene.visitor.get("/login").location))
    scene.expect_logged_in()


def api_call(scene: Scene) -> None:
    unknown = scene.visitor.get("/balance")
    expect("an API call of nobody", unknown.location == "/login", unknown)
    log_in_again(scene)
    response = scene.visitor.get("/balance")
    expect("an API call", response.status == 200 and "123456" in response.body, response)


def server_down(scene: Scene) -> None:
    callback = scene.log_in(scene.visitor.get("/login").location)
    scene.realm.order("faults", {"on": "token", "kind": "answer", "status": 429, "times": 1})
    response = scene.come_back(callback)
    expect("a server that is down", response.status == 503, response)
    response = scene.come_back(callback)
    expect("the page, reloaded", (response.status, response.location) in TO_HOME, response)


def our_mistake(scene: Scene) -> None:
    callback = scene.log_in(scene.visitor.get("/login").location)
    refused = {"on": "token", "kind": "answer", "status": 401, "times": 1}
    scene.realm.order("faults", {**refused, "body": '{"error":"invalid_client"}'})
    response = scene.come_back(callback)
    page_says_so = response.status == 500 and "our mistake" in response.body
    expect("a wrong client secret", page_says_so, response)


def logout(scene: Scene) -> None:
    log_in_again(scene)
    # What a link or an image of another site can request.
    scene.visitor.get("/logout")
    scene.expect_logged_in()
    redirect = scene.visitor.post("/logout")
    # Without the ID token, the server asks.
    expect("the logout", "id_token_hint=" in (redirect.location or ""), redirect)
    left = scene.realm.order("logout", {"logout_url": redirect.location, "browser": "one"})
    if left["callback"] != "https://example.com/":
        raise Wrong(f"the server sends the user to {left}")
    scene.expect_logged_out()
    again = scene.visitor.post("/logout")
    expect("a second logout", again.location == "/", again)


def logout_while_the_server_is_down(scene: Scene) -> None:
    log_in_again(scene)
    scene.realm.order("faults", {"on": "revoke", "kind": "answer", "status": 503, "times": 1})
    response = scene.visitor.post("/logout")
    expect("a logout while the server is down", response.status == 503, response)
    response = scene.visitor.post("/logout")
    expect("the page, reloaded", "/logout" in (response.location or ""), response)
    ended = scene.realm.counters()["sessions_ended"]
    if ended != 1:
        raise Wrong(f"the server has ended {ended} sessions")
    scene.expect_logged_out()


def backchannel_logout(scene: Scene) -> None:
    log_in_again(scene)
    scene.realm.order("end_sessions", {"realm": "third-party", "user": "anna"})
    counters = scene.realm.counters()
    if counters.get("logout_tokens_accepted") != 1 or counters.get("logout_tokens_refused"):
        raise Wrong(f"the logout token: {counters}")
    scene.expect_logged_out()


def refused_logout_token(scene: Scene) -> None:
    log_in_again(scene)
    bad = {"client": CLIENT_ID, "user": "anna", "signature": "other_key"}
    token = scene.realm.order("logout_token", bad)["logout_token"]
    response = Visitor(scene.visitor.port).post("/backchannel-logout", {"logout_token": token})
    expect("a bad logout token", response.status == 400, response)
    scene.expect_logged_in()


def unjudged_logout_token(scene: Scene) -> None:
    """It is signed with a new key, and the server's keys cannot be fetched."""
    log_in_again(scene)
    scene.realm.order("rotate_keys", {"realm": "third-party", "remove_old": True})
    gone = {"on": "certs", "kind": "answer", "status": 500, "times": ALWAYS}
    scene.realm.order("faults", gone)
    good = {"client": CLIENT_ID, "user": "anna"}
    token = scene.realm.order("logout_token", good)["logout_token"]
    response = Visitor(scene.visitor.port).post("/backchannel-logout", {"logout_token": token})
    expect("a logout token that cannot be judged", response.status == 503, response)
    scene.expect_logged_in()


def settings_of(realm: Realm, folder: str) -> dict[str, str]:
    return {
        "SIPGATE_CLIENT_ID": CLIENT_ID,
        "SIPGATE_CLIENT_SECRET": SECRET,
        "SIPGATE_ISSUER": f"{realm.ready['http']}/auth/realms/third-party",
        "SIPGATE_REDIRECT_URI": "https://example.com/auth",
        "SIPGATE_STORE": str(Path(folder, "logins.db")),
        "SIPGATE_API": realm.ready["http"],
    }


def outcome_of(framework: str, form_post: bool) -> Outcome:
    steps: list[Callable[[Scene], None]] = [two_tabs, lost_session, denied]
    if framework == SEALED:
        steps = [sealed_cookies]
    elif not form_post:
        steps += [api_call, server_down, our_mistake, logout, logout_while_the_server_is_down]
        steps += [backchannel_logout, unjudged_logout_token, refused_logout_token]
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        step = None
        try:
            with running(framework, form_post, settings_of(realm, folder)) as port:
                attributes = {
                    "backchannel.logout.url": f"http://127.0.0.1:{port}/backchannel-logout",
                    "post.logout.redirect.uris": "https://example.com/",
                }
                for step in steps:
                    realm.reset()
                    realm.order("settings", {"client": CLIENT_ID, "attributes": attributes})
                    email = {"on": "id_token", "claims": {"email": EMAIL}, "times": ALWAYS}
                    realm.order("faults", email)
                    step(Scene(realm, port))
        except CannotInstall as problem:
            return Skipped(str(problem))
        except BROKEN as problem:
            place = "start" if step is None else step.__name__
            return f"{place}: {problem!r}\n{log_of(framework, form_post)}"
    return None


def outcome_of_other(name: str) -> Outcome:
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        try:
            OTHERS[name](realm, settings_of(realm, folder))
        except CannotInstall as problem:
            return Skipped(str(problem))
        except (*BROKEN, subprocess.TimeoutExpired) as problem:
            return str(problem)
    return None


def outcome_on_own_machine(framework: str) -> Outcome:
    try:
        own_machine.problem_of(framework)
    except (*BROKEN, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return None


def page_problem() -> str | None:
    """The page shows the programs' code, and a program of its own."""
    return "\n".join(page.differences()) or None


def discovery_problem() -> str | None:
    """The page's Python code for any other server."""
    with running_realm(REALM_PROGRAM) as realm, tempfile.TemporaryDirectory() as folder:
        issuer = f"{realm.ready['http']}/auth/realms/third-party"
        text = page.code("Any other server")
        text = page.replaced(text, "https://login.example.com", issuer)
        given = f"CLIENT_ID, CLIENT_SECRET = {CLIENT_ID!r}, {SECRET!r}\n"
        check = "print(client.issuer, len(metadata))\n"
        program = subprocess.run(
            [sys.executable, "-c", given + text + check],
            cwd=folder,
            env={**os.environ, **environment()},
            capture_output=True,
            text=True,
        )
        kept = Path(folder, "metadata.json")
        if program.returncode or json.loads(kept.read_text())["issuer"] != issuer:
            return f"{program.stdout}{program.stderr}"
    return None


def language_of(framework: str) -> str | None:
    """Whose packages it needs."""
    return "Python" if framework == SEALED else page.LANGUAGES.get(framework.split()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frameworks", default=",".join([*FRAMEWORKS, SEALED, *OTHERS]))
    frameworks = parser.parse_args().frameworks.split(",")
    skipped: dict[str, Skipped] = {}
    installs = {"Python": PACKAGES.install_from_pypi, "Node": PACKAGES.install_beside_library}
    for language, install in installs.items():
        ours = [name for name in frameworks if language_of(name) == language]
        try:
            if ours:
                install()
        except CannotInstall as problem:
            skipped |= dict.fromkeys(ours, Skipped(str(problem)))
    jobs: list[tuple[str, Callable[[], Outcome]]] = [
        ("the page", page_problem),
        ("discovery", discovery_problem),
    ]
    for framework in frameworks:
        if framework in skipped:
            jobs.append((framework, functools.partial(skipped.get, framework)))
        elif framework in OTHERS:
            jobs.append((framework, functools.partial(outcome_of_other, framework)))
        else:
            jobs.append((framework, functools.partial(outcome_of, framework, False)))
        if framework in FRAMEWORKS and framework not in skipped:
            jobs.append((f"{framework}, form_post", functools.partial(outcome_of, framework, True)))
        if framework in own_machine.commands() and framework not in skipped:
            job = functools.partial(outcome_on_own_machine, framework)
            jobs.append((f"{framework}, own machine", job))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running_jobs = [(name, pool.submit(job)) for name, job in jobs]
        return report(((name, job.result()) for name, job in running_jobs), width=24)


if __name__ == "__main__":
    sys.exit(main())
