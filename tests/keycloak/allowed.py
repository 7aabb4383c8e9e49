"""Where the local realm may differ from a real Keycloak, each with its reason. Everything else is a failure."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A question by its name, `*` for all of them, and a field of its answer."""

    question: str
    field: str


_ADMINISTRATOR = "an administrator's withdrawal also ends the client's session; the local realm only has the user's own"

_CODE_FLOW_ONLY = "the local realm knows no flow but the code's, so no answer in a fragment either"

ALLOWED: dict[Place, str] = {
    Place("refresh after consent was withdrawn by an administrator", "error"): _ADMINISTRATOR,
    Place(
        "refresh after consent was withdrawn by an administrator", "error_description"
    ): _ADMINISTRATOR,
    Place("implicit response type", "then"): _CODE_FLOW_ONLY,
    Place("implicit response type", "order"): _CODE_FLOW_ONLY,
    Place("implicit response type", "error"): _CODE_FLOW_ONLY,
    Place("implicit response type", "error_description"): _CODE_FLOW_ONLY,
    Place("keys", "members"): "the local realm's keys come without certificates (x5c, x5t)",
}
