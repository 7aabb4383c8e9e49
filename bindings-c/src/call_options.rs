//! How long a call waits, and how it is cancelled.

use std::time::Duration;

use sipgate_oauth2::CallOptions;

use crate::arguments::handle;
use crate::boundary::{set, settings};
use crate::cancel_token::sipgate_oauth2_cancel_token;
use crate::error::sipgate_oauth2_error;
use crate::handle::{IntoHandle, boxed, free};
use crate::status::sipgate_oauth2_status;

/// What a call that blocks may take: a timeout, 30 seconds unless set; a token that cancels it; and
/// how long an access token must still be valid. Functions that take call options accept NULL for
/// the defaults. Timeout and cancelling end the caller's wait only: a token request that was sent
/// continues. Call options may be used for any number of calls.
pub struct sipgate_oauth2_call_options(Values);

#[derive(Clone, Default)]
pub(crate) struct Values {
    options: CallOptions,
    min_validity: Duration,
}

boxed!(sipgate_oauth2_call_options);
settings!(sipgate_oauth2_call_options(Values), "options");

/// New call options with the defaults. Never NULL. The caller owns them.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_call_options_new() -> *mut sipgate_oauth2_call_options {
    sipgate_oauth2_call_options(Values::default()).into_handle()
}

/// Wait no longer than `milliseconds`; 0 does not wait at all. Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_set_timeout_ms(
    options: *mut sipgate_oauth2_call_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { options: values.options.timeout(Duration::from_millis(milliseconds)), ..values })) }
}

/// Stop waiting when `cancel_token` is cancelled. The options keep what they need of it. Fails only
/// if an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_set_cancel_token(
    options: *mut sipgate_oauth2_call_options,
    cancel_token: *const sipgate_oauth2_cancel_token,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let cancel_token = &handle("cancel_token", cancel_token)?.0;
            Ok(Values { options: values.options.cancel_token(cancel_token), ..values })
        })
    }
}

/// The access token must still be valid for `milliseconds`, for example during an upload. A token
/// source honors at most 80 % of a token's lifetime; other calls ignore this. 0 unless set. Fails
/// only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_set_min_validity_ms(
    options: *mut sipgate_oauth2_call_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { min_validity: Duration::from_millis(milliseconds), ..values })) }
}

/// Frees call options. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_call_options_free(options: *mut sipgate_oauth2_call_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(options) };
}

/// The options that C passed, or the defaults.
///
/// # Safety
///
/// `options` is NULL or a live handle.
pub(crate) unsafe fn or_defaults(options: *const sipgate_oauth2_call_options) -> CallOptions {
    // SAFETY: NULL or a live handle.
    unsafe { options.as_ref() }.map_or_else(CallOptions::new, |options| options.0.options.clone())
}

/// For how long an access token must still be valid.
///
/// # Safety
///
/// As for [`or_defaults`].
pub(crate) unsafe fn min_validity(options: *const sipgate_oauth2_call_options) -> Duration {
    // SAFETY: NULL or a live handle.
    unsafe { options.as_ref() }.map_or(Duration::ZERO, |options| options.0.min_validity)
}
