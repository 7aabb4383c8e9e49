//! The core's events as lines of the logger `sipgate_oauth2`.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use sipgate_oauth2::Event;

use crate::attach;

const DEBUG: u8 = 10;

/// Whether anybody wants debug lines. Looked at before each request, so that a thread of the library's need not ask the interpreter.
static WANTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn look(py: Python<'_>) {
    let wanted = is_imported(py).and_then(|imported| Ok(imported && logger(py)?.call_method1("isEnabledFor", (DEBUG,))?.is_truthy()?));
    WANTED.store(wanted.unwrap_or(false), Ordering::Relaxed);
}

/// Told by the core, on whatever thread.
pub(crate) fn event(event: &Event) {
    let (level, line) = match event {
        Event::RealmMismatch { named, used } => {
            ("warning", format!("the client id names the realm {named}, but {used} is set and used; correct one of them"))
        }
        Event::OddAnswer { member } => ("warning", format!("{member} in the server's answer is of no use and counts as absent")),
        Event::TokenRequest { grant, duration, error, .. } if WANTED.load(Ordering::Relaxed) => {
            let outcome = error.map_or("ok", |code| code.as_str());
            ("debug", format!("token request {grant}: {outcome} after {} ms", duration.as_millis()))
        }
        _ => return,
    };
    // A handler of the application's that fails is its own affair: nobody is there to be told.
    attach::entered(|py| drop(logger(py).and_then(|logger| logger.call_method1(level, ("%s", line)))));
}

/// Before `logging` is imported nobody can have asked for debug lines, and importing it takes longer than all of this package.
fn is_imported(py: Python<'_>) -> PyResult<bool> {
    py.import("sys")?.getattr("modules")?.contains("logging")
}

fn logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("logging")?.call_method1("getLogger", ("sipgate_oauth2",))
}
