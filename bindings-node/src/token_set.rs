//! Token sets. Each member is copied when JavaScript reads it; what is not read stays in memory
//! that will be wiped.

use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;
use sipgate_oauth2::{Claims, IdToken, RefreshToken, Secret, TokenSet};

use crate::error::IntoJavaScript;
use crate::text::Text;

/// Tokens from a JSON object.
#[napi(catch_unwind)]
pub fn restore_tokens(env: Env, json: String) -> napi::Result<External<TokenSet>> {
    TokenSet::restore(Secret::from(json).reveal()).map(External::new).or_throw(env)
}

/// Tokens as a JSON object.
#[napi(catch_unwind)]
pub fn export_tokens(tokens: &External<TokenSet>) -> Text<Secret> {
    Text(tokens.export())
}

/// The value of an `Authorization` header.
#[napi(catch_unwind)]
pub fn authorization_header(tokens: &External<TokenSet>) -> Text<Secret> {
    Text(tokens.authorization_header())
}

/// The access token.
#[napi(catch_unwind)]
pub fn access_token(tokens: &External<TokenSet>) -> Text<&str> {
    Text(tokens.access_token().reveal())
}

/// The token's type.
#[napi(catch_unwind)]
pub fn token_type(tokens: &External<TokenSet>) -> &str {
    tokens.token_type()
}

/// The refresh token.
#[napi(catch_unwind)]
pub fn refresh_token(tokens: &External<TokenSet>) -> Option<Text<&str>> {
    tokens.refresh_token().map(RefreshToken::reveal).map(Text)
}

/// The ID token.
#[napi(catch_unwind)]
pub fn id_token(tokens: &External<TokenSet>) -> Option<Text<&str>> {
    tokens.id_token().map(IdToken::reveal).map(Text)
}

/// Whether the ID token is from an earlier response.
#[napi(catch_unwind)]
pub fn id_token_kept(tokens: &External<TokenSet>) -> bool {
    tokens.id_token_kept()
}

/// Whether the ID token was verified.
#[napi(catch_unwind)]
pub fn id_token_verified(tokens: &External<TokenSet>) -> bool {
    tokens.id_token_verified()
}

/// What the ID token says about the user, as JSON text.
#[napi(catch_unwind)]
pub fn token_claims(tokens: &External<TokenSet>) -> Option<String> {
    tokens.claims().as_ref().map(Claims::to_json)
}

/// The scope that was granted.
#[napi(catch_unwind)]
pub fn token_scope(tokens: &External<TokenSet>) -> Option<&str> {
    tokens.scope()
}

/// When the access token expires, in seconds since 1970.
#[napi(catch_unwind)]
pub fn expires_at(tokens: &External<TokenSet>) -> Option<i64> {
    tokens.expires_at()
}

/// When the refresh token expires, in seconds since 1970.
#[napi(catch_unwind)]
pub fn refresh_expires_at(tokens: &External<TokenSet>) -> Option<i64> {
    tokens.refresh_expires_at()
}

/// The members of the response that this library does not use, as JSON text.
#[napi(catch_unwind)]
pub fn extra_members(tokens: &External<TokenSet>) -> String {
    serde_json::Value::Object(tokens.extra().clone()).to_string()
}
