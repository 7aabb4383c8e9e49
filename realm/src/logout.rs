//! Logout: by a client that has the refresh token, and by a browser (OpenID Connect RP-Initiated
//! Logout 1.0).

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::client_auth;
use crate::form::{self, Form};
use crate::jwt;
use crate::login::identity_cookie;
use crate::oauth_error::OAuthError;
use crate::pages;
use crate::realm::Realm;
use crate::site::Call;
use crate::tokens::RefreshToken;

/// Logout by a client that has the refresh token; without one, the logout of a browser.
pub(crate) async fn post(call: Call, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let Some(token) = form.get("refresh_token") else { return browser_logout(&call, &form) };
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    if !realm.settings.enabled {
        return OAuthError::realm_not_enabled().into_response();
    }
    let client_id = match client_auth::authenticate(realm, &call.headers, &form) {
        Ok(client) => client.id.clone(),
        Err(refused) => return refused.cacheable(),
    };
    let Some(token) = RefreshToken::read(&call.site.keys, token) else {
        return OAuthError::invalid_grant("Invalid refresh token").cacheable();
    };
    if let Err(error) = token.check_issuer(&call.issuer).and_then(|()| token.check_client(&client_id)) {
        return error.cacheable();
    }
    if realm.end(&token.session, token.offline) {
        call.site.ledger.count("sessions_ended");
    }
    (StatusCode::NO_CONTENT, [("cache-control", "no-cache")]).into_response()
}

pub(crate) async fn get(call: Call) -> Response {
    browser_logout(&call, &call.query)
}

/// The user is asked unless the hint names the session of this browser.
fn browser_logout(call: &Call, parameters: &Form) -> Response {
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    let hint = match parameters.get("id_token_hint").map(|hint| id_token(call, realm, hint)) {
        None => None,
        Some(Some(claims)) if parameters.get("client_id").is_none_or(|id| claims["azp"] == *id) => Some(claims),
        Some(_) => return pages::error(StatusCode::BAD_REQUEST, "Invalid parameter: id_token_hint"),
    };
    let hinted = |name: &str| hint.as_ref().and_then(|claims| claims[name].as_str());
    let client_id = hinted("azp").or(parameters.get("client_id"));
    let back = parameters.get("post_logout_redirect_uri");
    if let Some(back) = back {
        let Some(id) = client_id else {
            return pages::error(StatusCode::BAD_REQUEST, "Missing parameters: id_token_hint");
        };
        if !realm.client(id).is_some_and(|client| client.returns_to(back)) {
            return pages::error(StatusCode::BAD_REQUEST, "Invalid redirect uri");
        }
    }
    let session = realm.session_of_browser(identity_cookie(&call.headers).as_deref(), call.now).map(|session| session.id.as_str());
    let must_ask = match session {
        Some(session) => hinted("sid") != Some(session),
        None => hint.is_none() && back.is_none(),
    };
    if must_ask {
        let action = format!("{}/protocol/openid-connect/logout/logout-confirm", call.issuer);
        let state = parameters.get("state");
        let kept = [("client_id", client_id), ("post_logout_redirect_uri", back), ("state", state), ("session", hinted("sid"))];
        return pages::confirm_logout(call.site.name, &action, &kept.map(|(name, value)| (name, value.unwrap_or_default())));
    }
    if let Some(session) = hinted("sid") {
        end(call, realm, session);
    }
    finish(call, back, parameters.get("state"))
}

/// The user confirmed on the page: ends the session of the hint, or else of this browser.
pub(crate) async fn confirmed(call: Call, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let mut guard = call.site.lock();
    let realm = &mut *guard;
    let given = |name| form.get(name).filter(|value| !value.is_empty());
    let of_browser = realm.session_of_browser(identity_cookie(&call.headers).as_deref(), call.now).map(|session| session.id.clone());
    if let Some(session) = given("session").map(str::to_owned).or(of_browser) {
        end(&call, realm, &session);
    }
    let client = given("client_id").and_then(|id| realm.client(id));
    // The form may have been changed.
    let back = given("post_logout_redirect_uri").filter(|back| client.is_some_and(|client| client.returns_to(back)));
    finish(&call, back, given("state"))
}

fn finish(call: &Call, back: Option<&str>, state: Option<&str>) -> Response {
    match (back, state) {
        (Some(back), Some(state)) => pages::redirect(&form::with_query(back, &[("state", state)])),
        (Some(back), None) => pages::redirect(back),
        (None, _) => pages::logged_out(call.site.name),
    }
}

fn end(call: &Call, realm: &mut Realm, session: &str) {
    if realm.end(session, false) {
        call.site.ledger.count("sessions_ended");
    }
}

/// The claims of an ID token of this realm. It may have expired.
fn id_token(call: &Call, realm: &Realm, token: &str) -> Option<Value> {
    let by_secret = || {
        let client = realm.client(jwt::Parts::of(token)?.claims["azp"].as_str()?)?;
        jwt::verify_with_secret(token, client.secret_text())
    };
    call.site.keys.verify(token).or_else(by_secret).filter(|claims| claims["typ"] == "ID" && claims["iss"] == *call.issuer)
}
