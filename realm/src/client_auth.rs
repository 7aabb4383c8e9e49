//! Client authentication (RFC 6749, 2.3.1), with Keycloak's responses when it fails.

use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use crate::form::Form;
use crate::oauth_error::OAuthError;
use crate::realm::{Client, Realm};

/// The authenticated client. The form takes precedence over the header, separately for the id and
/// the secret.
pub(crate) fn authenticate<'a>(realm: &'a Realm, headers: &HeaderMap, form: &Form) -> Result<&'a Client, OAuthError> {
    let (header_id, header_secret) = headers.get("authorization").and_then(|value| basic(value.as_bytes())).unzip();
    let id = form.get("client_id").map(str::to_owned).or(header_id);
    let secret = form.get("client_secret").map(str::to_owned).or(header_secret);

    let client = id.and_then(|id| realm.client(&id)).filter(|client| client.enabled).ok_or_else(|| refused("invalid_client"))?;
    if client.secret.is_some() && client.secret != secret {
        return Err(refused("unauthorized_client"));
    }
    if form.has_duplicate() {
        return Err(OAuthError::invalid_request("duplicated parameter"));
    }
    Ok(client)
}

/// Deliberately the same message for a wrong id and a wrong secret.
fn refused(error: &'static str) -> OAuthError {
    OAuthError::new(StatusCode::UNAUTHORIZED, error, "Invalid client or Invalid client credentials")
}

/// Both halves are form-encoded: an unescaped colon in the id would split at the wrong place, and a
/// plus is a space.
fn basic(header: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    // Parsed as a name without a value, so that `=` and `&` inside cannot split it.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}
