//! The smaller endpoints of a realm: keys, discovery, userinfo, revocation, and introspection.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::alteration::Alteration;
use crate::api::bearer;
use crate::client_auth;
use crate::form::Form;
use crate::oauth_error::{OAuthError, no_store};
use crate::realm::Realm;
use crate::scopes;
use crate::site::Call;
use crate::tokens::{RefreshToken, check_access_token, merge, profile};
use crate::unsigned::Unsigned;

pub(crate) async fn certs(call: Call) -> Response {
    ([("cache-control", "no-cache")], Json(call.site.keys.jwks())).into_response()
}

pub(crate) async fn discovery(call: Call) -> Response {
    let realm = call.site.lock();
    let issuer = &call.issuer;
    let at = |end: &str| format!("{issuer}/protocol/openid-connect/{end}");
    let algorithms = Algorithm::ALL.map(|algorithm| algorithm.name);
    let userinfo_algorithms = [&algorithms[..], &["none"]].concat();
    let authentication = json!(["client_secret_basic", "client_secret_post"]);
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("auth"),
        "token_endpoint": at("token"),
        "introspection_endpoint": at("token/introspect"),
        "userinfo_endpoint": at("userinfo"),
        "end_session_endpoint": at("logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "jwks_uri": at("certs"),
        "revocation_endpoint": at("revoke"),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["public"],
        "acr_values_supported": ["0", "1"],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": userinfo_algorithms,
        "token_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": authentication,
        "introspection_endpoint_auth_methods_supported": authentication,
        "scopes_supported": scopes::KNOWN.as_slice(),
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "name", "given_name", "family_name", "preferred_username", "email", "acr", "azp", "nonce"],
        "claims_parameter_supported": true,
        "prompt_values_supported": ["none", "login", "consent"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": realm.settings.issuer_in_callback,
    });
    ([("cache-control", "no-cache, must-revalidate, no-transform, no-store")], Json(document)).into_response()
}

pub(crate) async fn userinfo(call: Call, body: Bytes) -> Response {
    call.site.ledger.count("userinfo_requests");
    let realm = call.site.lock();
    if !realm.settings.enabled {
        return OAuthError::realm_not_enabled().into_response();
    }
    let form = Form::parse(&body);
    let Some(token) = bearer(&call.headers).or_else(|| form.get("access_token")) else {
        return challenge(&call, StatusCode::UNAUTHORIZED, None);
    };
    let claims = match check_access_token(&call.site, &realm, token, &call.issuer, call.now) {
        Ok(claims) => claims,
        Err(reason) => return challenge(&call, StatusCode::UNAUTHORIZED, Some(("invalid_token", reason))),
    };
    let scope: Vec<_> = claims["scope"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect();
    if !scope.iter().any(|scope| scope == "openid") {
        return challenge(&call, StatusCode::FORBIDDEN, Some(("insufficient_scope", "Missing openid scope")));
    }
    let mut response = json!({"sub": claims["sub"]});
    if let Some(user) = realm.users.iter().find(|user| claims["sub"] == user.subject) {
        merge(&mut response, profile(user, &scope));
    }
    let client = claims["azp"].as_str().and_then(|id| realm.client(id));
    if let Some((client, algorithm)) = client.and_then(|client| Some((client, client.userinfo_algorithm()?))) {
        merge(&mut response, json!({"iss": call.issuer, "aud": client.id}));
        let alteration = call.site.faults.alteration("userinfo", call.site.name, "");
        let algorithm = alteration.as_ref().and_then(Alteration::algorithm).unwrap_or(algorithm);
        let token = Unsigned { typ: "JWT", algorithm, secret: client.secret_text(), claims: response };
        let headers = [("content-type", "application/jwt"), ("cache-control", "no-store"), ("pragma", "no-cache")];
        return (headers, token.sign(&call.site.keys, alteration.as_ref())).into_response();
    }
    no_store(StatusCode::OK, response)
}

/// RFC 6750, 3: the header contains the reason, and the body is empty.
fn challenge(call: &Call, status: StatusCode, reason: Option<(&str, &str)>) -> Response {
    let mut challenge = format!("Bearer realm=\"{}\"", call.site.name);
    if let Some((error, description)) = reason {
        challenge += &format!(", error=\"{error}\", error_description=\"{description}\"");
    }
    let headers = [
        ("www-authenticate", challenge.as_str()),
        ("content-type", "text/plain;charset=utf-8"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
    ];
    (status, headers).into_response()
}

pub(crate) async fn revoke(call: Call, body: Bytes) -> Response {
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    if !realm.settings.enabled {
        return OAuthError::realm_not_enabled().into_response();
    }
    let form = Form::parse(&body);
    let client_id = match client_auth::authenticate(realm, &call.headers, &form) {
        Ok(client) => client.id.clone(),
        Err(refused) => return refused.cacheable(),
    };
    let Some(token) = form.get("token") else { return OAuthError::invalid_request("Token not provided").cacheable() };
    if !matches!(form.get("token_type_hint"), None | Some("access_token" | "refresh_token")) {
        return OAuthError::new(StatusCode::BAD_REQUEST, "unsupported_token_type", "Unsupported token type").cacheable();
    }
    let unmatching = || OAuthError::invalid_request("Unmatching clients").cacheable();

    if let Some(refresh_token) = RefreshToken::read(&call.site.keys, token) {
        if refresh_token.client_id != client_id {
            return unmatching();
        }
        if realm.revoke(&refresh_token.session, &client_id, refresh_token.offline) {
            call.site.ledger.count("sessions_ended");
            return StatusCode::OK.into_response();
        }
    } else if let Some(claims) = access_token_to_revoke(&call, realm, token) {
        if claims["azp"] != *client_id {
            return unmatching();
        }
        realm.revoked.insert(claims["jti"].as_str().unwrap_or_default().to_owned());
        return StatusCode::OK.into_response();
    }
    OAuthError::new(StatusCode::OK, "invalid_token", "Invalid token").cacheable()
}

/// Includes tokens that were already revoked.
fn access_token_to_revoke(call: &Call, realm: &Realm, token: &str) -> Option<Value> {
    let claims = call.site.keys.verify(token)?;
    let revoked = claims["jti"].as_str().is_some_and(|id| realm.revoked.contains(id));
    if revoked { Some(claims) } else { check_access_token(&call.site, realm, token, &call.issuer, call.now).ok() }
}

pub(crate) async fn introspect(call: Call, body: Bytes) -> Response {
    let realm = call.site.lock();
    if !realm.settings.enabled {
        return OAuthError::realm_not_enabled().into_response();
    }
    let form = Form::parse(&body);
    let client = match client_auth::authenticate(&realm, &call.headers, &form) {
        Ok(client) => client,
        Err(refused) if refused.error == "unauthorized_client" => {
            return OAuthError::new(refused.status, "invalid_client", "Client authentication failed.").cacheable();
        }
        Err(refused) => return refused.cacheable(),
    };
    if client.secret.is_none() {
        return OAuthError::new(StatusCode::FORBIDDEN, "invalid_request", "Client not allowed.").cacheable();
    }
    let Some(token) = form.get("token") else { return OAuthError::invalid_request("Token not provided.").cacheable() };

    // Keycloak introspects only access tokens, and only those with the client as their audience.
    let claims = check_access_token(&call.site, &realm, token, &call.issuer, call.now).ok();
    let response = match claims.filter(|claims| claims["aud"] == *client.id) {
        Some(mut claims) => {
            let session = claims["sid"].as_str().and_then(|id| realm.sessions.get(id).or_else(|| realm.offline_sessions.get(id)));
            claims["client_id"] = claims["azp"].clone();
            claims["username"] = session.map(|session| session.username.as_str()).into();
            claims["token_type"] = "Bearer".into();
            claims["active"] = true.into();
            claims
        }
        None => json!({"active": false}),
    };
    ([("cache-control", "no-cache")], Json(response)).into_response()
}
