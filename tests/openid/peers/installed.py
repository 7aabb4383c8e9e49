"""The peers, installed once into `.cache/openid`."""

from __future__ import annotations

from driver.installed import Packages

PACKAGES = Packages(
    "openid",
    pypi={
        "cryptography": "50.0.2",
        "google-auth": "2.63.0",
        "joserfc": "1.8.0",
        "PyJWT": "2.15.1",
    },
    npm={"jose": "6.2.18", "openid-client": "6.8.9"},
)
