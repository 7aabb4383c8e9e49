//! Secrets come out owned: a borrowed one would dangle when another thread replaces it.

use std::sync::Arc;

use crate::arguments;
use crate::text::{Text, lend, sipgate_oauth2_str};

/// A text that must not show: a token, an exported login. It is the caller's, independent of where it came from, to be freed with sipgate_oauth2_secret_free; its
/// memory is wiped when nothing has it any more. Any number of threads may read it.
pub struct sipgate_oauth2_secret(Text);

/// Shared, as one access token is given to many callers.
pub(crate) type SharedSecret = Arc<sipgate_oauth2_secret>;

impl sipgate_oauth2_secret {
    pub(crate) fn new(text: &str) -> SharedSecret {
        Arc::new(Self(Text::from(text)))
    }
}

/// The text itself. Belongs to the secret; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_secret_text(secret: *const sipgate_oauth2_secret) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { secret.as_ref() }, |secret| Some(&secret.0))
}

/// Frees a secret. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_secret_free(secret: *mut sipgate_oauth2_secret) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free_shared(secret) };
}
