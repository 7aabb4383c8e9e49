"""Log users in at sipgate, or at any Keycloak or OAuth 2.0 server.

    store = Store.sqlite("logins.db")
    client = Client.sipgate(
        client_id, client_secret=client_secret, redirect_uri=redirect_uri, store=store
    )

    # The page that logs in: keep `request.export()` in the session, redirect to `request.url`.
    request = client.authorization_request("balance:read")

    # The page at the redirect URI.
    request = AuthorizationRequest.restore(kept_in_the_session)
    client.complete_login(request, query_string, account="user-42")

    # From then on, in any thread and process.
    headers = {"Authorization": client.token_source("user-42").authorization_header()}

Every error is a `SipgateOAuth2Error` with a `code` and a `remedy` that are the same in Rust,
Python, Node and C. `sipgate_oauth2.aio` has the same names with `await`.
"""

import os

from . import _native, at_exit
from ._native import VERSION
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .authorization_request import AuthorizationRequest
    from .cancel_token import CancelToken
    from .client import Client
    from .keep_alive_report import KeepAliveReport
    from .server_metadata import ServerMetadata
    from .store import Store, check_store
    from .stored_account import StoredAccount
    from .token_set import TokenSet
    from .token_source import TokenSource
    from .token_status import TokenStatus
else:
    # Imported when they are first used: each file takes a tenth of a millisecond, and
    # `dataclasses`, which `TokenStatus` needs, more than all of this package.
    _FILES = {
        "AuthorizationRequest": "authorization_request",
        "CancelToken": "cancel_token",
        "Client": "client",
        "KeepAliveReport": "keep_alive_report",
        "ServerMetadata": "server_metadata",
        "Store": "store",
        "StoredAccount": "stored_account",
        "TokenSet": "token_set",
        "TokenSource": "token_source",
        "TokenStatus": "token_status",
        "check_store": "store",
    }

    def __getattr__(name):
        if name not in _FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        file = __import__(f"{__name__}.{_FILES[name]}", fromlist=[name])
        found = globals()[name] = getattr(file, name)
        return found


__all__ = [
    "ERROR_CODES",
    "VERSION",
    "AuthorizationDeniedError",
    "AuthorizationRequest",
    "CancelToken",
    "Client",
    "ConfigurationError",
    "KeepAliveReport",
    "LoginRequiredError",
    "SecurityCheckError",
    "ServerMetadata",
    "SipgateOAuth2Error",
    "Store",
    "StoreError",
    "StoredAccount",
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
