"""Log users in at sipgate, or at any Keycloak or OAuth 2.0 server.

    store = Store.sqlite("logins.db")
    client = Client.sipgate(
        client_id, client_secret=client_secret, redirect_uri=redirect_uri, store=store
    )

    # The page that logs in: keep `pending.export()` in the person's session, redirect to `pending.url`.
    pending = client.authorization_request("balance:read")

    # The page at the redirect URI.
    pending = AuthorizationRequest.restore(kept_in_the_session)
    client.complete_login(pending, query_string, account="user-42")

    # From then on, in any thread and process.
    headers = {"Authorization": client.token_source("user-42").authorization_header()}

Every error is a `SipgateOAuth2Error` with a `code` and a `remedy` that are the same in Rust, Python, Node and C.
`sipgate_oauth2.aio` has the same names with `await`.
"""

import os

from . import _native, at_exit
from ._native import (
    VERSION,
    AuthorizationRequest,
    CancelToken,
    Client,
    Store,
    TokenSet,
    TokenSource,
    TokenStatus,
    check_store,
)
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
    "Store",
    "StoreError",
    "TemporaryError",
    "TokenSet",
    "TokenSource",
    "TokenStatus",
    "check_store",
]

__version__ = VERSION

at_exit.register()

# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_native.before_fork,
        after_in_parent=_native.after_fork,
        after_in_child=_native.after_fork,
    )
