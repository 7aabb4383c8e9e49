"""The frameworks, installed once into `.cache/signing_in`."""

from __future__ import annotations

from driver.installed import Packages

PACKAGES = Packages(
    "signing_in",
    pypi={
        "celery": "5.7.0",
        "Django": "5.2.19",
        "fastapi": "0.165.0",
        "Flask": "3.1.3",
        "httpx": "0.28.1",
        "itsdangerous": "2.2.0",
        "python-multipart": "0.0.34",
        "requests": "2.34.2",
        "uvicorn": "0.54.0",
    },
    npm={
        "@fastify/cookie": "11.1.5",
        "@fastify/formbody": "9.0.1",
        "@fastify/session": "11.1.3",
        "cookie-session": "2.1.1",
        "express": "5.3.0",
        "fastify": "5.12.8",
        "iron-session": "8.0.4",
        "next": "16.4.6",
        "react": "19.3.1",
        "react-dom": "19.3.1",
    },
)

BROWSER = Packages("signing_in_browser", npm={"puppeteer-core": "25.16.0"})
