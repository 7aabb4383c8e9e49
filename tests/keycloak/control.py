"""What a question can change at a server: one protocol, so that each question is written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypedDict


class RealmSettings(TypedDict, total=False):
    """Lifespans are in seconds; `not_before` is in seconds since 1970, and 0 clears it."""

    enabled: bool
    rotation: bool
    access_token_lifespan: int
    refresh_token_lifespan: int
    code_lifespan: int
    not_before: int


class CannotControl(Exception):
    """This server cannot do that; the question is shown as not asked."""


class Control(Protocol):
    def configure_realm(self, realm: str, settings: RealmSettings) -> None: ...

    def restore_realm(self, realm: str) -> None:
        """Reverts every setting of `configure_realm`."""

    def enable_user(self, realm: str, user: str, enabled: bool) -> None: ...

    def enable_client(self, realm: str, client: str, enabled: bool) -> None: ...

    def set_client_secret(self, realm: str, client: str, secret: str) -> None:
        raise CannotControl("clients keep their secrets here")

    def set_client_attributes(self, realm: str, client: str, attributes: Mapping[str, str]) -> None:
        """By Keycloak's names; an empty text unsets one."""
        raise CannotControl("clients have no attributes here")

    def set_id_token_audience(self, realm: str, client: str, audience: str | None) -> None:
        """What an audience mapper adds to the client's ID tokens, or nothing."""
        raise CannotControl("ID tokens have one audience here")

    def rotate_keys(self, realm: str) -> None:
        """A new active key; the old one stays as a passive one."""
        raise CannotControl("keys stay here")

    def remove_old_keys(self, realm: str) -> None:
        """Only the newest key of each rotation stays."""
        raise CannotControl("keys stay here")

    def end_sessions(self, realm: str, user: str) -> None:
        """What an administrator does to sign a user out."""

    def allow_offline_access(self, realm: str, user: str, allowed: bool) -> None: ...

    def withdraw_consent(self, realm: str, user: str, client: str) -> None:
        """What an administrator does; also works if the user never consented."""

    def require_consent(self, realm: str, client: str, required: bool) -> None:
        """Consent that was not requested while it was not required is missing once it is."""
