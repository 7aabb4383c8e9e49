"""Log users in at sipgate, or at any Keycloak or OAuth 2.0 server.

    client = Client.sipgate(client_id, client_secret=client_secret, redirect_uri=redirect_uri)

    # The page that logs in: keep `pending.export()` in the person's session, redirect to `pending.url`.
    pending = client.authorization_request("balance:read")

    # The page at the redirect URI.
    pending = AuthorizationRequest.restore(kept_in_the_session)
    tokens = client.exchange_callback(pending, query_string)
    headers = {"Authorization": tokens.authorization_header()}

    # Before the access token runs out after five minutes.
    tokens = client.refresh(tokens)

Every error is a `SipgateOAuth2Error` with a `code` and a `remedy` that are the same in Rust, Python, Node and C.
`sipgate_oauth2.aio` has the same names with `await`.
"""

from ._native import VERSION, AuthorizationRequest, CancelToken, Client, TokenSet
from .errors import (
    ERROR_CODES,
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    SecurityCheckError,
    SipgateOAuth2Error,
    StoreError,
    TemporaryError,
)

__all__ = [
    "ERROR_CODES",
    "VERSION",
    "AuthorizationDeniedError",
    "AuthorizationRequest",
    "CancelToken",
    "Client",
    "ConfigurationError",
    "LoginRequiredError",
    "SecurityCheckError",
    "SipgateOAuth2Error",
    "StoreError",
    "TemporaryError",
    "TokenSet",
]

__version__ = VERSION
