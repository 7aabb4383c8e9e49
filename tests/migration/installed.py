"""The peers of Python and Node, installed once into `.cache/migration`."""

from __future__ import annotations

import shutil

from driver.installed import Packages
from driver.programs import ROOT

PACKAGES = Packages(
    "migration",
    pypi={
        "Authlib": "1.9.10",
        "msal": "1.39.0",
        "requests": "2.34.2",
        "requests-oauthlib": "2.0.0",
    },
    npm={
        "cookie-session": "2.1.1",
        "express": "5.3.0",
        "express-session": "1.18.2",
        "openid-client": "6.9.0",
        "passport": "0.7.0",
        "passport-oauth2": "1.8.0",
        "simple-oauth2": "5.1.0",
    },
)


def install_from_npm() -> None:
    PACKAGES.install_from_npm()
    # As `make build` has left it: the package, and the one with the native library.
    for name in ("sipgate-oauth2", "@sipgate-oauth2"):
        library = PACKAGES.modules / name
        shutil.rmtree(library, ignore_errors=True)
        shutil.copytree(ROOT / "target" / "node" / "node_modules" / name, library)
