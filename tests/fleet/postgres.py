"""PostgreSQL, a standby of one, and pgbouncer in front of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from driver.installed import Missing
from fleet.certificate import Certificate
from fleet.installed import NOBODY, program, psql, unprivileged
from fleet.server import Server, ServerBroken, handed_over

ADMIN = "fleet"
ADMIN_PASSWORD = "fleet-pw"
APP = "app"
PASSWORD = "app-pw"
DATABASE = "app"
# What the library creates.
TABLE = "sipgate_oauth2_logins"
# With the grants of a user who may not create tables.
GUEST = "guest"
CONNECTIONS = 100


class Postgres(Server):
    """`options` are lines of postgresql.conf."""

    # Does not wait for clients to leave.
    ending = signal.SIGINT

    def __init__(
        self,
        name: str,
        programs: Path,
        folder: Path,
        *options: str,
        certificate: Certificate | None = None,
    ) -> None:
        """With a certificate, other machines can connect to it."""
        super().__init__(name, folder)
        self._programs = programs
        self._data = folder / "data"
        self._options = options
        self._certificate = certificate

    @property
    def url(self) -> str:
        return self.url_of(APP)

    @property
    def tls_port(self) -> int:
        return self.port

    def url_at(self, address: str, port: int) -> str:
        """From another machine, with TLS."""
        return f"postgres://{APP}:{PASSWORD}@{address}:{port}/{DATABASE}"

    def url_of(self, user: str, password: str = PASSWORD, port: int | None = None) -> str:
        where = f"127.0.0.1:{port or self.port}"
        return f"postgres://{user}:{password}@{where}/{DATABASE}?sslmode=disable"

    def command(self) -> Sequence[str]:
        return [str(self._programs / "postgres"), "-D", str(self._data)]

    def start(self) -> None:
        is_new = not self._data.exists()
        if is_new:
            self._make()
        # A killed server leaves them, and refuses to start while another process has its number.
        for left in (self._data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)
        super().start()
        if is_new:
            self._make_users()

    def is_ready(self) -> bool:
        return self._psql("SELECT 1", "postgres").returncode == 0

    def sql(self, script: str, database: str = DATABASE) -> str:
        """Runs it as the administrator; returns the values, a line for each row."""
        done = self._psql(script, database)
        if done.returncode != 0:
            raise ServerBroken(f"{self.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def disconnect_all(self) -> None:
        """Ends the connections of the application."""
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{APP}'")

    def standby(self, folder: Path) -> Standby:
        """A standby that copies this server; it does not run yet."""
        return Standby(f"{self.name}'s standby", self._programs, folder, self)

    @contextlib.contextmanager
    def small_disk(self) -> Iterator[Path]:
        """An empty folder that has room for one megabyte."""
        if os.geteuid() != 0:
            raise Missing("a small disk needs root")
        folder = handed_over(self.folder / "small")
        mount = ["mount", "-t", "tmpfs", "-o", f"size=1m,uid={NOBODY},mode=700", "none"]
        subprocess.run([*mount, str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    def run(self, name: str, *arguments: str, password_file: Path | None = None) -> None:
        """Runs one of its programs as the user of the server."""
        command = [*unprivileged(), str(self._programs / name), *arguments]
        environment = {**os.environ, "PGPASSWORD": ADMIN_PASSWORD}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=environment, check=False
        )
        if done.returncode != 0:
            raise ServerBroken(f"{name}: {done.stderr.strip()}")

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(ADMIN_PASSWORD)
        secret.chmod(0o644)
        self.run(
            "initdb", "-D", str(self._data), "-U", ADMIN, "--auth=scram-sha-256",
            f"--pwfile={secret}", "-E", "UTF8", "--no-locale", "--no-sync",
        )  # fmt: skip
        options = [f"max_connections = {CONNECTIONS}", *self._options]
        if self._certificate is not None:
            options += [
                "ssl = on",
                f"ssl_cert_file = '{self._certificate.chain}'",
                f"ssl_key_file = '{self._certificate.key}'",
            ]
            with (self._data / "pg_hba.conf").open("a") as file:
                file.write("hostssl all all all scram-sha-256\n")
        self._configure(*options)

    def _configure(self, *options: str) -> None:
        lines = [
            f"port = {self.port}",
            "listen_addresses = '*'" if self._certificate else "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self.folder}'",
            *options,
        ]
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("\n".join([*lines, ""]))

    def _make_users(self) -> None:
        for user in (APP, GUEST):
            self.sql(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'", "postgres")
        self.sql(f"CREATE DATABASE {DATABASE} OWNER {APP}", "postgres")

    def _psql(self, script: str, database: str) -> subprocess.CompletedProcess[str]:
        command = [
            str(psql()), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
            "-p", str(self.port), "-U", ADMIN, "-d", database, "-c", script,
        ]  # fmt: skip
        environment = {**os.environ, "PGPASSWORD": ADMIN_PASSWORD, "PGCONNECT_TIMEOUT": "5"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


class Standby(Postgres):
    """Copies the primary until it is promoted."""

    def __init__(self, name: str, programs: Path, folder: Path, primary: Postgres) -> None:
        super().__init__(name, programs, folder)
        self._primary = primary

    def promote(self) -> None:
        """Returns once it accepts writes."""
        self.sql("SELECT pg_promote()", "postgres")

    def _make(self) -> None:
        self.run(
            "pg_basebackup", "-D", str(self._data), "-R", "-c", "fast", "--no-sync",
            "-h", "127.0.0.1", "-p", str(self._primary.port), "-U", ADMIN,
        )  # fmt: skip
        self._configure()

    def _make_users(self) -> None:
        """It has those of its primary."""


class Pgbouncer(Server):
    """In front of a server, in transaction mode: statements of one client use any connection."""

    def __init__(self, name: str, folder: Path, behind: Postgres) -> None:
        super().__init__(name, folder)
        self._program = program("pgbouncer", "pgbouncer")
        self.behind = behind
        self._configuration = folder / "pgbouncer.ini"
        users = folder / "users"
        users.write_text(f'"{APP}" "{PASSWORD}"\n')
        self._configuration.write_text(
            f"""[databases]
{DATABASE} = host=127.0.0.1 port={behind.port} dbname={DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {users}
default_pool_size = 8
"""
        )
        if os.geteuid() == 0:
            for path in (users, self._configuration):
                shutil.chown(path, NOBODY, NOBODY)

    @property
    def url(self) -> str:
        return self.behind.url_of(APP, port=self.port)

    def command(self) -> Sequence[str]:
        return [str(self._program), str(self._configuration)]

    def is_ready(self) -> bool:
        command = [str(psql()), "-X", "-d", self.url, "-c", "SELECT 1"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
