"""Checks which secrets remain in a process's memory after it has released a login.

Each program logs in at a server in this runner, refreshes, frees everything, and waits. Its memory
is then read from outside and searched for the secrets that the server sent or received: in our
programs, only the library stores the whole text of a token. The secrets are long, and each piece of
one counts, because freed memory is partly overwritten.

Linux only: it reads /proc/PID/mem.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Only a test that fails searches this long.
ENOUGH = 5.0

# As long as sipgate's tokens.
TOKEN_BYTES = 500
PIECE = 32
STEP = 16


@dataclass
class Server(ThreadingHTTPServer):
    """A token endpoint whose tokens are known to the test."""

    given: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def tokens(self, form: dict[str, list[str]]) -> dict[str, object]:
        if "code_verifier" in form:
            self.given["code verifier"] = form["code_verifier"][0]
        number = 1 + sum(name.startswith("access token") for name in self.given)
        access, refresh = secrets.token_hex(TOKEN_BYTES), secrets.token_hex(TOKEN_BYTES)
        self.given |= {f"access token {number}": access, f"refresh token {number}": refresh}
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": 300,
            "refresh_expires_in": 1800,
            "scope": "balance:read",
        }


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        body = json.dumps(self.server.tokens(form)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def programs() -> dict[str, list[str]]:
    c = ROOT / "target" / "c" / "memory"
    library = ROOT / "target" / "debug"
    # With lazy binding, the dynamic linker spills vector registers, which may contain copied
    # secrets.
    link = [str(library / "libsipgate_oauth2.so"), f"-Wl,-rpath,{library}", "-Wl,-z,now"]
    compiler = os.environ.get("CC", "cc")
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror"]
    include = f"-I{ROOT / 'include'}"
    source = str(HERE / "program.c")
    subprocess.run([compiler, *flags, include, source, "-o", str(c), *link], check=True)
    return {
        "c": [str(c)],
        "python": [sys.executable, str(HERE / "program.py")],
        "node": ["node", "--expose-gc", str(HERE / "program.mjs")],
    }


# The library cannot wipe an interpreter's own strings: they stay until the interpreter reuses their
# memory. So these programs read only access tokens.
SHOWN: dict[str, tuple[str, ...]] = {
    "c": (),
    "python": ("access token",),
    "node": ("access token",),
}


Found = dict[str, dict[str, int]]


def found(command: list[str], store: str, shown: tuple[str, ...]) -> Found:
    """Where pieces of each secret are in the program's memory after it has freed everything.

    A caller gets its token shortly before the library's thread has freed its own copies, so the
    search is repeated until nothing is left, or for long enough.
    """
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "BASE": server.base,
            "STORE": str(Path(folder) / "logins.db") if store == "sqlite" else "",
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(ROOT / "target" / "python"),
        }
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            state = parse_qs(urlsplit(process.stdout.readline()).query)["state"][0]
            process.stdin.write(f"state={state}&code=a-code\n")
            process.stdin.flush()
            said = process.stdout.readline()
            assert said == "freed\n", f"printed {said!r}, not that everything is freed"
            assert "refresh token 2" in server.given, "nothing was refreshed"
            wanted = {n: text for n, text in server.given.items() if not n.startswith(shown)}
            deadline = time.monotonic() + ENOUGH
            while True:
                left = searched(wanted, process.pid)
                if not left or time.monotonic() > deadline:
                    return left
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()


def searched(secrets: dict[str, str], process: int) -> Found:
    memory = writable(process)
    marked = any(b"a marker of the program" in held for held in memory.values())
    assert marked, "the program's memory could not be read"
    where = {name: places(text, memory) for name, text in secrets.items()}
    return {name: counts for name, counts in where.items() if counts}


def writable(process: int) -> dict[str, bytes]:
    """The contents of each mapping, by its line in /proc/PID/maps."""
    place = Path("/proc") / str(process)
    held = {}
    with (place / "mem").open("rb", buffering=0) as memory:
        for line in (place / "maps").read_text().splitlines():
            bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if bounds is None:
                continue
            start, end = (int(bound, 16) for bound in bounds.groups())
            with contextlib.suppress(OSError):
                memory.seek(start)
                held[line] = memory.read(end - start)
    return held


def places(text: str, memory: dict[str, bytes]) -> dict[str, int]:
    """The number of pieces of the text in each mapping."""
    starts = range(0, max(1, len(text) - PIECE + 1), STEP)
    searched = [text[start : start + PIECE].encode() for start in starts]
    counts = {line: sum(map(held.count, searched)) for line, held in memory.items()}
    return {line: count for line, count in counts.items() if count}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default="c,python,node")
    languages = parser.parse_args().languages.split(",")
    if sys.platform != "linux":
        print("memory: SKIPPED, this is not Linux")
        return 0
    failed = False
    for language, command in programs().items():
        if language not in languages:
            continue
        for store in ("memory", "sqlite"):
            left = found(command, store, SHOWN[language])
            failed |= bool(left)
            print(f"{'FAILED' if left else 'ok    '} {language}, {store} store")
            for name, where in left.items():
                for line, count in where.items():
                    print(f"       {count} pieces of {name} in {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
