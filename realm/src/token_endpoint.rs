//! The token endpoint: codes and refresh tokens in, tokens or Keycloak's error responses out.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::authorize::is_pkce_string;
use crate::bytes::{base64url, sha256};
use crate::client_auth;
use crate::form::Form;
use crate::oauth_error::{OAuthError, no_store};
use crate::realm::{Code, Realm};
use crate::scopes;
use crate::session::ClientSession;
use crate::site::Call;
use crate::tokens::{Grant, RefreshToken, check_consent};

pub(crate) async fn post(call: Call, body: Bytes) -> Response {
    // A body that is not a form has no parameters.
    let form = Form::parse(if is_form(&call) { &body } else { &[] });
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    if !realm.settings.enabled {
        return OAuthError::realm_not_enabled().into_response();
    }
    let grant = match form.get("grant_type") {
        None => return OAuthError::invalid_request("Missing form parameter: grant_type").into_response(),
        Some("authorization_code") => code_grant,
        Some("refresh_token") => refresh_grant,
        Some("client_credentials" | "password") => not_for_this_client,
        Some(_) => return OAuthError::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type").into_response(),
    };
    let client_id = match client_auth::authenticate(realm, &call.headers, &form) {
        Ok(client) => client.id.clone(),
        Err(refused) => return refused.into_response(),
    };
    match grant(&call, realm, &client_id, &form) {
        Ok(response) => no_store(StatusCode::OK, response),
        Err(error) => {
            if error.error == "invalid_grant" {
                call.site.ledger.count("invalid_grant");
            }
            error.into_response()
        }
    }
}

fn is_form(call: &Call) -> bool {
    let content_type = call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

fn not_for_this_client(_: &Call, _: &mut Realm, _: &str, form: &Form) -> Result<Value, OAuthError> {
    Err(if form.get("grant_type") == Some("password") {
        OAuthError::new(StatusCode::BAD_REQUEST, "unauthorized_client", "Client not allowed for direct access grants")
    } else {
        OAuthError::new(StatusCode::UNAUTHORIZED, "unauthorized_client", "Client not enabled to retrieve service account")
    })
}

fn code_grant(call: &Call, realm: &mut Realm, client_id: &str, form: &Form) -> Result<Value, OAuthError> {
    let code = form.get("code").ok_or_else(|| OAuthError::invalid_request("Missing parameter: code"))?;
    // From here on the code is spent, whatever is wrong with the rest.
    let Code { request, session, expires_at } = redeem(call, realm, code)?;
    if call.now >= expires_at {
        return Err(OAuthError::invalid_grant("Code not valid"));
    }
    let user_session = realm.sessions.get(&session).ok_or_else(|| OAuthError::invalid_grant("Code not valid"))?;
    if !user_session.clients.contains_key(&request.client_id) {
        return Err(OAuthError::invalid_grant("User session not found"));
    }
    let user = realm.user(&user_session.username).ok_or_else(|| OAuthError::invalid_grant("User not found"))?;
    if !user.enabled {
        return Err(OAuthError::invalid_grant("User disabled"));
    }
    if form.get("redirect_uri") != Some(&request.redirect_uri) {
        return Err(OAuthError::invalid_grant("Incorrect redirect_uri"));
    }
    if client_id != request.client_id {
        return Err(OAuthError::invalid_grant("Auth error: Found different client_id in clientSession"));
    }
    match (&request.challenge, form.get("code_verifier")) {
        (None, None) => {}
        (Some(_), None) => return Err(OAuthError::invalid_grant("PKCE code verifier not specified")),
        (None, Some(_)) => {
            return Err(OAuthError::invalid_grant("PKCE code verifier specified but challenge not present in authorization"));
        }
        (Some(_), Some(verifier)) if !is_pkce_string(verifier) => {
            return Err(OAuthError::invalid_grant("PKCE verification failed: Invalid code verifier"));
        }
        (Some(challenge), Some(verifier)) => {
            let derived = if challenge.hashed { base64url(&sha256(verifier.as_bytes())) } else { verifier.to_owned() };
            if derived != challenge.value {
                return Err(OAuthError::invalid_grant("PKCE verification failed: Code mismatch"));
            }
        }
    }
    check_consent(realm, client_id, user.username, &request.scope)?;
    let offline = request.scope.iter().any(|scope| scope == "offline_access");
    if offline && !user.offline_access {
        return Err(OAuthError::new(StatusCode::BAD_REQUEST, "not_allowed", "Offline tokens not allowed for the user or client"));
    }
    if offline {
        let copy = realm.sessions[&session].offline_copy(call.now);
        let client_session = realm.sessions[&session].clients.get(client_id).map(ClientSession::offline_copy).unwrap_or_default();
        realm.offline_sessions.entry(session.clone()).or_insert(copy).clients.entry(client_id.to_owned()).or_insert(client_session);
    }
    let client_session = realm.sessions_mut(offline).get_mut(&session).and_then(|session| session.clients.get_mut(client_id));
    let reuse_id = client_session.ok_or_else(|| OAuthError::invalid_grant("Session not active"))?.new_family();

    let grant = Grant {
        kind: "authorization_code",
        issuer: &call.issuer,
        client_id,
        session: &session,
        offline,
        reuse_id: &reuse_id,
        scope: &request.scope,
        narrowed: &request.scope,
        nonce: request.nonce.as_deref(),
        now: call.now,
    };
    let response = grant.response(realm, &call.site)?;
    call.site.ledger.count("code_grants");
    Ok(response)
}

/// An unknown code may have been used before: then its client session loses its tokens (RFC 6749,
/// 4.1.2).
fn redeem(call: &Call, realm: &mut Realm, code: &str) -> Result<Code, OAuthError> {
    let mut parts = code.splitn(3, '.');
    let mut part = || parts.next().unwrap_or_default();
    let (key, session, client) = (part(), part(), part());
    realm.codes.remove(key).ok_or_else(|| {
        let client_id = realm.clients.iter().find(|known| known.uuid == client).map(|known| known.id.clone()).unwrap_or_default();
        if realm.detach(session, &client_id, false) | realm.detach(session, &client_id, true) {
            call.site.ledger.count("sessions_killed");
        }
        OAuthError::invalid_grant("Code not valid")
    })
}

fn refresh_grant(call: &Call, realm: &mut Realm, client_id: &str, form: &Form) -> Result<Value, OAuthError> {
    let token = form.get("refresh_token").ok_or_else(|| OAuthError::invalid_request("No refresh token"))?;
    let token = RefreshToken::read(&call.site.keys, token).ok_or_else(|| OAuthError::invalid_grant("Invalid refresh token"))?;
    token.check(realm, &call.issuer, call.now)?;
    token.check_client(client_id)?;
    token.check_session(realm, call.now)?;
    let narrowed = narrow(&token.scope, form.get("scope"))?;

    let rotation = realm.settings.rotation;
    let session = realm.sessions_mut(token.offline).get_mut(&token.session).and_then(|session| session.clients.get_mut(client_id));
    let spent = session.map_or(Ok(()), |session| session.spend(&token.reuse_id, &token.id, rotation));
    if let Err(reuse) = spent {
        if reuse.is_theft() && realm.detach(&token.session, client_id, token.offline) {
            call.site.ledger.count("sessions_killed");
        }
        return Err(reuse.into());
    }

    let grant = Grant {
        kind: "refresh_token",
        issuer: &call.issuer,
        client_id,
        session: &token.session,
        offline: token.offline,
        reuse_id: &token.reuse_id,
        scope: &token.scope,
        narrowed: &narrowed,
        nonce: None,
        now: call.now,
    };
    let response = grant.response(realm, &call.site)?;
    call.site.ledger.count("refresh_grants");
    Ok(response)
}

/// A refresh may request less (RFC 6749, 6): scopes that were not granted are dropped, unknown
/// scopes are an error.
fn narrow(granted: &[String], asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(granted.to_vec()) };
    if asked.split(' ').any(|scope| !scopes::is_known(scope)) {
        return Err(OAuthError::invalid_scope(format!("Invalid scopes: {asked}")));
    }
    let mut narrowed = Realm::granted(asked);
    narrowed.retain(|scope| granted.contains(scope));
    Ok(narrowed)
}
