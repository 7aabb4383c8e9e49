//! How long a call waits, and how it is cancelled.

use std::time::Duration;

use sipgate_oauth2::{Call, CancelToken};

use crate::arguments::{self, handle, handle_mut};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;

/// Cancels the calls it was given to, once and for all. sipgate_oauth2_cancel_token_cancel may be called from any thread while others wait.
pub struct sipgate_oauth2_cancel_token(CancelToken);

/// What one call may take and wants: a timeout, 30 seconds unless set, something that cancels it, and how long an access token must still live. Where a
/// function takes one, NULL means the defaults. Timeout and cancel end the caller's wait only: a token request that has left goes on by itself. May be used
/// for any number of calls; several threads may use it at once as long as none changes it.
pub struct sipgate_oauth2_call_options(Call);

/// A new cancel that is not triggered. Never NULL. Free it with sipgate_oauth2_cancel_token_free.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_cancel_token_new() -> *mut sipgate_oauth2_cancel_token {
    Box::into_raw(Box::new(sipgate_oauth2_cancel_token(CancelToken::new())))
}

/// Ends the wait of every call that has this cancel, now and later; they return SIPGATE_CANCELLED. Any thread. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_cancel_token_cancel(cancel: *const sipgate_oauth2_cancel_token) {
    // SAFETY: NULL or a live handle.
    let Some(cancel) = (unsafe { cancel.as_ref() }) else { return };
    // SAFETY: no place for an error is passed.
    unsafe {
        boundary::run(std::ptr::null_mut(), || {
            cancel.0.cancel();
            Ok(())
        })
    };
}

/// Frees a cancel. Calls that have it keep what they need of it, so the order does not matter. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_cancel_token_free(cancel: *mut sipgate_oauth2_cancel_token) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(cancel) };
}

/// A new call with the defaults. Never NULL. Free it with sipgate_oauth2_call_options_free.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_call_options_new() -> *mut sipgate_oauth2_call_options {
    Box::into_raw(Box::new(sipgate_oauth2_call_options(Call::new())))
}

/// Wait no longer than `milliseconds`; 0 does not wait at all. Fails for a NULL call only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_set_timeout_ms(
    call: *mut sipgate_oauth2_call_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let call = handle_mut("call", call)?;
            call.0 = call.0.clone().timeout(Duration::from_millis(milliseconds));
            Ok(())
        })
    }
}

/// Stop waiting when `cancel` is triggered. The call keeps what it needs of `cancel`, which may be freed before it. Fails for NULL only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_set_cancel_token(
    call: *mut sipgate_oauth2_call_options,
    cancel: *const sipgate_oauth2_cancel_token,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let call = handle_mut("call", call)?;
            call.0 = call.0.clone().cancel_token(&handle("cancel", cancel)?.0);
            Ok(())
        })
    }
}

/// Of a token source: the access token must still live for `milliseconds`, as for an upload. It counts up to 80 % of a token's whole life. 0
/// unless set. Fails for a NULL call only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_set_min_validity_ms(
    call: *mut sipgate_oauth2_call_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let call = handle_mut("call", call)?;
            call.0 = call.0.clone().min_validity(Duration::from_millis(milliseconds));
            Ok(())
        })
    }
}

/// Frees a call. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_free(call: *mut sipgate_oauth2_call_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(call) };
}

/// The call that C passed, or the defaults.
///
/// # Safety
///
/// `call` is NULL or a live handle.
pub(crate) unsafe fn or_defaults(call: *const sipgate_oauth2_call_options) -> Call {
    // SAFETY: NULL or a live handle.
    unsafe { call.as_ref() }.map_or_else(Call::new, |call| call.0.clone())
}
