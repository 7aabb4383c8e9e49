"""The endpoints around a login: userinfo, introspection, revocation, logout, keys, discovery."""

from __future__ import annotations

from keycloak.asker import Asker, basic
from keycloak.normalise import Fields, described, described_error, stable
from keycloak.questions.question import Questions
from keycloak.wire import send, send_form

QUESTIONS = Questions()

# What a client reads from the metadata; servers publish much more.
METADATA = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "introspection_endpoint",
    "revocation_endpoint",
    "end_session_endpoint",
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "claims_parameter_supported",
)
METADATA_LISTS = {
    "response_types_supported": "code",
    "grant_types_supported": "refresh_token",
    "code_challenge_methods_supported": "S256",
    "token_endpoint_auth_methods_supported": "client_secret_post",
    "id_token_signing_alg_values_supported": "RS256",
    "userinfo_signing_alg_values_supported": "none",
    "response_modes_supported": "form_post",
    "acr_values_supported": "1",
    "scopes_supported": "balance:read",
}


@QUESTIONS.add
def userinfo(ask: Asker) -> Fields:
    return described(ask.userinfo(ask.tokens().access))


@QUESTIONS.add
def userinfo_by_post(ask: Asker) -> Fields:
    form = [("access_token", ask.tokens().access)]
    return described(send_form(ask.endpoint("userinfo"), form))


@QUESTIONS.add
def userinfo_without_openid(ask: Asker) -> Fields:
    return described(ask.userinfo(ask.tokens(scope="balance:read").access))


@QUESTIONS.add
def userinfo_with_rubbish(ask: Asker) -> Fields:
    return described(ask.userinfo("rubbish"))


@QUESTIONS.add
def userinfo_with_a_refresh_token(ask: Asker) -> Fields:
    return described(ask.userinfo(ask.tokens().refresh))


@QUESTIONS.add
def userinfo_at_another_host_name(ask: Asker) -> Fields:
    """The issuer depends on the address, and a token is only valid at its issuer."""
    url = ask.endpoint("userinfo", base=ask.elsewhere)
    return described(ask.get(url, bearer=ask.tokens().access))


@QUESTIONS.add
def revocation_at_another_host_name(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    revoked = ask.post("revoke", base=ask.elsewhere, token=token)
    return {**described(revoked), "the token then": described_error(ask.refresh(token))}


@QUESTIONS.add
def logout_at_another_host_name(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    ended = ask.post("logout", base=ask.elsewhere, refresh_token=token)
    return {**described(ended), "the token then": described_error(ask.refresh(token))}


@QUESTIONS.add
def userinfo_without_a_token(ask: Asker) -> Fields:
    return described(ask.get(ask.endpoint("userinfo")))


@QUESTIONS.add
def userinfo_after_logout(ask: Asker) -> Fields:
    tokens = ask.tokens()
    ask.post("logout", refresh_token=tokens.refresh)
    return described(ask.userinfo(tokens.access))


@QUESTIONS.add
def userinfo_of_a_disabled_user(ask: Asker) -> Fields:
    tokens = ask.tokens()
    with ask.user_disabled():
        return described(ask.userinfo(tokens.access))


@QUESTIONS.add
def introspection_of_an_access_token_for_another_audience(ask: Asker) -> Fields:
    return described(ask.post("token/introspect", token=ask.tokens().access))


@QUESTIONS.add
def introspection_of_a_refresh_token(ask: Asker) -> Fields:
    return described(ask.post("token/introspect", token=ask.tokens().refresh))


@QUESTIONS.add
def introspection_of_rubbish(ask: Asker) -> Fields:
    return described(ask.post("token/introspect", token="rubbish"))


@QUESTIONS.add
def introspection_without_a_token(ask: Asker) -> Fields:
    return described(ask.post("token/introspect"))


@QUESTIONS.add
def introspection_with_a_wrong_secret(ask: Asker) -> Fields:
    token = ask.tokens().access
    return described(ask.post("token/introspect", token=token, client_secret="wrong"))


@QUESTIONS.add
def introspection_by_a_public_client(ask: Asker) -> Fields:
    token = ask.tokens(ask.public).access
    return described(ask.post("token/introspect", ask.public, token=token))


@QUESTIONS.add
def introspection_by_an_unknown_client(ask: Asker) -> Fields:
    return described(ask.post("token/introspect", token="rubbish", client_id="nobody"))


@QUESTIONS.add
def revocation_of_a_refresh_token(ask: Asker) -> Fields:
    tokens = ask.tokens()
    revoked = ask.post("revoke", token=tokens.refresh, token_type_hint="refresh_token")
    return {
        **described(revoked),
        "access token then": described_error(ask.userinfo(tokens.access)),
        "again": described_error(ask.post("revoke", token=tokens.refresh)),
    }


@QUESTIONS.add
def revocation_of_an_access_token(ask: Asker) -> Fields:
    tokens = ask.tokens()
    revoked = ask.post("revoke", token=tokens.access, token_type_hint="access_token")
    return {
        **described(revoked),
        "access token then": described_error(ask.userinfo(tokens.access)),
        "again": described_error(ask.post("revoke", token=tokens.access)),
    }


@QUESTIONS.add
def revocation_of_rubbish(ask: Asker) -> Fields:
    return described(ask.post("revoke", token="rubbish"))


@QUESTIONS.add
def revocation_without_a_token(ask: Asker) -> Fields:
    return described(ask.post("revoke"))


@QUESTIONS.add
def revocation_with_a_wrong_secret(ask: Asker) -> Fields:
    return described(ask.post("revoke", token=ask.tokens().refresh, client_secret="wrong"))


@QUESTIONS.add
def revocation_of_a_token_of_another_client(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    revoked = ask.post("revoke", ask.public, token=token)
    return {**described(revoked), "the token then": described_error(ask.refresh(token))}


@QUESTIONS.add
def revocation_by_basic(ask: Asker) -> Fields:
    header = basic(ask.client.id.replace(":", "%3A"), "wrong")
    return described(
        ask.post("revoke", headers=header, token="x", client_id=None, client_secret=None)
    )


@QUESTIONS.add
def logout(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    first = ask.post("logout", refresh_token=token)
    return {**described(first), "again": described_error(ask.post("logout", refresh_token=token))}


@QUESTIONS.add
def logout_with_rubbish(ask: Asker) -> Fields:
    return described(ask.post("logout", refresh_token="rubbish"))


@QUESTIONS.add
def logout_with_a_wrong_secret(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    refused = ask.post("logout", refresh_token=token, client_secret="wrong")
    return {**described(refused), "the token then": described_error(ask.refresh(token))}


@QUESTIONS.add
def logout_with_the_token_of_another_client(ask: Asker) -> Fields:
    token = ask.tokens().refresh
    refused = ask.post("logout", ask.public, refresh_token=token)
    return {**described(refused), "the token then": described_error(ask.refresh(token))}


@QUESTIONS.add
def keys(ask: Asker) -> Fields:
    """The set has an encryption key and a signing key, in arbitrary order."""
    response = ask.get(ask.endpoint("certs"))
    said = response.json()
    assert isinstance(said, dict)
    return {
        "status": response.status,
        "content type": response.header("Content-Type"),
        "keys": sorted(f"{key['kty']} {key['use']} {key['alg']}" for key in said["keys"]),
        "members": sorted(" ".join(sorted(key)) for key in said["keys"]),
    }


@QUESTIONS.add
def discovery(ask: Asker) -> Fields:
    url = f"{ask.base}/realms/{ask.realm}/.well-known/openid-configuration"
    response = ask.get(url)
    said = response.json()
    assert isinstance(said, dict)
    fields: Fields = {"status": response.status, "content type": response.header("Content-Type")}
    for name in METADATA:
        value = said.get(name)
        fields[name] = stable(value) if isinstance(value, str) else value
    for name, wanted in METADATA_LISTS.items():
        fields[f"{name} has {wanted}"] = wanted in (said.get(name) or [])
    return fields


@QUESTIONS.add
def discovery_of_an_unknown_realm(ask: Asker) -> Fields:
    url = f"{ask.base}/realms/no-such-realm/.well-known/openid-configuration"
    return described(ask.get(url))


@QUESTIONS.add
def discovery_of_a_disabled_realm(ask: Asker) -> Fields:
    url = f"{ask.base}/realms/{ask.realm}/.well-known/openid-configuration"
    with ask.configured({"enabled": False}):
        response = ask.get(url)
    return {"status": response.status, "content type": response.header("Content-Type")}


@QUESTIONS.add
def userinfo_by_an_unknown_method(ask: Asker) -> Fields:
    return described(send("DELETE", ask.endpoint("userinfo")))
