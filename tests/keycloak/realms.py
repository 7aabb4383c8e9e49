"""The two realms as at sipgate, with their users and clients; the local realm has the same."""

from __future__ import annotations

from dataclasses import dataclass, field

THIRD_PARTY = "third-party"
SIPGATE_APPS = "sipgate-apps"
REALMS = (THIRD_PARTY, SIPGATE_APPS)

SCOPES = (
    "all",
    "account:read",
    "balance:read",
    "contacts:read",
    "contacts:write",
    "history:read",
    "sessions:sms:write",
)
BALANCE_SCOPE = "balance:read"
# What Keycloak gives to a new client.
ATTRIBUTES = {"backchannel.logout.session.required": "true"}
REDIRECT_URIS = ("http://127.0.0.1/*", "http://localhost/*", "https://example.com/*")


@dataclass(frozen=True)
class User:
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Client:
    id: str
    secret: str | None = field(repr=False)
    consent: bool = False


ANNA = User("anna", "anna-pw")
BERTA = User("berta", "berta-pw")
USERS = (ANNA, BERTA)


def confidential(realm: str) -> Client:
    return Client(f"1000001-0-test:{realm}", "test-secret-with-+-and-:")


def public(realm: str) -> Client:
    return Client(f"2000002-0-public:{realm}", None)


def consenting(realm: str) -> Client:
    return Client(f"3000003-0-consent:{realm}", "consent-secret", consent=True)


def resource_server(realm: str) -> Client:
    """The protected API, as a client that introspects tokens."""
    return Client(f"balance-api:{realm}", "balance-api-secret")


def realm_representation(realm: str) -> dict[str, object]:
    """A realm without clients: they are created last, so that they get the scopes."""
    return {
        "realm": realm,
        "enabled": True,
        "sslRequired": "none",
        "accessTokenLifespan": 300,
        "accessCodeLifespan": 60,
        "ssoSessionIdleTimeout": 2592000,
        "ssoSessionMaxLifespan": 7776000,
        "offlineSessionIdleTimeout": 2592000,
        "revokeRefreshToken": realm == SIPGATE_APPS,
        "refreshTokenMaxReuse": 0,
        "users": [_user_representation(user) for user in USERS],
    }


def scope_representation(name: str, realm: str) -> dict[str, object]:
    scope: dict[str, object] = {
        "name": name,
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "true", "display.on.consent.screen": "true"},
    }
    if name == BALANCE_SCOPE:
        # Keycloak reports a token as active only to a client in its audience.
        scope["protocolMappers"] = [
            {
                "name": "balance-api",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-audience-mapper",
                "config": {
                    "included.client.audience": resource_server(realm).id,
                    "access.token.claim": "true",
                    "id.token.claim": "false",
                },
            }
        ]
    return scope


def client_representations(realm: str) -> list[dict[str, object]]:
    return [
        _client_representation(confidential(realm)),
        _client_representation(public(realm)),
        _client_representation(consenting(realm)),
        {**_client_representation(resource_server(realm)), "standardFlowEnabled": False},
    ]


def _client_representation(client: Client) -> dict[str, object]:
    representation: dict[str, object] = {
        "clientId": client.id,
        "protocol": "openid-connect",
        "publicClient": client.secret is None,
        "standardFlowEnabled": True,
        "directAccessGrantsEnabled": False,
        "consentRequired": client.consent,
        "redirectUris": list(REDIRECT_URIS),
    }
    if client.secret is None:
        representation["attributes"] = {"pkce.code.challenge.method": "S256"}
    else:
        representation["secret"] = client.secret
    return representation


def _user_representation(user: User) -> dict[str, object]:
    """Has names and an e-mail address, because the login would otherwise stop at a profile page."""
    return {
        "username": user.name,
        "enabled": True,
        "email": f"{user.name}@example.test",
        "emailVerified": True,
        "firstName": user.name.capitalize(),
        "lastName": "Test",
        "credentials": [{"type": "password", "value": user.password, "temporary": False}],
    }
