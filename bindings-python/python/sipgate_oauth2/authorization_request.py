"""A login that has been started in a browser."""

from __future__ import annotations

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from typing_extensions import Self

    from ._native_types import EncryptionKeys


class AuthorizationRequest:
    """An authorization request: the URL to send the user to, and what the callback is checked
    against.

    Made by `Client.authorization_request`. It is valid for 30 minutes and can be used once. Keep
    the text that `export` returns in the user's own session, on the server or signed; in a cookie
    of its own, the text that `seal` returns. Do not look it up by `state` alone: it would not be
    tied to the browser, and anybody's callback would be accepted.
    """

    __slots__ = ("_handle",)
    _handle: _native.AuthorizationRequestHandle

    def __init__(self) -> None:
        raise TypeError("an AuthorizationRequest is made by a client, restore() or unseal()")

    @classmethod
    def _of(cls, handle: _native.AuthorizationRequestHandle) -> Self:
        request = cls.__new__(cls)
        request._handle = handle
        return request

    @classmethod
    def restore(cls, exported: str, /) -> Self:
        """The authorization request from the text that `export` returned, in any language of this
        library.
        """
        return cls._of(_native.AuthorizationRequestHandle.restore(exported))

    def export(self) -> str:
        """All of it as one text, in characters that are allowed in a cookie.

        The text is the same in all languages. It contains the code verifier.
        """
        return self._handle.export()

    @classmethod
    def unseal(cls, sealed: str, encryption_keys: EncryptionKeys, /) -> Self:
        """The authorization request from the text that `seal` returned, with any of these keys.

        A text that is not one, was cut or changed, or was sealed with another key raises a
        `LoginRequiredError`: the user logs in again.
        """
        return cls._of(_native.AuthorizationRequestHandle.unseal(sealed, encryption_keys))

    def seal(self, encryption_keys: EncryptionKeys, /) -> str:
        """All of it as one text for a cookie, encrypted (AES-256-GCM) with the first of the keys:
        its holder can neither read nor change it.

        A key is 32 random bytes, or these as base64 or hexadecimal text. The text is the same in
        all languages, and 37 or 38 characters longer than that of `export`. Browsers drop a cookie
        of more than 4096.
        """
        return self._handle.seal(encryption_keys)

    @property
    def url(self) -> str:
        """The URL to send the user's browser to."""
        return self._handle.url

    @property
    def state(self) -> str:
        """The `state` in the URL, which the callback must repeat (RFC 6749, section 10.12)."""
        return self._handle.state

    @property
    def nonce(self) -> str:
        """The `nonce` in the URL, which an ID token repeats (OpenID Connect Core, 3.1.2.1)."""
        return self._handle.nonce

    @property
    def redirect_uri(self) -> str:
        """The redirect URI, character for character as given."""
        return self._handle.redirect_uri

    @property
    def scope(self) -> str:
        """The requested scope, separated by spaces."""
        return self._handle.scope

    @property
    def return_to(self) -> str | None:
        """What the application asked to have kept."""
        return self._handle.return_to

    @property
    def created_at(self) -> int:
        """When it was made, in seconds since 1970."""
        return self._handle.created_at

    @property
    def expires_at(self) -> int:
        """From when on the callback is too late, in seconds since 1970."""
        return self._handle.expires_at

    def __repr__(self) -> str:
        return (
            f"AuthorizationRequest(scope={self.scope!r}, redirect_uri={self.redirect_uri!r}, "
            f"expires_at={self.expires_at}, …)"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an AuthorizationRequest can be used once and is not pickled or copied; "
            "keep the text that export() gives"
        )
