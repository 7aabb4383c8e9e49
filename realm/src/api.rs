//! The protected API: just enough of sipgate's API to show whether a token works.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::clock;
use crate::site::App;

pub(crate) async fn balance(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let response = match claims(&app, &headers) {
        None => unauthorized(),
        Some(claims) if has_scope(&claims, "balance:read") => {
            app.ledger.count("balance_ok");
            return Json(json!({"amount": 123_456, "currency": "EUR"})).into_response();
        }
        Some(_) => {
            let challenge = r#"Bearer realm="sipgate", error="insufficient_scope", scope="balance:read""#;
            (StatusCode::FORBIDDEN, [("www-authenticate", challenge)]).into_response()
        }
    };
    app.ledger.count("balance_refused");
    response
}

pub(crate) async fn authorization_userinfo(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if claims(&app, &headers).is_none() {
        return unauthorized();
    }
    Json(json!({"sub": "w0", "domain": "sipgate.de", "masterSipId": "1000001", "locale": "de_DE"})).into_response()
}

/// The token of an `Authorization: Bearer` header (RFC 6750, 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Judged by the token alone, as a resource server does: a token whose session has ended still
/// works until it expires.
fn claims(app: &App, headers: &HeaderMap) -> Option<Value> {
    let token = bearer(headers)?;
    let claims = app.sites.iter().find_map(|site| site.keys.verify(token))?;
    (claims["typ"] == "Bearer" && claims["exp"].as_u64()? > clock::now()).then_some(claims)
}

fn has_scope(claims: &Value, wanted: &str) -> bool {
    claims["scope"].as_str().unwrap_or_default().split(' ').any(|scope| scope == wanted || scope == "all")
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, [("www-authenticate", r#"Bearer realm="sipgate", error="invalid_token""#)]).into_response()
}
