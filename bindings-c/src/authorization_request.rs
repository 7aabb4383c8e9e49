//! An authorization request.

use std::ffi::c_char;

use sipgate_oauth2::{AuthorizationRequest, EncryptionKey};

use crate::arguments::{handle, text};
use crate::boundary::run_out;
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::secret::sipgate_oauth2_secret;
use crate::status::sipgate_oauth2_status;
use crate::text::{LazyText, lend, sipgate_oauth2_str};

/// An authorization request: the URL to send the user to, and what the library needs again when the
/// callback arrives. It is valid for 30 minutes and can be used once. Keep it, exported, in the
/// user's own session: if you look it up by `state` alone, it is not tied to the browser. Any
/// number of threads may use it.
pub struct sipgate_oauth2_authorization_request {
    pub(crate) request: AuthorizationRequest,
    url: LazyText,
    state: LazyText,
    nonce: LazyText,
    redirect_uri: LazyText,
    scope: LazyText,
    return_to: LazyText,
}

boxed!(sipgate_oauth2_authorization_request);

impl From<AuthorizationRequest> for sipgate_oauth2_authorization_request {
    fn from(request: AuthorizationRequest) -> Self {
        let [url, state, nonce, redirect_uri, scope, return_to] = Default::default();
        Self { request, url, state, nonce, redirect_uri, scope, return_to }
    }
}

/// An authorization request from the text that sipgate_oauth2_authorization_request_export gave, or
/// `export` in another language. The caller owns `request`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_restore(
    exported: *const c_char,
    request: *mut *mut sipgate_oauth2_authorization_request,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("request", request, error, || AuthorizationRequest::restore(text("exported", exported)?)) }
}

/// The whole request as one text, of characters that a cookie can hold. It contains the code
/// verifier. The caller owns `exported`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_export(
    request: *const sipgate_oauth2_authorization_request,
    exported: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("exported", exported, error, || Ok(sipgate_oauth2_secret::new(handle("request", request)?.request.export().reveal())))
    }
}

/// The whole request as one text for a cookie, encrypted (AES-256-GCM): its holder can neither read
/// nor change it. `encryption_keys` is one key or more, separated by commas, each of 32 random
/// bytes as base64, base64url or hexadecimal text; the first encrypts. The text is 37 or 38
/// characters longer than that of sipgate_oauth2_authorization_request_export, and browsers drop a
/// cookie of more than 4096. The caller owns `sealed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_seal(
    request: *const sipgate_oauth2_authorization_request,
    encryption_keys: *const c_char,
    sealed: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("sealed", sealed, error, || {
            let keys = EncryptionKey::parse_all(text("encryption_keys", encryption_keys)?)?;
            Ok(sipgate_oauth2_secret::new(handle("request", request)?.request.seal(&keys)?.reveal()))
        })
    }
}

/// An authorization request from the text that sipgate_oauth2_authorization_request_seal gave, or
/// `seal` in another language, with any of these keys. If it was lost, cut or changed, or sealed
/// with another key, the error is SIPGATE_LOGIN_EXPIRED. The caller owns `request`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_unseal(
    sealed: *const c_char,
    encryption_keys: *const c_char,
    request: *mut *mut sipgate_oauth2_authorization_request,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("request", request, error, || {
            let keys = EncryptionKey::parse_all(text("encryption_keys", encryption_keys)?)?;
            AuthorizationRequest::unseal(text("sealed", sealed)?, &keys)
        })
    }
}

/// The URL to send the user's browser to. Borrowed from the request; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_url(
    request: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { request.as_ref() }, |request| request.url.of(|| Some(request.request.url())))
}

/// The `state` in the URL. Borrowed from the request; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_state(
    request: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { request.as_ref() }, |request| request.state.of(|| Some(request.request.state())))
}

/// The `nonce`, which an ID token repeats. Borrowed from the request; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_nonce(
    request: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { request.as_ref() }, |request| request.nonce.of(|| Some(request.request.nonce())))
}

/// The redirect URI, byte for byte as given. Borrowed from the request; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_redirect_uri(
    request: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { request.as_ref() }, |request| request.redirect_uri.of(|| Some(request.request.redirect_uri())))
}

/// The scope that is requested. Borrowed from the request; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_scope(
    request: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { request.as_ref() }, |request| request.scope.of(|| Some(request.request.scope())))
}

/// What your application needs again after the login. Borrowed from the request; empty if it was
/// not set, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_return_to(
    request: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { request.as_ref() }, |request| request.return_to.of(|| request.request.return_to()))
}

/// When the request was made, in seconds since 1970; -1 if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_created_at(request: *const sipgate_oauth2_authorization_request) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { request.as_ref() }.map_or(-1, |request| request.request.created_at())
}

/// From when on a callback is too late, in seconds since 1970; -1 if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_expires_at(request: *const sipgate_oauth2_authorization_request) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { request.as_ref() }.map_or(-1, |request| request.request.expires_at())
}

/// Frees an authorization request. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_free(request: *mut sipgate_oauth2_authorization_request) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(request) };
}
