"""The parts of Keycloak's admin REST API that the questions need."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any, cast
from urllib.parse import quote

from keycloak.control import RealmSettings
from keycloak.realms import (
    REALMS,
    SCOPES,
    client_representations,
    realm_representation,
    scope_representation,
)
from keycloak.wire import Response, send, send_form, send_json

AUDIENCE_MAPPER = "another audience"
KEY_PROVIDER = "org.keycloak.keys.KeyProvider"
RSA_KEYS = "rsa-generated"
# The priority of a realm's first keys; the active key has the highest.
FIRST_PRIORITY = 100
# An administrator's token is valid for 60 s.
TOKEN_REFRESH_SECONDS = 40

REALM_FIELDS = {
    "enabled": "enabled",
    "rotation": "revokeRefreshToken",
    "access_token_lifespan": "accessTokenLifespan",
    "refresh_token_lifespan": "clientSessionIdleTimeout",
    "code_lifespan": "accessCodeLifespan",
    "not_before": "notBefore",
}


class KeycloakAdmin:
    """Implements `Control` for a real Keycloak."""

    def __init__(self, base: str, user: str, password: str) -> None:
        self._base = base
        self._user = user
        self._password = password
        self._token = ""
        self._token_since = float("-inf")
        self._rotations = 0

    def create_realms(self) -> None:
        """Creates scopes separately: a realm file with scopes would replace the built-in ones."""
        for realm in REALMS:
            self._call("POST", "/admin/realms", realm_representation(realm))
            for name in SCOPES:
                made = self._call(
                    "POST",
                    f"/admin/realms/{realm}/client-scopes",
                    scope_representation(name, realm),
                )
                scope_id = (made.header("Location") or "").rsplit("/", 1)[-1]
                self._call(
                    "PUT", f"/admin/realms/{realm}/default-optional-client-scopes/{scope_id}"
                )
            for client in client_representations(realm):
                self._call("POST", f"/admin/realms/{realm}/clients", client)

    def set_realm(self, realm: str, fields: Mapping[str, object]) -> None:
        """Sets fields by Keycloak's own names; the others keep their values."""
        self._call("PUT", f"/admin/realms/{realm}", {"realm": realm, **fields})

    def configure_realm(self, realm: str, settings: RealmSettings) -> None:
        self.set_realm(realm, {REALM_FIELDS[name]: value for name, value in settings.items()})

    def restore_realm(self, realm: str) -> None:
        before = realm_representation(realm)
        fields = {name: before.get(name, 0) for name in REALM_FIELDS.values()}
        self.set_realm(realm, fields)

    def events(self, realm: str) -> list[dict[str, object]]:
        """The events of the types that the realm is set to record."""
        found = self._call("GET", f"/admin/realms/{realm}/events?max=100000").json()
        return cast(list[dict[str, object]], found)

    def enable_user(self, realm: str, user: str, enabled: bool) -> None:
        self._call("PUT", self._user_path(realm, user), {"enabled": enabled})

    def enable_client(self, realm: str, client: str, enabled: bool) -> None:
        self._change_client(realm, client, {"enabled": enabled})

    def set_client_secret(self, realm: str, client: str, secret: str) -> None:
        self._change_client(realm, client, {"secret": secret})

    def set_client_attributes(self, realm: str, client: str, attributes: Mapping[str, str]) -> None:
        self._change_client(realm, client, {"attributes": dict(attributes)})

    def set_id_token_audience(self, realm: str, client: str, audience: str | None) -> None:
        mappers = f"{self._client_path(realm, client)}/protocol-mappers/models"
        for mapper in cast(list[dict[str, str]], self._call("GET", mappers).json()):
            if mapper["name"] == AUDIENCE_MAPPER:
                self._call("DELETE", f"{mappers}/{mapper['id']}")
        if audience is not None:
            config = {
                "included.custom.audience": audience,
                "id.token.claim": "true",
                "access.token.claim": "false",
            }
            mapper_representation = {
                "name": AUDIENCE_MAPPER,
                "protocol": "openid-connect",
                "protocolMapper": "oidc-audience-mapper",
                "config": config,
            }
            self._call("POST", mappers, mapper_representation)

    def rotate_keys(self, realm: str) -> None:
        self._rotations += 1
        representation = cast(dict[str, str], self._call("GET", f"/admin/realms/{realm}").json())
        key = {
            "name": f"rotation {self._rotations}",
            "providerId": RSA_KEYS,
            "providerType": KEY_PROVIDER,
            "parentId": representation["id"],
            "config": {"priority": [str(FIRST_PRIORITY + self._rotations)]},
        }
        self._call("POST", f"/admin/realms/{realm}/components", key)

    def remove_old_keys(self, realm: str) -> None:
        components = f"/admin/realms/{realm}/components"
        found = self._call("GET", f"{components}?type={KEY_PROVIDER}").json()
        keys = [key for key in cast(list[dict[str, Any]], found) if key["providerId"] == RSA_KEYS]
        *old, _ = sorted(keys, key=lambda key: int(key["config"]["priority"][0]))
        for key in old:
            self._call("DELETE", f"{components}/{key['id']}")

    def end_sessions(self, realm: str, user: str) -> None:
        sessions = self._call("GET", f"{self._user_path(realm, user)}/sessions").json()
        for session in cast(list[dict[str, str]], sessions):
            self._call("DELETE", f"/admin/realms/{realm}/sessions/{session['id']}")

    def allow_offline_access(self, realm: str, user: str, allowed: bool) -> None:
        role = self._call("GET", f"/admin/realms/{realm}/roles/offline_access").json()
        path = f"{self._user_path(realm, user)}/role-mappings/realm"
        self._call("POST" if allowed else "DELETE", path, [role])

    def withdraw_consent(self, realm: str, user: str, client: str) -> None:
        path = f"{self._user_path(realm, user)}/consents/{quote(client, safe='')}"
        self._call("DELETE", path, accept=(404,))

    def require_consent(self, realm: str, client: str, required: bool) -> None:
        self._change_client(realm, client, {"consentRequired": required})

    def _user_path(self, realm: str, user: str) -> str:
        found = self._call("GET", f"/admin/realms/{realm}/users?exact=true&username={quote(user)}")
        return f"/admin/realms/{realm}/users/{_only_id(found)}"

    def _change_client(self, realm: str, client: str, fields: Mapping[str, object]) -> None:
        """Sends the whole client back, because Keycloak may drop fields that are not sent.

        Attributes are merged by Keycloak.
        """
        path = self._client_path(realm, client)
        before = cast(dict[str, object], self._call("GET", path).json())
        self._call("PUT", path, {**before, **fields})

    def _client_path(self, realm: str, client: str) -> str:
        query = f"clientId={quote(client, safe='')}"
        found = self._call("GET", f"/admin/realms/{realm}/clients?{query}")
        return f"/admin/realms/{realm}/clients/{_only_id(found)}"

    def _call(
        self, method: str, path: str, body: object = None, *, accept: Collection[int] = ()
    ) -> Response:
        headers = [("Authorization", f"Bearer {self._current_token()}")]
        if body is None:
            response = send(method, f"{self._base}{path}", headers=headers)
        else:
            response = send_json(method, f"{self._base}{path}", body, headers=headers)
        if response.status >= 300 and response.status not in accept:
            text = response.body[:200].decode("utf-8", "replace")
            raise RuntimeError(f"{method} {path}: status {response.status} {text}")
        return response

    def _current_token(self) -> str:
        now = time.monotonic()
        if now - self._token_since > TOKEN_REFRESH_SECONDS:
            response = send_form(
                f"{self._base}/realms/master/protocol/openid-connect/token",
                [
                    ("grant_type", "password"),
                    ("client_id", "admin-cli"),
                    ("username", self._user),
                    ("password", self._password),
                ],
            )
            self._token, self._token_since = response.member("access_token"), now
        return self._token


def _only_id(found: Response) -> str:
    entries = cast(list[dict[str, object]], found.json())
    if len(entries) != 1:
        raise LookupError(f"{len(entries)} entries where one was expected")
    return str(entries[0]["id"])
