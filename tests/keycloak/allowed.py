"""Where a Keycloak may answer otherwise than the local realm, each with its reason. Everything else is a
failure, and so is a reason, or a question named with it, that no answer needs any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from keycloak.distribution import VERSION
from keycloak.normalise import ABSENT


@dataclass(frozen=True)
class Allowance:
    """Without `questions`, `fields` or `said` it covers all questions, all fields, or whatever Keycloak says. One that is
    `by_chance` need not be needed."""

    reason: str
    questions: Collection[str] = ()
    fields: Collection[str] = ()
    said: Collection[object] = ()
    by_chance: bool = False

    def covers(self, question: str, field: str, said: object) -> bool:
        return (
            question in (self.questions or (question,))
            and field in (self.fields or (field,))
            and said in (self.said or (said,))
        )


OF_22: Sequence[Allowance] = (
    Allowance(
        "the callback names the issuer (RFC 9207) since 23",
        fields=["iss"],
        said=[ABSENT],
    ),
    Allowance(
        "the callback names the issuer (RFC 9207) since 23: the order is the same without it",
        fields=["order"],
        said=[
            "state session_state code",
            "session_state code",
            "error state",
            "error error_description state",
        ],
    ),
    Allowance(
        "the callback names the issuer (RFC 9207) since 23, and the metadata says so",
        questions=["discovery"],
        fields=["authorization_response_iss_parameter_supported"],
        said=[None],
    ),
    Allowance(
        "the callback names the issuer (RFC 9207) since 23: nothing to compare with the address",
        questions=["callback of a login at another host name"],
        fields=["iss is that address"],
        said=[False],
    ),
    Allowance("sessions were named by UUIDs", fields=["session_state length"], said=[36]),
    Allowance("sessions were named by UUIDs", fields=["code lengths"], said=["36.36.36"]),
    Allowance(
        "session_state left the tokens with 25, and nonce the refreshed ID token",
        questions=["id token", "id token without nonce", "id token of a refresh"],
        fields=["claims"],
    ),
    Allowance(
        "the button of the login page had a name",
        questions=["login page"],
        fields=["fields"],
        said=["credentialId login password username"],
    ),
    Allowance(
        "texts about PKCE said less",
        questions=[
            "public client with plain pkce",
            "wrong verifier",
            "verifier too short",
            "verifier of forbidden characters",
        ],
        fields=["error_description"],
        said=[
            "Invalid parameter: code challenge method is not configured one",
            "PKCE verification failed",
            "PKCE invalid code verifier",
        ],
    ),
    Allowance(
        "the text about a foreign code said less",
        questions=["code of another client"],
        fields=["error_description"],
        said=["Auth error"],
    ),
    Allowance(
        "a verifier nobody asked for was overlooked, and tokens given",
        questions=["verifier without a challenge"],
    ),
    Allowance(
        "a broken Basic header was an error of the client authenticator",
        questions=["basic that cannot be decoded"],
        fields=["status", "error", "error_description"],
        said=[400, "unauthorized_client", "Unexpected error when authenticating client"],
    ),
    Allowance(
        "RESTEasy Classic, replaced in 23, had its own words for what has no endpoint, and looked at the media type",
        questions=[
            "get instead of post",
            "json instead of a form",
            "unknown endpoint",
            "userinfo by an unknown method",
        ],
    ),
    Allowance(
        "an unknown scope in a refresh was ignored, and tokens given",
        questions=["refresh with an unknown scope"],
    ),
    Allowance(
        "a narrower scope in a refresh was ignored",
        questions=["refresh with a narrower scope", "refresh with a scope that was not granted"],
        fields=["scope"],
        said=["balance:read email openid profile"],
    ),
    Allowance(
        "refreshes of one session were not serialised: more than one may win within a second",
        questions=["four at once"],
        by_chance=True,
    ),
    Allowance(
        "without --hostname-url a refresh token was accepted through another host name",
        questions=["refresh through another host name", "logout at another host name"],
    ),
    Allowance(
        "an offline token without the role was refused as one is at the exchange",
        questions=["refresh of an offline token after the role was taken away"],
        fields=["error", "error_description"],
        said=["not_allowed", "Offline tokens not allowed for the user or client"],
    ),
    Allowance(
        "userinfo's refusals called themselves JSON, though empty too",
        questions=[
            "userinfo without openid",
            "userinfo with rubbish",
            "userinfo with a refresh token",
            "userinfo at another host name",
            "userinfo without a token",
            "userinfo after logout",
            "userinfo of a disabled user",
        ],
        fields=["content type"],
        said=["application/json"],
    ),
    Allowance(
        "the text about an ended session was longer",
        questions=["userinfo after logout"],
        fields=["www-authenticate"],
    ),
    Allowance(
        "fewer answers forbade caches to keep them",
        questions=[
            "userinfo",
            "userinfo by post",
            "userinfo without openid",
            "userinfo with rubbish",
            "userinfo with a refresh token",
            "userinfo at another host name",
            "userinfo without a token",
            "userinfo after logout",
            "userinfo of a disabled user",
            "introspection of an access token for another audience",
            "introspection of a refresh token",
            "introspection of rubbish",
            "logout",
        ],
        fields=["cache"],
        said=[ABSENT, "no-cache"],
    ),
    Allowance(
        "introspection told every client about every token",
        questions=[
            "introspection of an access token for another audience",
            "introspection of a refresh token",
        ],
        fields=["members", "active", "scope"],
    ),
    Allowance(
        "introspection had its own words for a client that is not accepted",
        questions=[
            "introspection with a wrong secret",
            "introspection by an unknown client",
        ],
        fields=["error", "error_description"],
        said=["invalid_request", "Authentication failed."],
    ),
)

# The newest is what the local realm imitates.
ALLOWED: Mapping[str, Sequence[Allowance]] = {VERSION: (), "22.0.5": OF_22}
