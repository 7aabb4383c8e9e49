//! The state of a login.

use sipgate_oauth2::TokenStatus;

use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::text::{Text, lend, sipgate_oauth2_str};

/// The state of a login. It contains no secret and never changes; any number of threads may use it.
pub struct sipgate_oauth2_token_status {
    status: TokenStatus,
    state: Text,
    scope: Option<Text>,
    last_error: Option<sipgate_oauth2_error>,
}

boxed!(sipgate_oauth2_token_status);

impl From<TokenStatus> for sipgate_oauth2_token_status {
    fn from(status: TokenStatus) -> Self {
        Self {
            state: status.state.as_str().into(),
            scope: status.scope.as_deref().map(Text::from),
            last_error: status.last_error.clone().map(sipgate_oauth2_error::from),
            status,
        }
    }
}

/// Whether there is a login: "absent" if none is stored, "active", "rejected" if the server no
/// longer accepts it, or "logged_out". Borrowed from the status; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_state(status: *const sipgate_oauth2_token_status) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { status.as_ref() }, |status| Some(&status.state))
}

/// Counts the token sets of the account, over all its logins; 0 if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_generation(status: *const sipgate_oauth2_token_status) -> u64 {
    // SAFETY: NULL or a live handle.
    unsafe { status.as_ref() }.map_or(0, |status| status.status.generation)
}

/// When the access token expires, in seconds since 1970; -1 if that is not known, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_expires_at(status: *const sipgate_oauth2_token_status) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { status.as_ref() }.and_then(|status| status.status.expires_at).unwrap_or(-1)
}

/// When the refresh token expires, as a hint, in seconds since 1970; -1 if that is not known, or if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_refresh_expires_at(status: *const sipgate_oauth2_token_status) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { status.as_ref() }.and_then(|status| status.status.refresh_expires_at).unwrap_or(-1)
}

/// The scope that was granted. Borrowed from the status; empty if it is not known, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_scope(status: *const sipgate_oauth2_token_status) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { status.as_ref() }, |status| status.scope.as_ref())
}

/// Why the last refresh failed, or why the login ended; NULL if neither happened, or if NULL.
/// Borrowed from the status: do not free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_last_error(status: *const sipgate_oauth2_token_status) -> *const sipgate_oauth2_error {
    // SAFETY: NULL or a live handle.
    let error = unsafe { status.as_ref() }.and_then(|status| status.last_error.as_ref());
    error.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Whether new tokens are only in memory, as the store failed to save them so far. False if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_unsaved(status: *const sipgate_oauth2_token_status) -> bool {
    // SAFETY: NULL or a live handle.
    unsafe { status.as_ref() }.is_some_and(|status| status.status.unsaved)
}

/// Frees a status. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_status_free(status: *mut sipgate_oauth2_token_status) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(status) };
}
