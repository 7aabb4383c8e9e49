//! The routes.

use std::sync::Arc;

use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::site::{App, Call};
use crate::{api, authorize, control, endpoints, login, logout, token_endpoint};

pub(crate) fn router(app: Arc<App>) -> Router {
    site().merge(control::routes(site().with_state(Arc::clone(&app)))).with_state(app)
}

/// Everything but the control API.
fn site() -> Router<Arc<App>> {
    // Not nested, because that would hide the realm's name from the handlers.
    let realm = |path: &str| format!("/auth/realms/{{realm}}/{path}");
    let protocol = |path: &str| realm(&format!("protocol/openid-connect/{path}"));
    Router::new()
        .route(&protocol("auth"), only(get(authorize::get).post(authorize::post)))
        .route(&protocol("token"), only(post(token_endpoint::post)))
        .route(&protocol("token/introspect"), only(post(endpoints::introspect)))
        .route(&protocol("userinfo"), only(get(endpoints::userinfo).post(endpoints::userinfo)))
        .route(&protocol("revoke"), only(post(endpoints::revoke)))
        .route(&protocol("logout"), only(get(logout::get).post(logout::post)))
        .route(&protocol("logout/logout-confirm"), only(post(logout::confirmed)))
        .route(&protocol("certs"), only(get(endpoints::certs)))
        // Metadata that a test alters may name an unusual place.
        .route(&protocol("certs/{*rest}"), only(get(endpoints::certs)))
        .route(&realm("login-actions/authenticate"), only(post(login::authenticate)))
        .route(&realm("login-actions/required-action"), only(get(login::consent_page)))
        .route(&realm("login-actions/consent"), only(post(login::consent)))
        .route(&realm(".well-known/openid-configuration"), only(get(endpoints::discovery)))
        .route(&realm(".well-known/oauth-authorization-server"), only(get(endpoints::discovery)))
        .route("/auth/.well-known/oauth-authorization-server/realms/{realm}", only(get(endpoints::discovery)))
        // Keycloak has nothing here, but RFC 8414 puts the metadata of this issuer here.
        .route("/.well-known/oauth-authorization-server/auth/realms/{realm}", only(get(endpoints::discovery)))
        .route(&realm("{*rest}"), any(nothing_in_the_realm))
        .route("/v2/balance", only(get(api::balance)))
        .route("/v2/authorization/userinfo", only(get(api::authorization_userinfo)))
        .fallback(not_found)
}

fn only(methods: MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {
    methods.fallback(method_not_allowed)
}

async fn method_not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({"error": "HTTP 405 Method Not Allowed"}))).into_response()
}

/// The extractor has already rejected realms that do not exist.
async fn nothing_in_the_realm(_: Call, method: Method) -> Response {
    if method == Method::POST {
        return method_not_allowed().await;
    }
    (StatusCode::NOT_FOUND, Json(json!({"error": "HTTP 404 Not Found"}))).into_response()
}

async fn not_found(uri: Uri) -> Response {
    if uri.path().starts_with("/v2/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    // Keycloak's page if `/auth` is missing.
    let headers = [("content-type", "text/html; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, "<html><body><h1>Resource not found</h1></body></html>").into_response()
}
