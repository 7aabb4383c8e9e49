//! Secrets come out owned: a borrowed one would dangle when another thread replaces it.

use crate::arguments;
use crate::text::{Text, lend, sipgate_str};

/// A text that must not show: a token, an exported login. It is the caller's, independent of where it came from, and its memory is wiped when it is
/// freed with sipgate_secret_free. Any number of threads may read it.
pub struct sipgate_secret(Text);

impl From<&str> for sipgate_secret {
    fn from(text: &str) -> Self {
        Self(Text::from(text))
    }
}

/// The text itself. Belongs to the secret; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_secret_text(secret: *const sipgate_secret) -> sipgate_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { secret.as_ref() }, |secret| Some(&secret.0))
}

/// Wipes and frees a secret. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_secret_free(secret: *mut sipgate_secret) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(secret) };
}
