//! The core's events as lines of the logger `sipgate_oauth2`.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::prelude::*;
use sipgate_oauth2::Event;

use crate::attach;

const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;

/// The lowest level that anybody wants. Looked at before each call, so that a thread of the library's need not ask the interpreter.
static WANTED: AtomicU8 = AtomicU8::new(WARNING);

pub(crate) fn look(py: Python<'_>) {
    let wanted = is_imported(py).and_then(|imported| if imported { lowest(py) } else { Ok(WARNING) });
    WANTED.store(wanted.unwrap_or(WARNING), Ordering::Relaxed);
}

/// Told by the core, on whatever thread.
pub(crate) fn event(event: &Event) {
    let level = level(event);
    if level < WANTED.load(Ordering::Relaxed) {
        return;
    }
    let line = line(event);
    // A handler of the application's that fails is its own affair: nobody is there to be told.
    attach::entered(|py| drop(logger(py).and_then(|logger| logger.call_method1("log", (level, "%s", line)))));
}

/// A request that failed is no warning of its own: its caller is told, and what it means for a login has an event.
fn level(event: &Event) -> u8 {
    match event {
        Event::TokenRequest { .. } | Event::Renewed { .. } => DEBUG,
        event if event.is_warning() => WARNING,
        _ => INFO,
    }
}

fn line(event: &Event) -> String {
    match event {
        Event::RealmMismatch { named, used } => {
            format!("the client id names the realm {named}, but {used} is set and used; correct one of them")
        }
        Event::OddAnswer { member } => format!("{member} in the server's answer is of no use and counts as absent"),
        Event::TokenRequest { grant, duration, error, .. } => {
            let outcome = error.map_or("ok", |code| code.as_str());
            format!("token request {grant}: {outcome} after {} ms", duration.as_millis())
        }
        Event::LoggedIn { account, generation } => format!("account {account}: logged in, token set {generation}"),
        Event::Renewed { account, generation, duration } => {
            format!("account {account}: renewed, token set {generation} after {} ms", duration.as_millis())
        }
        Event::RenewalFailed { account, error } => format!("account {account}: not renewed, {error}; the login goes on"),
        Event::LoginEnded { account } => format!("account {account}: the server has ended the login; somebody must log in"),
        Event::LoggedOut { account } => format!("account {account}: logged out"),
        Event::Unsaved { account } => {
            format!("account {account}: new tokens are in memory only, as the store failed; it is tried again every second")
        }
        other => other.to_json(),
    }
}

/// Before `logging` is imported nobody can have asked for lines below its default, and importing it takes longer than all of this package.
fn is_imported(py: Python<'_>) -> PyResult<bool> {
    py.import("sys")?.getattr("modules")?.contains("logging")
}

fn lowest(py: Python<'_>) -> PyResult<u8> {
    let logger = logger(py)?;
    for level in [DEBUG, INFO] {
        if logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
            return Ok(level);
        }
    }
    Ok(WARNING)
}

fn logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("logging")?.call_method1("getLogger", ("sipgate_oauth2",))
}
