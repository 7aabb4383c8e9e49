"""A certificate authority of its own, and a certificate for the server's addresses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.installed import NOBODY
from fleet.server import handed_over

DAYS = "2"


@dataclass(frozen=True)
class Certificate:
    """PEM files: the server's chain and key, and the authority that clients trust."""

    chain: Path
    key: Path
    authority: Path


def certificate(folder: Path, addresses: Sequence[str]) -> Certificate:
    """Made by openssl."""
    handed_over(folder)
    made = Certificate(folder / "chain.pem", folder / "key.pem", folder / "authority.pem")
    authority_key, request = folder / "authority-key.pem", folder / "request.pem"
    names = folder / "names"
    names.write_text("subjectAltName=" + ",".join(f"IP:{address}" for address in addresses))
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        "req", "-x509", *new_key, "-keyout", str(authority_key), "-out", str(made.authority),
        "-days", DAYS, "-subj", "/CN=fleet",
    )  # fmt: skip
    _openssl(
        "req", *new_key, "-keyout", str(made.key), "-out", str(request), "-subj", "/CN=database"
    )
    _openssl(
        "x509", "-req", "-in", str(request), "-CA", str(made.authority), "-CAkey",
        str(authority_key), "-CAcreateserial", "-out", str(made.chain), "-days", DAYS,
        "-extfile", str(names),
    )  # fmt: skip
    if os.geteuid() == 0:
        os.chown(made.key, NOBODY, NOBODY)
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], capture_output=True, check=True)
