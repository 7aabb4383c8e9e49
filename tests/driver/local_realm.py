"""The local realm as a child process: it ends when its stdin closes, so none outlives its starter."""

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
    """What the realm says about itself in its first line."""

    http: str
    https: str
    ca_pem: str

    @property
    def base(self) -> str:
        """What the library is configured with."""
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
            raise RuntimeError(f"{binary} ended with status {process.wait()} before it was ready")
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
