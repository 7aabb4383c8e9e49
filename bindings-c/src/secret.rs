//! Secrets leave owned: a borrowed one would dangle when another thread replaces it.

use std::sync::Arc;

use crate::handle::{Handle, IntoHandle, Owner, free};
use crate::text::{Text, lend, sipgate_oauth2_str};

/// A text that must not be shown, such as a token or an exported login. It does not depend on the
/// handle it came from. Its memory is wiped when nothing uses it any more. Any number of threads
/// may read it.
pub struct sipgate_oauth2_secret(Text);

/// Shared, as many callers get one access token.
pub(crate) type SharedSecret = Arc<sipgate_oauth2_secret>;

impl Handle for sipgate_oauth2_secret {
    type Owner = SharedSecret;
}

impl sipgate_oauth2_secret {
    pub(crate) fn new(text: &str) -> SharedSecret {
        Arc::new(Self(Text::from(text)))
    }
}

impl IntoHandle<sipgate_oauth2_secret> for SharedSecret {
    fn into_handle(self) -> *mut sipgate_oauth2_secret {
        Owner::into_raw(self)
    }
}

impl IntoHandle<sipgate_oauth2_secret> for Option<SharedSecret> {
    fn into_handle(self) -> *mut sipgate_oauth2_secret {
        self.map_or(std::ptr::null_mut(), Owner::into_raw)
    }
}

/// The text itself. Borrowed from the secret; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_secret_text(secret: *const sipgate_oauth2_secret) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { secret.as_ref() }, |secret| Some(&secret.0))
}

/// Frees a secret, and wipes its memory unless something else still uses it. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_secret_free(secret: *mut sipgate_oauth2_secret) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(secret) };
}
