//! What the core must know about forks.

#[cfg(unix)]
use std::ffi::c_int;
#[cfg(unix)]
use std::panic::catch_unwind;
use std::sync::Once;

/// Tells the core of every fork from now on: it keeps every thread out of the database meanwhile,
/// as the child would have the half-done work, but not the thread.
pub(crate) fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(register);
}

#[cfg(unix)]
fn register() {
    unsafe extern "C" {
        fn pthread_atfork(prepare: Option<extern "C" fn()>, parent: Option<extern "C" fn()>, child: Option<extern "C" fn()>) -> c_int;
    }
    // SAFETY: the functions live as long as this library, take nothing and do not unwind. If they
    // cannot be registered, the store of a child that is forked at the wrong moment returns an
    // error.
    let _ = unsafe { pthread_atfork(Some(before), Some(after), Some(after)) };
}

#[cfg(not(unix))]
fn register() {}

#[cfg(unix)]
extern "C" fn before() {
    let _ = catch_unwind(sipgate_oauth2::binding::before_fork);
}

#[cfg(unix)]
extern "C" fn after() {
    let _ = catch_unwind(sipgate_oauth2::binding::after_fork);
}
