"""The local realm as a child process, which exits when its stdin closes."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STOP_SECONDS = 10


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
    process = subprocess.Popen(
        [str(binary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{binary} exited with status {process.wait()} before it was ready")
        said: dict[str, Any] = json.loads(line)
        yield LocalRealm(said["http"], said["https"], said["ca_pem"])
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
