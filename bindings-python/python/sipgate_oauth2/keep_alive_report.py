"""What `Client.keep_alive` has done."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class KeepAliveReport:
    """What `Client.keep_alive` has done."""

    seen: int
    """How many logins of this client it looked at."""

    renewed: int
    """How many of them it refreshed."""

    failed: int
    """How many it could not refresh now, and how many entries it could not read."""

    login_required: list[str]
    """The accounts whose logins the server does not accept any more, now or since an earlier
    refresh.
    """
