//! A code, for applications that check their callbacks themselves.

use std::ffi::c_char;

use sipgate_oauth2::AuthorizationCode;

use crate::arguments::text;
use crate::boundary::{run_out, set, settings};
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::status::sipgate_oauth2_status;

/// An authorization code with what must be sent beside it, for sipgate_oauth2_client_exchange_code:
/// for applications that check the callback themselves. A setter that fails changes nothing.
pub struct sipgate_oauth2_authorization_code(pub(crate) AuthorizationCode);

boxed!(sipgate_oauth2_authorization_code);
settings!(sipgate_oauth2_authorization_code(AuthorizationCode), "code");

impl From<AuthorizationCode> for sipgate_oauth2_authorization_code {
    fn from(code: AuthorizationCode) -> Self {
        Self(code)
    }
}

/// A code from the callback, decoded. The caller owns `authorization_code`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_new(
    code: *const c_char,
    authorization_code: *mut *mut sipgate_oauth2_authorization_code,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("authorization_code", authorization_code, error, || Ok(AuthorizationCode::new(text("code", code)?))) }
}

/// The PKCE verifier whose challenge the authorization URL had (RFC 7636, section 4.5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_code_verifier(
    code: *mut sipgate_oauth2_authorization_code,
    code_verifier: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(code, error, |code| Ok(code.code_verifier(text("code_verifier", code_verifier)?))) }
}

/// The redirect URI of the authorization URL, if it is not the client's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_redirect_uri(
    code: *mut sipgate_oauth2_authorization_code,
    redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(code, error, |code| Ok(code.redirect_uri(text("redirect_uri", redirect_uri)?))) }
}

/// The scope that was requested. It counts as granted if the response has no scope.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_scope(
    code: *mut sipgate_oauth2_authorization_code,
    scope: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(code, error, |code| Ok(code.scope(text("scope", scope)?))) }
}

/// The `nonce` of the authorization URL, which the ID token must repeat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_nonce(
    code: *mut sipgate_oauth2_authorization_code,
    nonce: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(code, error, |code| Ok(code.nonce(text("nonce", nonce)?))) }
}

/// Wipes and frees a code. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_free(code: *mut sipgate_oauth2_authorization_code) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(code) };
}
