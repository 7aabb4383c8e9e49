"""The access token of one account."""

from __future__ import annotations

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any, NoReturn

    from typing_extensions import Unpack

    from .cancel_token import CancelToken
    from .httpx_auth import HttpxAuth
    from .requests_auth import RequestsAuth
    from .token_set import TokenSet
    from .token_status import TokenStatus
    from .types import CallOptions, LogoutOutcome


NOT_COPIED = (
    "a TokenSource is not pickled or copied; make another with Client.token_source(account)"
)


class TokenSource(_native.TokenSourceHandle):
    """The access token of one account: from memory, from the store, or refreshed.

    A refresh is made once for all threads and processes that ask. Made by `Client.complete_login`
    or `Client.token_source`. It is cheap to make for each request, and may be used from any number
    of threads and in forked children.

    Every call that waits takes the keyword arguments `timeout`, in seconds, 30 by default, and
    `cancel`, a `CancelToken`. Both end the wait of the caller only: a request that was sent goes
    on.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        # Inherited, so that no Python code runs in them: here for type checkers and editors.
        def access_token(
            self,
            *,
            timeout: float | None = None,
            min_validity: float | None = None,
            cancel: CancelToken | None = None,
        ) -> str:
            """An access token that an API accepts now, and for `min_validity` seconds more.

            It is the current token, from memory, for most of its lifetime. In the last part of its
            lifetime the current token is returned at once and refreshed in the background. A caller
            waits for a refresh only after the token has expired.
            """
            ...

        def authorization_header(
            self,
            *,
            timeout: float | None = None,
            min_validity: float | None = None,
            cancel: CancelToken | None = None,
        ) -> str:
            """The value of an `Authorization` header with the `access_token`: `Bearer …`.

            RFC 6750, section 2.1.
            """
            ...

        def peek(self) -> str | None:
            """The current token, if it can be returned without asking the store or the server.

            Never blocks.
            """
            ...

    def invalidate(self, access_token: str, /) -> None:
        """Tells the source that an API responded 401 to this access token. Sends nothing.

        The next call refreshes, if this is still the current token: twenty late 401s cause one
        refresh. A token that is itself the result of this, and less than 10 s old, is not refreshed
        again.
        """
        super().invalidate(access_token)

    def refresh(self, **call: Unpack[CallOptions]) -> str:
        """Refreshes the tokens now and returns the access token.

        Also if they are fresh, or if the server refused the login before.
        """
        return self._start_refresh(**call).wait()

    def save(self, tokens: TokenSet, **call: Unpack[CallOptions]) -> None:
        """Replaces the login of this account by tokens from elsewhere: from the single steps, or
        from another library.
        """
        self._start_save(tokens, **call).wait()

    def status(self, **call: Unpack[CallOptions]) -> TokenStatus:
        """The state of the login, from the store and without the network."""
        # Not imported before it is needed: it takes longer than all of this package.
        from .token_status import TokenStatus

        return TokenStatus(*self._start_status(**call).wait())

    def logout(self, **call: Unpack[CallOptions]) -> LogoutOutcome:
        """Ends the login: here at once, and then at the server.

        The server ends every login of this client in that browser's session. Returns `"revoked"` if
        the server was told, and `"local_only"` if not: the client has no revocation endpoint, or
        there was no refresh token to revoke, as after an earlier logout. After an error no token is
        handed out any more, but the server was not told; call `logout` again to finish it.
        """
        return self._start_logout(**call).wait()

    def forget(self, **call: Unpack[CallOptions]) -> LogoutOutcome:
        """Ends the login as `logout` does, and then removes what the store knows of the user: for
        a request to erase it, or an account that was deleted.

        Afterwards there is no login, and `Client.accounts` does not list the account. For an hour,
        an entry without a name stays in the store, so that no other process restores the login. If
        the server could not be told, the account is logged out; call `forget` again to finish it.
        """
        return self._start_forget(**call).wait()

    def claims(self, **call: Unpack[CallOptions]) -> dict[str, Any]:
        """What the ID token says about the user, from the store and without the network.

        It was verified at the login, and at each refresh that brought a new one. `sub` names the
        user, and never changes. An `email` can change, and can be another user's tomorrow. A login
        that has ended has none: `LoginRequiredError`.
        """
        return self._start_claims(**call).wait()

    def userinfo(self, **call: Unpack[CallOptions]) -> dict[str, Any]:
        """Claims about the user from the server's userinfo endpoint (OpenID Connect Core, section
        5.3).

        They are of the user of the ID token. If the server refuses the access token, it is
        refreshed once.
        """
        return self._start_userinfo(**call).wait()

    def ensure_saved(self) -> None:
        """Checks that no token would be lost if the process exited now.

        Raises an error while new tokens are only in memory, because the store failed.
        """
        super().ensure_saved()

    @property
    def account(self) -> str:
        """The account, as the application named it."""
        return super().account

    @property
    def account_hash(self) -> str:
        """The name of the account in events and logs: 16 hexadecimal digits, the same in all
        processes.
        """
        return super().account_hash

    def requests_auth(self, *, origins: Collection[str] | None = None) -> RequestsAuth:
        """An `auth=` for requests, which must be installed.

        Requests to `origins` get the token, and no other request does: a warning says so. By
        default `origins` are `["https://api.sipgate.com"]` for a client at sipgate; for any other
        client they must be given.

        If the API responds 401, the request is sent once more with a new token, provided that its
        body can be sent twice. If it responds 403, the request is sent once more if another process
        has stored another token since.
        """
        from .requests_auth import RequestsAuth

        return RequestsAuth(self, origins)

    def httpx_auth(self, *, origins: Collection[str] | None = None) -> HttpxAuth:
        """The same as `requests_auth` for httpx, for its `Client` and its `AsyncClient`."""
        from .httpx_auth import HttpxAuth

        return HttpxAuth(self, origins)

    def __repr__(self) -> str:
        return f"TokenSource(account={self.account!r}, …)"

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_COPIED)
