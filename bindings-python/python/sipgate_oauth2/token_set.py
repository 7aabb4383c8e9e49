"""The tokens of one login."""

from __future__ import annotations

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from typing_extensions import Self


class TokenSet:
    """The tokens of one login, and what the server said about them. It never changes: a refresh
    returns a new one.
    """

    __slots__ = ("_handle",)
    _handle: _native.TokenSetHandle

    def __init__(self) -> None:
        raise TypeError("a TokenSet is made by a client, or by restore()")

    @classmethod
    def _of(cls, handle: _native.TokenSetHandle) -> Self:
        tokens = cls.__new__(cls)
        tokens._handle = handle
        return tokens

    @classmethod
    def restore(cls, tokens: str | Mapping[str, Any], /) -> Self:
        """The tokens in a JSON object with the RFC's names, given as text or as a mapping.

        `export` returns such an object; Authlib, requests-oauthlib, simple-oauth2 and openid-client
        save one. With `expires_in` alone the age is unknown, and the access token counts as
        expired.
        """
        return cls._of(_native.TokenSetHandle.restore(tokens))

    def export(self) -> str:
        """All of it as JSON text, the same in all languages. It contains the tokens."""
        return self._handle.export()

    def authorization_header(self) -> str:
        """The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1)."""
        return self._handle.authorization_header()

    @property
    def access_token(self) -> str:
        """The access token."""
        return self._handle.access_token

    @property
    def token_type(self) -> str:
        """The token's type as the server wrote it, or `Bearer`."""
        return self._handle.token_type

    @property
    def refresh_token(self) -> str | None:
        """The refresh token. If the response to a refresh has none, the one that was used."""
        return self._handle.refresh_token

    @property
    def id_token(self) -> str | None:
        """The ID token as the server sent it."""
        return self._handle.id_token

    @property
    def id_token_verified(self) -> bool:
        """Whether the ID token was verified: its signature and its claims.

        It is if the scope has `openid` and the tokens are from an exchange or a refresh of this
        library.
        """
        return self._handle.id_token_verified

    @property
    def claims(self) -> dict[str, Any] | None:
        """What the ID token says about the user, if it was verified: a new `dict` each time."""
        return self._handle.claims

    @property
    def id_token_kept(self) -> bool:
        """Whether the ID token is from an earlier response, because the last refresh had none."""
        return self._handle.id_token_kept

    @property
    def scope(self) -> str | None:
        """The granted scope, separated by spaces. If the server did not say, the requested one."""
        return self._handle.scope

    @property
    def expires_at(self) -> int | None:
        """When the access token expires, in seconds since 1970.

        `None` if the server did not say and there is no refresh token.
        """
        return self._handle.expires_at

    @property
    def refresh_expires_at(self) -> int | None:
        """When the refresh token expires, in seconds since 1970; a hint.

        `None` if the server did not say, or said 0, which means unknown.
        """
        return self._handle.refresh_expires_at

    @property
    def extra(self) -> dict[str, Any]:
        """Members of the response that have no meaning here, such as `session_state`: a new `dict`
        each time.
        """
        return self._handle.extra

    def __eq__(self, other: object) -> bool:
        return self._handle == other._handle if isinstance(other, TokenSet) else NotImplemented

    def __repr__(self) -> str:
        return (
            f"TokenSet(access_token=[redacted], refresh_token={_redacted(self.refresh_token)}, "
            f"id_token={_redacted(self.id_token)}, scope={self.scope!r}, "
            f"expires_at={self.expires_at}, refresh_expires_at={self.refresh_expires_at}, …)"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a TokenSet holds secrets and is not pickled or copied; "
            "keep the text that export() gives"
        )


def _redacted(token: str | None) -> str:
    return "None" if token is None else "[redacted]"
