"""Next.js: a route that uses the library, built as `standalone`, moved, and asked."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .building import URL, Setting, Wrong, application, built, environment
from .installed import NEXT
from .page import Recipe, recipes

START_SECONDS = 60

ROUTE = """\
import { Client } from 'sipgate-oauth2'

export const dynamic = 'force-dynamic'

export function GET() {
  const client = Client.sipgate({
    clientId: 'id',
    clientSecret: 'secret',
    redirectUri: 'https://example.com/auth',
  })
  return Response.redirect(client.authorizationRequest('balance:read').url)
}
"""
LAYOUT = """\
export default function Layout({ children }) {
  return <html><body>{children}</body></html>
}
"""
# Next.js is installed above the project, and takes the project for the root.
ROOT = json.dumps(str(NEXT.folder))
CONFIGURATION = f"""
import page from './page.config.mjs'

export default {{ ...page, turbopack: {{ root: {ROOT} }}, outputFileTracingRoot: {ROOT} }}
"""
APPLICATION = {
    "app/login/route.js": ROUTE,
    "app/layout.js": LAYOUT,
    "package.json": '{ "type": "module" }\n',
    "next.config.mjs": CONFIGURATION,
}
SETTING = Setting("serverExternalPackages: ['sipgate-oauth2'],", "page.config.mjs", APPLICATION)


def recipe() -> Recipe:
    """The page's configuration goes into a file of its own, because the roots are added to it."""
    [found] = recipes("Next.js")
    return Recipe(found.command, {"page.config.mjs": found.files["next.config.mjs"]})


def run_standalone(project: Path) -> None:
    folder, programs = application(project), NEXT.modules / ".bin"
    with built(recipe(), APPLICATION, folder, programs, [".next/standalone"]) as moved:
        serve(moved / "standalone" / folder.relative_to(NEXT.folder) / "server.js")


def serve(server: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = {"HOSTNAME": "127.0.0.1", "PORT": str(port)}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            ["node", server], env={**environment(), **address}, stdout=log, stderr=log
        )
        try:
            location = ask(port)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        if not location.startswith(URL):
            raise Wrong(f"the server sends the user to {location!r}: {log.read()[-2000:]}")


def ask(port: int) -> str:
    """The address to which the login page redirects, once the server responds."""
    end = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/login")
            return connection.getresponse().getheader("location", "")
        except OSError:
            if time.monotonic() > end:
                return "nowhere, it does not respond"
            time.sleep(0.1)
        finally:
            connection.close()
