"""The published Keycloak, fetched by Maven and kept unpacked in the checkout's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from driver import maven
from driver.installed import CannotInstall

VERSION = "26.7.3"
VERSIONS = (VERSION, "22.0.5")
OLDEST_JAVA = 17
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "keycloak"


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
    try:
        maven.fetch(f"org.keycloak:keycloak-quarkus-dist:{version}:zip", archive)
    except CannotInstall as missing:
        raise KeycloakUnavailable(f"needs {missing}") from missing
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


def _built_mark(tree: Path) -> Path:
    return tree / "data" / "built"
