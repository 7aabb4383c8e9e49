//! Errors.

use std::error::Error as _;
use std::ffi::c_char;

use sipgate_oauth2::Error;

use crate::handle::{boxed, free};
use crate::status::{Status, sipgate_oauth2_status, sipgate_oauth2_status_family, sipgate_oauth2_status_name};
use crate::text::{Text, lend, sipgate_oauth2_str};

/// What went wrong, and what to do about it. Any number of threads may read it.
pub struct sipgate_oauth2_error {
    error: Error,
    message: Text,
    remedy: Text,
    oauth_error: Option<Text>,
    oauth_error_description: Option<Text>,
    oauth_error_uri: Option<Text>,
    refresh_token: Option<Text>,
    cause: Option<Text>,
}

boxed!(sipgate_oauth2_error);

impl From<Error> for sipgate_oauth2_error {
    fn from(error: Error) -> Self {
        Self {
            message: Text::from(error.to_string().as_str()),
            remedy: Text::from(error.remedy().as_str()),
            oauth_error: error.oauth_error().map(Text::from),
            oauth_error_description: error.oauth_error_description().map(Text::from),
            oauth_error_uri: error.oauth_error_uri().map(Text::from),
            refresh_token: error.refresh_token().map(|token| token.reveal().into()),
            cause: error.source().map(|cause| cause.to_string().as_str().into()),
            error,
        }
    }
}

/// The status that the function returned. SIPGATE_OK if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_status(error: *const sipgate_oauth2_error) -> sipgate_oauth2_status {
    // SAFETY: NULL or a live handle.
    unsafe { error.as_ref() }.map_or(Status::SIPGATE_OK as sipgate_oauth2_status, |error| error.error.code().number())
}

/// The name of its status, such as "SIPGATE_LOGIN_REQUIRED"; "SIPGATE_OK" if NULL. Never NULL.
/// Static: do not free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_name(error: *const sipgate_oauth2_error) -> *const c_char {
    // SAFETY: NULL or a live handle.
    sipgate_oauth2_status_name(unsafe { sipgate_oauth2_error_status(error) })
}

/// The family of its status, such as "LoginRequiredError"; "" if NULL. Never NULL. Static: do not
/// free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_family(error: *const sipgate_oauth2_error) -> *const c_char {
    // SAFETY: NULL or a live handle.
    sipgate_oauth2_status_family(unsafe { sipgate_oauth2_error_status(error) })
}

/// One line that says what is wrong and what to do. It contains no secret. Borrowed from the error;
/// empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_message(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| Some(&error.message))
}

/// What to do about this error: "log_in_again", "fix_configuration", "try_later",
/// "discard_input", "show_denied" or "report_bug". Borrowed from the error; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_remedy(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| Some(&error.remedy))
}

/// Whether the same call may succeed later: the remedy is "try_later". False if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_retryable(error: *const sipgate_oauth2_error) -> bool {
    // SAFETY: NULL or a live handle.
    unsafe { error.as_ref() }.is_some_and(|error| error.error.retryable())
}

/// How long to wait, in milliseconds, if the server said so (Retry-After); -1 if it did not, or if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_retry_after_ms(error: *const sipgate_oauth2_error) -> i64 {
    // SAFETY: NULL or a live handle.
    let after = unsafe { error.as_ref() }.and_then(|error| error.error.retry_after());
    after.map_or(-1, |after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX))
}

/// The response's HTTP status; 0 if there was no response, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_http_status(error: *const sipgate_oauth2_error) -> u32 {
    // SAFETY: NULL or a live handle.
    unsafe { error.as_ref() }.and_then(|error| error.error.status()).map_or(0, u32::from)
}

/// The `error` member of an OAuth response or callback (RFC 6749, sections 4.1.2.1 and 5.2), to
/// compare with. Borrowed from the error; empty if there is none, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_oauth_error(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| error.oauth_error.as_ref())
}

/// The server's description, for logs and people. Borrowed from the error; empty if there is none,
/// or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_oauth_error_description(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| error.oauth_error_description.as_ref())
}

/// The server's page about the error. Borrowed from the error; empty if there is none, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_oauth_error_uri(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| error.oauth_error_uri.as_ref())
}

/// The refresh token to go on with, if sipgate_oauth2_client_refresh has received one in a response
/// of which nothing else can be used. Keep it in place of the old one, which the server may not
/// accept any more. It is a secret. Borrowed from the error; empty if there is none, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_refresh_token(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| error.refresh_token.as_ref())
}

/// What caused it, such as the message of a custom store. Borrowed from the error; empty if that is
/// not known, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_cause(error: *const sipgate_oauth2_error) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { error.as_ref() }, |error| error.cause.as_ref())
}

/// Frees an error. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_error_free(error: *mut sipgate_oauth2_error) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(error) };
}
