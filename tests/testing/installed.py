"""What docs/testing.md is run with, installed once into `.cache/testing`."""

from __future__ import annotations

from driver.installed import Packages

PACKAGES = Packages(
    "testing",
    pypi={"pytest": "8.4.2", "pytest-xdist": "3.8.0", "Flask": "3.1.3", "requests": "2.34.2"},
    npm={"jest": "30.5.2", "vitest": "4.1.12"},
)
