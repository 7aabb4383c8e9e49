"""The peers, installed once into `.cache/openid`."""

from __future__ import annotations

from collections.abc import Mapping

from driver.installed import Packages

PACKAGES = Packages("openid")

FROM_PYPI: Mapping[str, str] = {
    "cryptography": "50.0.2",
    "google-auth": "2.63.0",
    "joserfc": "1.8.0",
    "PyJWT": "2.15.1",
}
FROM_NPM: Mapping[str, str] = {"jose": "6.2.18", "openid-client": "6.8.9"}


def install() -> None:
    PACKAGES.from_pypi(FROM_PYPI)
    PACKAGES.from_npm(FROM_NPM)
