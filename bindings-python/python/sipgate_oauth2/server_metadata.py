"""What a server says of itself, and where it says so."""

from __future__ import annotations

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self, Unpack

    from .cancel_token import CancelToken
    from .types import DiscoveryOptions


class ServerMetadata(dict[str, "Any"]):
    """A server's metadata (RFC 8414; OpenID Connect Discovery): a `dict` with the names of the RFC,
    which can be kept as JSON.

    A client is made of it, or of any other `dict` with the same members.
    """

    __slots__ = ()

    @classmethod
    def discover(
        cls,
        issuer: str,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        **options: Unpack[DiscoveryOptions],
    ) -> Self:
        """Fetches the metadata of the server with this issuer: its own name, as it writes it.

        Keep the result: a client that is made of it needs no network for that. sipgate and Keycloak
        need no discovery at all.

        Asks `ISSUER/.well-known/openid-configuration`, and, if there is nothing, where RFC 8414 has
        it.
        """
        return cls(_native.start_discover(issuer, options, timeout=timeout, cancel=cancel).wait())
