//! An error response of an OAuth endpoint.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct OAuthError {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl OAuthError {
    pub(crate) fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub(crate) fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_scope", description)
    }

    /// As some endpoints send it: without the headers that prevent caching.
    pub(crate) fn cacheable(self) -> Response {
        (self.status, Json(json!({"error": self.error, "error_description": self.description}))).into_response()
    }

    pub(crate) fn realm_not_enabled() -> Self {
        Self::new(StatusCode::FORBIDDEN, "access_denied", "Realm not enabled")
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        no_store(self.status, json!({"error": self.error, "error_description": self.description}))
    }
}

/// RFC 6749, 5.1: a response that contains a token must not be cached.
pub(crate) fn no_store(status: StatusCode, body: Value) -> Response {
    (status, [("cache-control", "no-store"), ("pragma", "no-cache")], Json(body)).into_response()
}
