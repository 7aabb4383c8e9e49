"""Files of Maven Central, fetched by Maven."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from driver.installed import CannotInstall

SECONDS = 600
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


def fetch(artifact: str, to: Path) -> None:
    """Fetches a file such as `group:name:version:zip` once. Maven compares its checksum."""
    if to.exists():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotInstall(f"mvn (Maven), to fetch {artifact}")
    print(f"fetching {artifact} with mvn", file=sys.stderr, flush=True)
    arriving = to.with_name(f"{to.name}.arriving.{os.getpid()}")
    arriving.mkdir(parents=True)
    command = [maven, "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={arriving}"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != 0:
            reason = next(
                (line for line in done.stdout.splitlines() if "ERROR" in line), "no message"
            )
            raise CannotInstall(f"{artifact}, which mvn could not fetch: {reason}")
        next(arriving.iterdir()).rename(to)
    except subprocess.TimeoutExpired:
        raise CannotInstall(f"{artifact}, which mvn did not fetch within {SECONDS} s") from None
    finally:
        shutil.rmtree(arriving)
