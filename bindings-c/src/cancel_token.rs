//! What cancels calls.

use sipgate_oauth2::CancelToken;

use crate::boundary;
use crate::handle::{IntoHandle, boxed, free};

/// Cancels the calls that have it in their options, once and for all. Any number of threads may use
/// it.
pub struct sipgate_oauth2_cancel_token(pub(crate) CancelToken);

boxed!(sipgate_oauth2_cancel_token);

/// A new token that is not cancelled. Never NULL. The caller owns it.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_cancel_token_new() -> *mut sipgate_oauth2_cancel_token {
    sipgate_oauth2_cancel_token(CancelToken::new()).into_handle()
}

/// Ends the wait of every call that has this token, now and later: it returns SIPGATE_CANCELLED.
/// This changes the token; it is `const` all the same, as any thread may do it while others wait.
/// Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_cancel_token_cancel(cancel_token: *const sipgate_oauth2_cancel_token) {
    // SAFETY: NULL or a live handle.
    let Some(cancel_token) = (unsafe { cancel_token.as_ref() }) else { return };
    // SAFETY: no place for an error is passed.
    unsafe {
        boundary::run(std::ptr::null_mut(), || {
            cancel_token.0.cancel();
            Ok(())
        })
    };
}

/// Frees a token. Call options that have it keep what they need of it. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_cancel_token_free(cancel_token: *mut sipgate_oauth2_cancel_token) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(cancel_token) };
}
