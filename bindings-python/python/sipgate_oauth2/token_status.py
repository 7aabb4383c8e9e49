"""What is known of a login."""

from __future__ import annotations

import dataclasses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import SipgateOAuth2Error
    from .types import LoginState


@dataclasses.dataclass(frozen=True, slots=True)
class TokenStatus:
    """The state of a login. Holds no secret.

    Two are equal if all members are. An error equals only itself.
    """

    state: LoginState
    """`absent`, `active`, `rejected` (the user must log in again) or `logged_out`."""

    generation: int
    """The number of token sets of this account so far, across logins."""

    expires_at: int | None
    """When the access token expires, in seconds since 1970."""

    refresh_expires_at: int | None
    """When the refresh token expires, in seconds since 1970; a hint."""

    scope: str | None
    """The granted scope, separated by spaces."""

    last_error: SipgateOAuth2Error | None
    """Why the last refresh failed, or why the login ended: an exception that was not raised."""

    unsaved: bool
    """Whether new tokens are only in memory, because the store has not accepted them yet."""

    def __repr__(self) -> str:
        error = None if self.last_error is None else self.last_error.code
        return (
            f"TokenStatus(state={self.state!r}, generation={self.generation}, "
            f"expires_at={self.expires_at}, refresh_expires_at={self.refresh_expires_at}, "
            f"scope={self.scope!r}, last_error={error}, unsaved={self.unsaved})"
        )
