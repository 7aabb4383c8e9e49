"""A local login server for the tests of an application that logs in with OAuth 2.0 or OpenID
Connect. It responds as sipgate's does, and fails on demand.

With pytest, the fixtures `sipgate_realm`, `sipgate_client` and `logged_in_source` are there once
this package is installed. With anything else:

    with Realm() as realm:
        request = client.authorization_request("openid")
        client.complete_login(request, realm.login(request.url))
"""

from .realm import Realm, RealmError

__all__ = ["Realm", "RealmError"]
