//! The end of an interpreter: a refresh in flight is stored first, even if no caller waits for it.
//! After that no thread of the library enters the interpreter.

use std::thread;
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::interpreter;

/// How long the end may take, even if a custom store or an event handler never returns.
const PATIENCE: Duration = Duration::from_secs(5);

/// The part of it in which functions of the application can notice the interruption.
const INTERRUPTION: Duration = Duration::from_millis(500);

/// How often the wait is interrupted to handle signals: Ctrl-C may be meant for it.
const SLICE: Duration = Duration::from_millis(100);

const POLL: Duration = Duration::from_millis(1);

/// Called by `atexit`, when all threads but daemons have ended and custom stores still work.
#[pyfunction]
pub(crate) fn end(py: Python<'_>) -> PyResult<()> {
    let deadline = Instant::now() + PATIENCE;
    if is_finalizing(py)? {
        // A sub-interpreter that ends together with the main one: a thread that releases it cannot
        // enter it again, and no other thread can.
        interpreter::close();
        sipgate_oauth2::drain(PATIENCE);
        return Ok(());
    }
    let drained = wait(py, deadline - INTERRUPTION, sipgate_oauth2::drain);
    if is_main_interpreter() {
        interpreter::close();
        wait(py, deadline - INTERRUPTION, nobody_is_inside)?;
        interpreter::interrupt(py);
        wait(py, deadline, nobody_is_inside)?;
    }
    drained
}

fn nobody_is_inside(patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !interpreter::is_empty() && Instant::now() < until {
        thread::sleep(POLL);
    }
    interpreter::is_empty()
}

/// Waits without the interpreter until `done` returns true or the deadline has passed.
fn wait(py: Python<'_>, deadline: Instant, done: impl Fn(Duration) -> bool + Sync) -> PyResult<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if py.detach(|| done(left.min(SLICE))) || left.is_zero() {
            return Ok(());
        }
        py.check_signals()?;
    }
}

fn is_finalizing(py: Python<'_>) -> PyResult<bool> {
    py.import("sys")?.call_method0("is_finalizing")?.is_truthy()
}

fn is_main_interpreter() -> bool {
    // SAFETY: this thread is attached to an interpreter.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) == 0 }
}
