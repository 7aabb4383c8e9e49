"""Importing the package has no side effects."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from conftest import PATIENCE, ROOT

import sipgate_oauth2


def run(body: str) -> str:
    head = f"import sys; sys.path.insert(0, {str(ROOT / 'target' / 'python')!r})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", head + body],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    return done.stdout.strip()


NEWLY_IMPORTED = """
import atexit, os
before = set(sys.modules)
{}
print(sorted(set(sys.modules) - before))
"""


def test_no_other_module_is_imported() -> None:
    """Except `os`, which Python usually imports itself, and `atexit`, a built-in module."""
    package = ["", "._native", ".at_exit", ".errors"]
    newly = run(NEWLY_IMPORTED.format("import sipgate_oauth2"))
    assert newly == str([f"sipgate_oauth2{name}" for name in package])


def test_a_program_that_logs_in_imports_only_what_it_uses() -> None:
    files = ["", "._native", ".at_exit", ".authorization_request", ".client", ".errors", ".store"]
    package = [f"sipgate_oauth2{name}" for name in [*files, ".token_set", ".token_source"]]
    newly = run(
        NEWLY_IMPORTED.format("from sipgate_oauth2 import AuthorizationRequest, Client, Store")
    )
    assert newly == str(["__future__", *package])


def test_no_thread_is_started_before_the_first_request() -> None:
    body = """
import os
def threads():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
before = threads()
import sipgate_oauth2, sipgate_oauth2.aio
client = sipgate_oauth2.Client.sipgate("1-0-a", redirect_uri="https://example.com/auth")
client.authorization_request("a")
print(threads() - before)
"""
    assert run(body) == "0"


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(sipgate_oauth2.__file__).parent / "py.typed").exists()


def test_the_version_is_available() -> None:
    assert sipgate_oauth2.__version__ == sipgate_oauth2.VERSION
    numbers = sipgate_oauth2.VERSION.split(".")
    assert len(numbers) == 3
    assert all(number.isdigit() for number in numbers)


def test_every_public_name_exists() -> None:
    for name in sipgate_oauth2.__all__:
        assert getattr(sipgate_oauth2, name) is not None
    with pytest.raises(AttributeError, match="'sipgate_oauth2' has no attribute 'nonsense'"):
        sipgate_oauth2.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_extension_module_is_the_one_that_cargo_built() -> None:
    """Not that of an installed wheel, which these tests are not about."""
    assert (
        Path(sipgate_oauth2._native.__file__).parent
        == ROOT / "target" / "python" / "sipgate_oauth2"
    )
    installed = {distribution.metadata["Name"] for distribution in metadata.distributions()}
    assert "sipgate-oauth2" not in installed
