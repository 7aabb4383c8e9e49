"""The local realm as a child process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from driver.child_server import running_server


@dataclass(frozen=True)
class LocalRealm:
    """The realm's addresses, from its first line of output."""

    http: str
    https: str
    ca_pem: str

    @property
    def base(self) -> str:
        """The base URL for the library."""
        return f"{self.http}/auth"

    @property
    def api_url(self) -> str:
        return f"{self.http}/v2/balance"


@contextlib.contextmanager
def running_local_realm(binary: Path) -> Iterator[LocalRealm]:
    with running_server([str(binary)]) as server:
        said = server.said
        yield LocalRealm(said["http"], said["https"], said["ca_pem"])
