"""Logins at the local realm without this library: what benchmarks start from."""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request
from typing import Any

from driver.local_realm import LocalRealm

CLIENT_ID = "1000001-0-test:third-party"
CLIENT_SECRET = "test-secret-with-+-and-:"
REDIRECT_URI = "http://127.0.0.1/callback"


class RealmByHand:
    """By its address, so that no time is that of a name look-up."""

    def __init__(self, realm: LocalRealm) -> None:
        self.issuer = realm.https.replace("localhost", "127.0.0.1") + "/auth/realms/third-party"
        self._control = f"{realm.http}/_realm"
        trusted = ssl.create_default_context(cadata=realm.ca_pem)
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
        self._opener = urllib.request.build_opener(*handlers)

    def token_response(self) -> dict[str, Any]:
        """Of a login."""
        endpoint = f"{self.issuer}/protocol/openid-connect"
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "balance:read",
            "state": "a-state-of-this-login",
        }
        login = {
            "authorization_url": f"{endpoint}/auth?{urllib.parse.urlencode(asked)}",
            "username": "anna",
            "password": "anna-pw",
        }
        callback = self._post(f"{self._control}/login", json.dumps(login))["callback"]
        [code] = urllib.parse.parse_qs(urllib.parse.urlsplit(callback).query)["code"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        return self._post(f"{endpoint}/token", urllib.parse.urlencode(form))

    def handshakes(self) -> tuple[int, int]:
        """All, and those that resumed a session."""
        with self._opener.open(f"{self._control}/counters", timeout=30) as response:
            counters = json.load(response)
        return counters["tls_handshakes"], counters["tls_resumptions"]

    def _post(self, url: str, body: str) -> dict[str, Any]:
        kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
        request = urllib.request.Request(url, body.encode(), {"Content-Type": kind})
        with self._opener.open(request, timeout=30) as response:
            answered: dict[str, Any] = json.load(response)
            return answered
