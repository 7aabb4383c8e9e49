"""What the first call of a process costs, above a process that does nothing:

    python3 benches/first_call.py rust,python,node,c

One makes an authorization URL. One also sends a request over TLS to a local realm, which refuses
it; the certificates of the system are trusted, as with most users. Whole processes take turns, and
each figure is the median of the differences. CPU time counts: on a busy machine, the elapsed time
is mostly that of others.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from driver.local_realm import running_local_realm
from driver.programs import environment

TURNS = 40
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")

PYTHON = """
from sipgate_oauth2 import Client, LoginRequiredError
client = Client.from_env()
assert client.authorization_request("balance:read").url.startswith("https://")
"""
PYTHON_TLS = """
try:
    client.refresh("unknown")
except LoginRequiredError:
    pass
else:
    raise SystemExit(1)
"""
# As it is packed.
NODE_PACKAGE = ROOT / "target" / "node" / "node_modules" / "sipgate-oauth2"
NODE = f"""
const {{ Client }} = require({str(NODE_PACKAGE)!r})
const client = Client.fromEnv()
if (!client.authorizationRequest('balance:read').url.startsWith('https://')) process.exit(1)
"""
NODE_TLS = """
client.refresh('unknown').then(
  () => process.exit(1),
  (error) => process.exit(error.code === 'SIPGATE_LOGIN_REQUIRED' ? 0 : 1),
)
"""


@dataclass(frozen=True)
class Language:
    bare: Sequence[str]
    url: Sequence[str]
    tls: Sequence[str]
    # Milliseconds of CPU for the first URL.
    goal: float


def compiled(program: str, goal: float) -> Language:
    path = str(ROOT / "target" / program)
    return Language(["true"], [path], [path, "tls"], goal)


def interpreted(*interpreter: str, url: str, tls: str, goal: float) -> Language:
    return Language([*interpreter, ""], [*interpreter, url], [*interpreter, url + tls], goal)


LANGUAGES: Mapping[str, Language] = {
    "rust": compiled("release/bench-first-call", 3),
    "python": interpreted(sys.executable, "-c", url=PYTHON, tls=PYTHON_TLS, goal=6),
    "node": interpreted("node", "-e", url=NODE, tls=NODE_TLS, goal=6),
    "c": compiled("c/first_call", 3),
}


@dataclass(frozen=True)
class Cost:
    """In milliseconds."""

    cpu: float
    elapsed: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.cpu - other.cpu, self.elapsed - other.elapsed)


def cost(command: Sequence[str], told: Mapping[str, str]) -> Cost:
    started = time.perf_counter()
    with subprocess.Popen(command, env=told) as process:
        _, status, used = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed with {process.returncode}")
    return Cost((used.ru_utime + used.ru_stime) * 1e3, elapsed * 1e3)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(each.cpu for each in costs),
        statistics.median(each.elapsed for each in costs),
    )


def measured(language: Language, told: Mapping[str, str]) -> tuple[Cost, Cost, Cost]:
    # The first time, Python compiles what an installed package already has.
    cost(language.tls, told)
    turns = [
        tuple(cost(command, told) for command in (language.bare, language.url, language.tls))
        for _ in range(TURNS)
    ]
    return (
        median([bare for bare, _, _ in turns]),
        median([url - bare for bare, url, _ in turns]),
        median([tls - url for _, url, tls in turns]),
    )


def main() -> int:
    names = sys.argv[1].split(",")
    missed = False
    with (
        running_local_realm(ROOT / "target" / "release" / "sipgate-oauth2-realm") as realm,
        tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted,
        tempfile.TemporaryDirectory() as compiled_python,
    ):
        system = SYSTEM.read_text() if SYSTEM.exists() else ""
        trusted.write(system + realm.ca_pem)
        trusted.flush()
        told = {
            **os.environ,
            **environment(),
            "SIPGATE_CLIENT_ID": "1000001-0-test:third-party",
            "SIPGATE_CLIENT_SECRET": "test-secret-with-+-and-:",
            "SIPGATE_REDIRECT_URI": "http://127.0.0.1/callback",
            "SIPGATE_ISSUER": f"{realm.https}/auth/realms/third-party",
            "SSL_CERT_FILE": trusted.name,
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": compiled_python,
        }
        for name in names:
            language = LANGUAGES[name]
            bare, url, tls = measured(language, told)
            reached = url.cpu <= language.goal
            missed |= not reached
            print(
                f"{name:<8} bare {bare.cpu:5.1f} ms CPU; first URL +{url.cpu:.1f} (elapsed +{url.elapsed:.1f});"
                f" first request over TLS +{tls.cpu:.1f} (elapsed +{tls.elapsed:.1f})"
                f"  goal: URL <= +{language.goal:g}  {'reached' if reached else 'MISSED'}"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
