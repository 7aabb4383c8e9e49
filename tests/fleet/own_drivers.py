"""The stores of `examples/stores`, which keep a driver that users have, checked on real servers."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from driver.installed import Missing, Packages
from driver.programs import DEBUG, ROOT, environment
from fleet.cluster import Cluster
from fleet.installed import debian_package
from fleet.redis import Redis
from fleet.server import Server

HERE = Path(__file__).resolve().parent / "recipes"
PACKAGES = Packages(
    "own_drivers",
    pypi={
        "asyncpg": "0.32.0",
        "django": "5.2.19",
        "psycopg[binary]": "3.3.9",
        "redis": "8.1.0",
        "sqlalchemy": "2.1.9",
    },
    npm={"ioredis": "6.0.0", "pg": "8.23.1"},
)
OF_POSTGRES = ("psycopg", "asyncpg", "sqlalchemy", "django")
CHECK_SECONDS = 120


def own_drivers(servers: Mapping[str, Server]) -> Iterator[str]:
    """Each recipe must keep the promises of a store."""
    PACKAGES.install()
    try:
        libpq = _with_libpq()
    except Missing as reason:
        print(f"own driver libpq: MISSING, {reason}", flush=True)
        libpq = None
    for name, server in servers.items():
        if isinstance(server, Cluster):
            # The recipes are for a server.
            continue
        failed = []
        for driver, command in _commands(server, libpq):
            done = subprocess.run(
                command,
                env=os.environ | environment(),
                capture_output=True,
                text=True,
                timeout=CHECK_SECONDS,
                check=False,
            )
            if done.returncode != 0:
                failed.append(driver)
                yield f"{driver} on {name}: {(done.stdout + done.stderr)[-2000:]}"
        print(f"own drivers on {name}: {', '.join(failed) or 'none'} failed", flush=True)


def _commands(server: Server, libpq: Path | None) -> Iterator[tuple[str, Sequence[str]]]:
    in_python = [str(PACKAGES.python), str(HERE / "check_recipe.py")]
    in_node = ["node", str(HERE / "check_recipe.mjs")]
    if isinstance(server, Redis):
        yield "redis-py", [*in_python, "redis", server.administrator_url]
        yield "ioredis", [*in_node, "ioredis", server.administrator_url, str(PACKAGES.folder)]
        return
    # The scheme that all drivers know.
    url = server.url.replace("postgres:", "postgresql:", 1)
    for driver in OF_POSTGRES:
        yield driver, [*in_python, driver, url]
    yield "pg", [*in_node, "pg", url, str(PACKAGES.folder)]
    if libpq is not None:
        yield "libpq", [str(libpq), url]


def _with_libpq() -> Path:
    """The program that checks the store in C."""
    debian_package("libpq-dev", "/usr/include/postgresql/libpq-fe.h")
    program = ROOT / "target" / "c" / "check_libpq"
    program.parent.mkdir(parents=True, exist_ok=True)
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpq"], check=True, text=True, capture_output=True
    ).stdout
    compiler = [os.environ.get("CC", "cc"), "-std=c99", "-g", "-Wall", "-Wextra", "-Werror"]
    library = [str(DEBUG / "libsipgate_oauth2.so"), f"-Wl,-rpath,{DEBUG}"]
    source = [f"-I{ROOT / 'include'}", str(HERE / "check_libpq.c"), "-o", str(program)]
    subprocess.run([*compiler, *source, *library, *shlex.split(flags)], check=True)
    return program
