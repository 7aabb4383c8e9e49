"""The local realm's control API."""

from __future__ import annotations

from collections.abc import Mapping

from keycloak.control import CannotControl, RealmSettings
from keycloak.realms import SIPGATE_APPS
from keycloak.wire import send_json

DEFAULTS: RealmSettings = {
    "enabled": True,
    "access_token_lifespan": 300,
    "refresh_token_lifespan": 2592000,
    "code_lifespan": 60,
    "not_before": 0,
}


class LocalRealmControl:
    """Implements `Control` for the local realm."""

    def __init__(self, http: str) -> None:
        self._http = http

    def configure_realm(self, realm: str, settings: RealmSettings) -> None:
        self._set({"realm": realm, **settings})

    def restore_realm(self, realm: str) -> None:
        self._set({"realm": realm, **DEFAULTS, "rotation": realm == SIPGATE_APPS})

    def enable_user(self, realm: str, user: str, enabled: bool) -> None:
        self._set({"realm": realm, "user": user, "enabled": enabled})

    def enable_client(self, realm: str, client: str, enabled: bool) -> None:
        self._set({"realm": realm, "client": client, "enabled": enabled})

    def set_client_secret(self, realm: str, client: str, secret: str) -> None:
        self._set({"realm": realm, "client": client, "secret": secret})

    def set_client_attributes(self, realm: str, client: str, attributes: Mapping[str, str]) -> None:
        self._set({"realm": realm, "client": client, "attributes": attributes})

    def set_id_token_audience(self, realm: str, client: str, audience: str | None) -> None:
        audiences = [] if audience is None else [audience]
        self._set({"realm": realm, "client": client, "id_token_audiences": audiences})

    def rotate_keys(self, realm: str) -> None:
        self._post("rotate_keys", {"realm": realm})

    def remove_old_keys(self, realm: str) -> None:
        raise CannotControl("old keys stay here")

    def end_sessions(self, realm: str, user: str) -> None:
        self._post("end_sessions", {"realm": realm, "user": user})

    def allow_offline_access(self, realm: str, user: str, allowed: bool) -> None:
        self._set({"realm": realm, "user": user, "offline_access": allowed})

    def withdraw_consent(self, realm: str, user: str, client: str) -> None:
        self._post("withdraw_consent", {"realm": realm, "user": user, "client": client})

    def require_consent(self, realm: str, client: str, required: bool) -> None:
        """The client always requires consent here; requiring it again forgets past consent."""
        if required:
            self._set({"realm": realm, "client": client, "consent": False})

    def _set(self, settings: Mapping[str, object]) -> None:
        self._post("settings", settings)

    def _post(self, name: str, body: Mapping[str, object]) -> None:
        response = send_json("POST", f"{self._http}/_realm/{name}", body)
        if response.status >= 300:
            text = response.body[:200].decode("utf-8", "replace")
            raise CannotControl(f"_realm/{name} responded {response.status} {text} to {dict(body)}")
