"""What a question changes at the server before it asks: one protocol, so that each question is written once."""

from __future__ import annotations

from typing import Protocol, TypedDict


class RealmSettings(TypedDict, total=False):
    """Lifespans are seconds; `not_before` is a time in seconds since 1970, 0 takes it back."""

    enabled: bool
    rotation: bool
    access_token_lifespan: int
    refresh_token_lifespan: int
    code_lifespan: int
    not_before: int


class CannotControl(Exception):
    """This server offers no way to do that; the question is shown as not asked."""


class Control(Protocol):
    def configure_realm(self, realm: str, settings: RealmSettings) -> None: ...

    def restore_realm(self, realm: str) -> None:
        """Takes every setting of `configure_realm` back."""

    def enable_user(self, realm: str, user: str, enabled: bool) -> None: ...

    def enable_client(self, realm: str, client: str, enabled: bool) -> None: ...

    def set_client_secret(self, realm: str, client: str, secret: str) -> None:
        raise CannotControl("clients keep their secrets here")

    def end_sessions(self, realm: str, user: str) -> None:
        """As an administrator does who throws a user out."""

    def allow_offline_access(self, realm: str, user: str, allowed: bool) -> None: ...

    def withdraw_consent(self, realm: str, user: str, client: str) -> None:
        """As an administrator does; also where the user never consented."""

    def require_consent(self, realm: str, client: str, required: bool) -> None:
        """What users were not asked for while it was not required is missing once it is."""
