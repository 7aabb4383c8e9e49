//! A pending login.

use std::ffi::c_char;

use sipgate_oauth2::AuthorizationRequest;

use crate::arguments::{self, handle, place, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::secret::sipgate_oauth2_secret;
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_str};

/// A pending login: the URL to send the person to, and what must be there again when the callback comes. It lives for 30 minutes and can be used once.
/// Keep it in the person's own session, exported: looked up by `state` alone it would not be tied to the browser. Any number of threads may use it.
pub struct sipgate_oauth2_authorization_request {
    pub(crate) request: AuthorizationRequest,
    url: Text,
    state: Text,
    nonce: Text,
    redirect_uri: Text,
    scope: Text,
    return_to: Option<Text>,
}

impl From<AuthorizationRequest> for sipgate_oauth2_authorization_request {
    fn from(request: AuthorizationRequest) -> Self {
        Self {
            url: request.url().into(),
            state: request.state().into(),
            nonce: request.nonce().into(),
            redirect_uri: request.redirect_uri().into(),
            scope: request.scope().into(),
            return_to: request.return_to().map(Text::from),
            request,
        }
    }
}

/// A pending login from the text that sipgate_oauth2_authorization_request_export gave, or export() in another language. On success `pending` is the caller's;
/// on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_restore(
    exported: *const c_char,
    pending: *mut *mut sipgate_oauth2_authorization_request,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("pending", pending)?;
            out.put(AuthorizationRequest::restore(text("exported", exported)?)?.into());
            Ok(())
        })
    }
}

/// One text that holds all of it, of characters that a cookie can hold; it contains the code verifier. On success `exported` is the caller's, to be
/// freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_export(
    pending: *const sipgate_oauth2_authorization_request,
    exported: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("exported", exported)?;
            out.put_shared(sipgate_oauth2_secret::new(handle("pending", pending)?.request.export().reveal()));
            Ok(())
        })
    }
}

/// The URL to send the person's browser to. Belongs to the request; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_url(
    pending: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { pending.as_ref() }, |request| Some(&request.url))
}

/// The `state` in the URL. Belongs to the request; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_state(
    pending: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { pending.as_ref() }, |request| Some(&request.state))
}

/// The `nonce`, which an ID token repeats. Belongs to the request; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_nonce(
    pending: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { pending.as_ref() }, |request| Some(&request.nonce))
}

/// The redirect URI, byte for byte as given. Belongs to the request; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_redirect_uri(
    pending: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { pending.as_ref() }, |request| Some(&request.redirect_uri))
}

/// The scope that is asked for. Belongs to the request; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_scope(
    pending: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { pending.as_ref() }, |request| Some(&request.scope))
}

/// What the application wanted to find again. Belongs to the request; no text where there is none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_return_to(
    pending: *const sipgate_oauth2_authorization_request,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { pending.as_ref() }, |request| request.return_to.as_ref())
}

/// When the pending login was made, in seconds since 1970; -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_created_at(pending: *const sipgate_oauth2_authorization_request) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { pending.as_ref() }.map_or(-1, |request| request.request.created_at())
}

/// From when on the callback is too late, in seconds since 1970; -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_ends_at(pending: *const sipgate_oauth2_authorization_request) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { pending.as_ref() }.map_or(-1, |request| request.request.ends_at())
}

/// Frees a pending login and the texts that belong to it. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_request_free(pending: *mut sipgate_oauth2_authorization_request) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(pending) };
}
