//! JSON on its way out, as the caller's own.

use crate::handle::{boxed, free};
use crate::text::{Text, lend, sipgate_oauth2_str};

/// JSON text. It does not depend on the handle it came from. It may have personal data, and its
/// memory is wiped when it is freed. Any number of threads may read it.
pub struct sipgate_oauth2_json(Text);

boxed!(sipgate_oauth2_json);

impl From<String> for sipgate_oauth2_json {
    fn from(json: String) -> Self {
        Self(json.as_str().into())
    }
}

/// The text itself. Borrowed from the JSON; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_json_text(json: *const sipgate_oauth2_json) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { json.as_ref() }, |json| Some(&json.0))
}

/// Wipes and frees JSON. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_json_free(json: *mut sipgate_oauth2_json) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(json) };
}
