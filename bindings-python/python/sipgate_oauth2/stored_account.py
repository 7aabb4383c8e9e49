"""One account that the store has."""

from __future__ import annotations

import dataclasses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import SipgateOAuth2Error
    from .types import LoginState


@dataclasses.dataclass(frozen=True, slots=True)
class StoredAccount:
    """One account that the store has. Holds no secret.

    Two are equal if all members are. An error equals only itself.
    """

    account: str
    """The account, as the application named it. Empty if the entry cannot be read."""

    account_hash: str
    """What events and logs call the account, as `TokenSource.account_hash`."""

    state: LoginState
    """`active`, `rejected` (the user must log in again), `logged_out`, or `unreadable`: the entry
    is damaged, encrypted with a key that the store was not given, or of a newer version.
    """

    last_error: SipgateOAuth2Error | None
    """Why the last refresh failed, why the login ended, or why the entry cannot be read: an
    exception that was not raised.
    """

    def __repr__(self) -> str:
        error = None if self.last_error is None else self.last_error.code
        return (
            f"StoredAccount(account={self.account!r}, account_hash={self.account_hash!r}, "
            f"state={self.state!r}, last_error={error})"
        )
