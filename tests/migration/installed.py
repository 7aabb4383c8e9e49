"""The peers of Python and Node, installed once into `.cache/migration`."""

from __future__ import annotations

from driver.installed import Packages

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
