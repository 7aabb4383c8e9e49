//! Tokens.

use std::ffi::c_char;

use sipgate_oauth2::{Error, TokenSet};

use crate::arguments::{self, handle, place, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::secret::{SharedSecret, sipgate_oauth2_secret};
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_str};

/// The tokens of one login, and what the server said about them. It never changes; any number of threads may use it. Tokens come out as secrets that
/// are the caller's.
pub struct sipgate_oauth2_token_set {
    pub(crate) tokens: TokenSet,
    token_type: Text,
    scope: Option<Text>,
    extra_json: Text,
}

impl From<TokenSet> for sipgate_oauth2_token_set {
    fn from(tokens: TokenSet) -> Self {
        let extra = serde_json::Value::Object(tokens.extra().clone()).to_string();
        Self { token_type: tokens.token_type().into(), scope: tokens.scope().map(Text::from), extra_json: extra.as_str().into(), tokens }
    }
}

/// Tokens from a JSON object with the RFC's names: one that sipgate_oauth2_token_set_export gave, or that another library saved (Authlib, requests-oauthlib,
/// simple-oauth2, openid-client). On success `tokens` is the caller's; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_restore(
    json: *const c_char,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("tokens", tokens)?;
            out.put(TokenSet::restore(text("tokens", json)?)?.into());
            Ok(())
        })
    }
}

/// A JSON object with all of it, in the RFC's names, the same in all languages; it contains the tokens. On success `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_export(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(tokens, secret, error, |tokens| Some(sipgate_oauth2_secret::new(tokens.export().reveal()))) }
}

/// The access token. On success `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_access_token(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(tokens, secret, error, |tokens| Some(sipgate_oauth2_secret::new(tokens.access_token().reveal()))) }
}

/// The value of an Authorization header: "Bearer ..." (RFC 6750, section 2.1). On success `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_authorization_header(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(tokens, secret, error, |tokens| Some(sipgate_oauth2_secret::new(tokens.authorization_header().reveal()))) }
}

/// The refresh token; NULL where there is none, which is no failure. On success `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_refresh_token(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(tokens, secret, error, |tokens| tokens.refresh_token().map(|token| sipgate_oauth2_secret::new(token.reveal()))) }
}

/// The ID token as the server sent it; NULL where there is none, which is no failure. On success `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_id_token(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(tokens, secret, error, |tokens| tokens.id_token().map(|token| sipgate_oauth2_secret::new(token.reveal()))) }
}

/// Whether the ID token is from an earlier answer, as the last refresh brought none. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_id_token_kept(tokens: *const sipgate_oauth2_token_set) -> bool {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.is_some_and(|tokens| tokens.tokens.id_token_kept())
}

/// The token's type as the server wrote it, "Bearer" where it did not. Belongs to the token set; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_token_type(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| Some(&tokens.token_type))
}

/// The scope that was granted, space-separated, in the server's order. Belongs to the token set; no text where it is not known, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_scope(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| tokens.scope.as_ref())
}

/// Members of the answer that have no meaning here, such as session_state, as a JSON object. Belongs to the token set; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_extra_json(tokens: *const sipgate_oauth2_token_set) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { tokens.as_ref() }, |tokens| Some(&tokens.extra_json))
}

/// When the access token runs out, in seconds since 1970; -1 where that is not known, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_expires_at(tokens: *const sipgate_oauth2_token_set) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.and_then(|tokens| tokens.tokens.expires_at()).unwrap_or(-1)
}

/// When the refresh token runs out, in seconds since 1970, a hint; -1 where that is not known, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_refresh_expires_at(tokens: *const sipgate_oauth2_token_set) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { tokens.as_ref() }.and_then(|tokens| tokens.tokens.refresh_expires_at()).unwrap_or(-1)
}

/// Wipes and frees tokens and the texts that belong to them; secrets that came out of them live on. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_set_free(tokens: *mut sipgate_oauth2_token_set) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(tokens) };
}

/// # Safety
///
/// `tokens` is NULL or a live handle; `secret` and `error` are NULL or point to a place for one pointer.
unsafe fn give(
    tokens: *const sipgate_oauth2_token_set,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
    secret_of: impl FnOnce(&TokenSet) -> Option<SharedSecret>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller's promise is ours.
    unsafe {
        boundary::run(error, || {
            let out = place("secret", secret)?;
            match secret_of(&handle("tokens", tokens)?.tokens) {
                Some(secret) => out.put_shared(secret),
                None => out.put_nothing(),
            }
            Ok::<(), Error>(())
        })
    }
}
