//! What the core wants to know about forks.

#[cfg(unix)]
use std::ffi::c_int;
use std::panic::catch_unwind;
use std::sync::Once;

/// Has the core told of every fork from here on: no thread is inside the database then, as the child would have its half-done work and not the thread.
pub(crate) fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(register);
}

#[cfg(unix)]
fn register() {
    unsafe extern "C" {
        fn pthread_atfork(prepare: Option<extern "C" fn()>, parent: Option<extern "C" fn()>, child: Option<extern "C" fn()>) -> c_int;
    }
    // SAFETY: the functions live as long as this library, take nothing and do not unwind. Where they cannot be registered, a child that is forked
    // at the wrong moment is told so by an error of its store.
    let _ = unsafe { pthread_atfork(Some(before), Some(after), Some(after)) };
}

#[cfg(not(unix))]
fn register() {}

extern "C" fn before() {
    let _ = catch_unwind(sipgate_oauth2::before_fork);
}

extern "C" fn after() {
    let _ = catch_unwind(sipgate_oauth2::after_fork);
}
