//! The core's events as lines of the logger `sipgate_oauth2`.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::prelude::*;
use sipgate_oauth2::Event;

use crate::interpreter;

const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;

/// The lowest level that is enabled. Updated before each call, so that a thread of the library need
/// not ask the interpreter.
static WANTED: AtomicU8 = AtomicU8::new(WARNING);

pub(crate) fn look(py: Python<'_>) {
    let wanted = is_imported(py).and_then(|imported| if imported { lowest(py) } else { Ok(WARNING) });
    WANTED.store(wanted.unwrap_or(WARNING), Ordering::Relaxed);
}

/// Called by the core, on any thread.
pub(crate) fn event(event: &Event) {
    let level = level(event);
    if level < WANTED.load(Ordering::Relaxed) {
        return;
    }
    let line = event.to_string();
    // There is no caller to whom the failure of a logging handler could be reported.
    interpreter::entered(|py| drop(write(py, level, &line)));
}

/// Writes nothing if logging is not set up: Python would write warnings to stderr.
fn write(py: Python<'_>, level: u8, line: &str) -> PyResult<()> {
    if !is_imported(py)? {
        return Ok(());
    }
    let logger = logger(py)?;
    if logger.getattr("handlers")?.is_empty()? {
        logger.call_method1("addHandler", (py.import("logging")?.getattr("NullHandler")?.call0()?,))?;
    }
    logger.call_method1("log", (level, "%s", line)).map(drop)
}

/// A failed request is not a warning by itself: its caller gets the error, and its consequence for
/// a login has an event.
fn level(event: &Event) -> u8 {
    match event {
        Event::TokenRequest { .. } | Event::Refreshed { .. } => DEBUG,
        event if event.is_warning() => WARNING,
        _ => INFO,
    }
}

/// Before `logging` is imported no level below its default can be enabled, and importing it takes
/// longer than all of this package.
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
