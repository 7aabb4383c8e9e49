"""Keycloak's own record of its token endpoint: one event per request."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from chaos.contention import Seen
from keycloak.admin import KeycloakAdmin

GRANTED = ("CODE_TO_TOKEN", "REFRESH_TOKEN")
REFUSED = ("CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN_ERROR")


@contextlib.contextmanager
def counting_events(admin: KeycloakAdmin, realm: str) -> Iterator[Callable[[], Seen]]:
    """Turns on events, which a realm does not record by default."""
    admin.set_realm(realm, {"eventsEnabled": True, "enabledEventTypes": [*GRANTED, *REFUSED]})

    def seen() -> Seen:
        events = admin.events(realm)
        return Seen(len(events), sum(event["type"] in REFUSED for event in events))

    try:
        yield seen
    finally:
        admin.set_realm(realm, {"eventsEnabled": False})
