//! The exit of the process: a refresh that no caller waits for any more is stored all the same.

use std::ffi::c_int;
use std::panic::catch_unwind;
use std::sync::Once;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// Makes `exit` wait for requests whose outcome is not stored yet.
pub(crate) fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        unsafe extern "C" {
            fn atexit(function: extern "C" fn()) -> c_int;
        }
        // SAFETY: the function lives as long as this library, takes nothing and does not unwind. If
        // it cannot be registered, the process ends as if it was killed.
        let _ = unsafe { atexit(drain) };
    });
}

extern "C" fn drain() {
    let _ = catch_unwind(|| sipgate_oauth2::drain(PATIENCE));
}
