"""The published Keycloak, fetched by Maven and kept unpacked in the checkout's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

VERSION = "26.7.3"
VERSIONS = (VERSION, "22.0.5")
OLDEST_JAVA = 17
FETCH_SECONDS = 600
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "keycloak"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


class KeycloakUnavailable(Exception):
    """Keycloak cannot be fetched or started here; the message says why in one line."""


def fetched_tree(version: str) -> Path:
    """The unpacked distribution.

    The first start rebuilds it, so it is kept for later starts. It is unpacked again if its first
    start did not succeed.
    """
    require_java()
    CACHE.mkdir(parents=True, exist_ok=True)
    tree = CACHE / version
    if _built_mark(tree).exists():
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    archive = CACHE / f"keycloak-quarkus-dist-{version}.zip"
    if not archive.exists():
        _fetch(archive, version)
    unpacking = CACHE / f"{version}.unpacking.{os.getpid()}"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unpacking)
    (unpacking / f"keycloak-{version}").rename(tree)
    unpacking.rmdir()
    for script in (tree / "bin").glob("*.sh"):
        script.chmod(0o755)
    return tree


def mark_as_built(tree: Path) -> None:
    mark = _built_mark(tree)
    mark.parent.mkdir(exist_ok=True)
    mark.touch()


def require_java() -> None:
    """Keycloak's start script looks for Java in the same two places."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    try:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        raise KeycloakUnavailable(f"Java {OLDEST_JAVA} or newer not found ({java})") from None
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        raise KeycloakUnavailable(
            f"Java {OLDEST_JAVA} or newer needed, found: {text.splitlines()[0]}"
        )


def _fetch(archive: Path, version: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KeycloakUnavailable(f"mvn (Maven) not found, needed to fetch Keycloak {version}")
    print(f"keycloak: fetching {version} (177 MB) with mvn", file=sys.stderr, flush=True)
    arriving = archive.parent / f"{version}.arriving.{os.getpid()}"
    artifact = f"org.keycloak:keycloak-quarkus-dist:{version}:zip"
    command = [maven, "-q", "-B", MAVEN_COPY, f"-Dartifact={artifact}"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={arriving}"],
            check=False,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        shutil.rmtree(arriving, ignore_errors=True)
        raise KeycloakUnavailable(
            f"mvn did not fetch Keycloak {version} within {FETCH_SECONDS} s"
        ) from None
    if done.returncode != 0:
        shutil.rmtree(arriving, ignore_errors=True)
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no message")
        raise KeycloakUnavailable(f"mvn could not fetch Keycloak {version}: {reason}")
    (arriving / archive.name).rename(archive)
    arriving.rmdir()


def _built_mark(tree: Path) -> Path:
    return tree / "data" / "built"
