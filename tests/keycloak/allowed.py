"""Where a Keycloak may respond differently from the local realm, each with its reason.

Everything else is a failure, and so is a reason, or a question it names, that is no longer needed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from keycloak.distribution import VERSION
from keycloak.normalise import ABSENT


@dataclass(frozen=True)
class Allowance:
    """Without `questions`, `fields`, or `said`, it covers all of them.

    With `by_chance`, it is not a failure if no difference needs it.
    """

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
        "since 25, tokens have no session_state, and a refreshed ID token has no nonce",
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
        "error descriptions about PKCE were shorter",
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
        "the error description for another client's code was shorter",
        questions=["code of another client"],
        fields=["error_description"],
        said=["Auth error"],
    ),
    Allowance(
        "an unexpected verifier was ignored, and tokens were issued",
        questions=["verifier without a challenge"],
    ),
    Allowance(
        "a broken Basic header was an error of the client authenticator",
        questions=["basic that cannot be decoded"],
        fields=["status", "error", "error_description"],
        said=[400, "unauthorized_client", "Unexpected error when authenticating client"],
    ),
    Allowance(
        "RESTEasy Classic, replaced in 23, had its own errors for unknown endpoints and media types",
        questions=[
            "get instead of post",
            "json instead of a form",
            "unknown endpoint",
            "userinfo by an unknown method",
        ],
    ),
    Allowance(
        "an unknown scope in a refresh was ignored, and tokens were issued",
        questions=["refresh with an unknown scope"],
    ),
    Allowance(
        "a narrower scope in a refresh was ignored",
        questions=["refresh with a narrower scope", "refresh with a scope that was not granted"],
        fields=["scope"],
        said=["balance:read email openid profile"],
    ),
    Allowance(
        "refreshes of one session were not serialized: several may succeed within a second",
        questions=["four at once"],
        by_chance=True,
    ),
    Allowance(
        "without --hostname-url a refresh token was accepted through another host name",
        questions=["refresh through another host name", "logout at another host name"],
    ),
    Allowance(
        "an offline token without the role was rejected as at the exchange",
        questions=["refresh of an offline token after the role was taken away"],
        fields=["error", "error_description"],
        said=["not_allowed", "Offline tokens not allowed for the user or client"],
    ),
    Allowance(
        "userinfo's error responses were labeled as JSON, though also empty",
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
        "the error description for an ended session was longer",
        questions=["userinfo after logout"],
        fields=["www-authenticate"],
    ),
    Allowance(
        "fewer responses forbade caching",
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
            "introspection by the audience",
            "signed userinfo",
            "logout",
        ],
        fields=["cache", "RS256 cache", "ES384 cache"],
        said=[ABSENT, "no-cache"],
    ),
    Allowance(
        "introspection described every token to every client",
        questions=[
            "introspection of an access token for another audience",
            "introspection of a refresh token",
        ],
        fields=["members", "active", "scope"],
    ),
    Allowance(
        "introspection named no type of token, and tokens had a session_state and a nonce",
        questions=["introspection by the audience"],
        fields=["members", "token_type"],
    ),
    Allowance(
        "the callback names the issuer (RFC 9207) since 23, also by form post",
        questions=["callback by form post"],
        fields=["fields", "fields of an error"],
    ),
    Allowance(
        "the form of a form post was labeled with a charset",
        questions=["callback by form post"],
        fields=["content type"],
        said=["text/html;charset=UTF-8"],
    ),
    Allowance(
        "there was no EdDSA",
        questions=["id token in every algorithm"],
        fields=["EdDSA header", "EdDSA at_hash length", "EdDSA key", "EdDSA key has"],
        said=["no access_token in the response with status 500", ABSENT],
    ),
    Allowance(
        "logout tokens had no exp, and were typed as JWT",
        questions=["logout token", "logout tokens as the client wants them"],
    ),
    Allowance(
        "introspection had its own error for a client that is not accepted",
        questions=[
            "introspection with a wrong secret",
            "introspection by an unknown client",
        ],
        fields=["error", "error_description"],
        said=["invalid_request", "Authentication failed."],
    ),
)

# The local realm imitates the newest version.
ALLOWED: Mapping[str, Sequence[Allowance]] = {VERSION: (), "22.0.5": OF_22}
