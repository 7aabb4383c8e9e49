//! A code for those who check their callbacks themselves.

use std::ffi::c_char;

use sipgate_oauth2::{AuthorizationCode, Result};

use crate::arguments::{self, handle_mut, place, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;

/// An authorization code with what must be sent beside it, for sipgate_oauth2_client_exchange_code: for applications that check their callbacks themselves.
/// For one thread at a time. A setter that fails leaves it as it was; texts are copied.
pub struct sipgate_oauth2_authorization_code(pub(crate) AuthorizationCode);

/// A code as the callback brought it, decoded. On success `authorization_code` is the caller's, to be freed with sipgate_oauth2_authorization_code_free; on failure
/// it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_new(
    code: *const c_char,
    authorization_code: *mut *mut sipgate_oauth2_authorization_code,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("authorization_code", authorization_code)?;
            out.put(sipgate_oauth2_authorization_code(AuthorizationCode::new(text("code", code)?)));
            Ok(())
        })
    }
}

/// The PKCE verifier whose challenge was in the authorization URL (RFC 7636, section 4.5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_code_verifier(
    code: *mut sipgate_oauth2_authorization_code,
    code_verifier: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(code, |code| Ok(code.code_verifier(text("code_verifier", code_verifier)?)))) }
}

/// The redirect URI of the authorization URL, where it was not the client's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_redirect_uri(
    code: *mut sipgate_oauth2_authorization_code,
    redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(code, |code| Ok(code.redirect_uri(text("redirect_uri", redirect_uri)?)))) }
}

/// The scope that was asked for: what was granted where the answer does not say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_set_scope(
    code: *mut sipgate_oauth2_authorization_code,
    scope: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(code, |code| Ok(code.scope(text("scope", scope)?)))) }
}

/// Wipes and frees a code. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_code_free(code: *mut sipgate_oauth2_authorization_code) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(code) };
}

/// # Safety
///
/// `code` is NULL or a live handle that nobody else uses meanwhile.
unsafe fn set(
    code: *mut sipgate_oauth2_authorization_code,
    change: impl FnOnce(AuthorizationCode) -> Result<AuthorizationCode>,
) -> Result<()> {
    // SAFETY: the caller's promise is ours.
    let code = unsafe { handle_mut("code", code) }?;
    code.0 = change(code.0.clone())?;
    Ok(())
}
