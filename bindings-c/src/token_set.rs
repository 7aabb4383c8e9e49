//! Tokens.

use std::ffi::c_char;

use sipgate_oauth2::TokenSet;

use crate::arguments::{handle, text};
use crate::boundary::run_out;
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::secret::{SharedSecret, sipgate_oauth2_secret};
use crate::status::sipgate_oauth2_status;
use crate::text::{LazyText, lend, sipgate_oauth2_str};

/// The tokens of one login, and what the server said about them. It never changes; any number of
/// threads may use it.
pub struct sipgate_oauth2_token_set {
    pub(crate) tokens: TokenSet,
    token_type: LazyText,
    scope: LazyText,
    claims_json: LazyText,
    extra_json: LazyText,
}

boxed!(sipgate_oauth2_token_set);

impl From<TokenSet> for sipgate_oauth2_token_set {
    fn from(tokens: TokenSet) -> Self {
        let [token_type, scope, claims_json, extra_json] = Default::default();
        Self { tokens, token_type, scope, claims_json, extra_json }
    }
}

/// Tokens from a JSON object with the names of RFC 6749: one that sipgate_oauth2_token_set_export
/// gave, or that another library saved (Authlib, requests-oauthlib, simple-oauth2, openid-client).
/// The caller owns `tokens`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_restore(
    json: *const c_char,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("tokens", tokens, error, || TokenSet::restore(text("tokens", json)?)) }
}

/// The whole token set as a JSON object with the names of RFC 6749, the same in all languages. It
/// contains the tokens. The caller owns `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_export(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { give(tokens, secret, error, |tokens| Some(sipgate_oauth2_secret::new(tokens.export().reveal()))) }
}

/// The access token. The caller owns `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_access_token(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { give(tokens, secret, error, |tokens| Some(sipgate_oauth2_secret::new(tokens.access_token().reveal()))) }
}

/// The value of an Authorization header: "Bearer ..." (RFC 6750, section 2.1). The caller owns
/// `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_authorization_header(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { give(tokens, secret, error, |tokens| Some(sipgate_oauth2_secret::new(tokens.authorization_header().reveal()))) }
}

/// The refresh token. If there is none, that is no failure: `secret` is NULL. The caller owns
/// `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_refresh_token(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { give(tokens, secret, error, |tokens| tokens.refresh_token().map(|token| sipgate_oauth2_secret::new(token.reveal()))) }
}

/// The ID token as the server sent it. If there is none, that is no failure: `secret` is NULL. The
/// caller owns `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_id_token(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { give(tokens, secret, error, |tokens| tokens.id_token().map(|token| sipgate_oauth2_secret::new(token.reveal()))) }
}

/// Whether the ID token is from an earlier response, as the last refresh had none. False if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_id_token_kept(tokens: *const sipgate_oauth2_token_set) -> bool {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.is_some_and(|tokens| tokens.tokens.id_token_kept())
}

/// Whether the ID token was verified: its signature and its claims. It is if the scope has openid
/// and the tokens are from an exchange or a refresh of this library. False if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_id_token_verified(tokens: *const sipgate_oauth2_token_set) -> bool {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.is_some_and(|tokens| tokens.tokens.id_token_verified())
}

/// What the ID token says about the user, as a JSON object. Borrowed from the token set; empty if
/// there is no ID token that was verified, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_claims_json(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| tokens.claims_json.of(|| tokens.tokens.claims().map(|claims| claims.to_json())))
}

/// The token type as the server sent it; "Bearer" if it sent none. Borrowed from the token set;
/// empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_token_type(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| tokens.token_type.of(|| Some(tokens.tokens.token_type())))
}

/// The scope that was granted, separated by spaces, in the server's order. Borrowed from the token
/// set; empty if it is not known, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_scope(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| tokens.scope.of(|| tokens.tokens.scope()))
}

/// Members of the response that have no meaning to this library, such as session_state, as a JSON
/// object. Borrowed from the token set; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_extra_json(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| tokens.extra_json.of(|| serde_json::to_string(tokens.tokens.extra()).ok()))
}

/// When the access token expires, in seconds since 1970; -1 if that is not known, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_expires_at(tokens: *const sipgate_oauth2_token_set) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.and_then(|tokens| tokens.tokens.expires_at()).unwrap_or(-1)
}

/// When the refresh token expires, as a hint, in seconds since 1970; -1 if that is not known, or if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_refresh_expires_at(tokens: *const sipgate_oauth2_token_set) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.and_then(|tokens| tokens.tokens.refresh_expires_at()).unwrap_or(-1)
}

/// Wipes and frees tokens. Secrets that it gave remain valid. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_free(tokens: *mut sipgate_oauth2_token_set) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(tokens) };
}

/// # Safety
///
/// `tokens` is NULL or a live handle; `secret` and `error` are NULL or point to a place for one
/// pointer.
unsafe fn give(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
    secret_of: impl FnOnce(&TokenSet) -> Option<SharedSecret>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller upholds the contract.
    unsafe { run_out("secret", secret, error, || Ok(secret_of(&handle("tokens", tokens)?.tokens))) }
}
