//! The end of an interpreter: a refresh that nobody waits for any more is stored all the same, and then no thread of the library enters.

use std::thread;
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::interpreter;

/// How long the end may take: also where a store or an event handler of the application never returns.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is left of it for functions of the application to notice that they are interrupted.
const INTERRUPTION: Duration = Duration::from_millis(500);

/// Ctrl-C may mean the wait.
const SLICE: Duration = Duration::from_millis(100);

const POLL: Duration = Duration::from_millis(1);

/// Called by `atexit`, when all threads but daemons have ended and stores of the application still work.
#[pyfunction]
pub(crate) fn end(py: Python<'_>) -> PyResult<()> {
    let deadline = Instant::now() + PATIENCE;
    if is_finalizing(py)? {
        // A sub-interpreter that was left to the end of the main one: a thread that left it could not come back, and no other could enter.
        interpreter::close();
        sipgate_oauth2::settle(PATIENCE);
        return Ok(());
    }
    let settled = wait(py, deadline - INTERRUPTION, sipgate_oauth2::settle);
    if is_main_interpreter() {
        interpreter::close();
        wait(py, deadline - INTERRUPTION, nobody_is_inside)?;
        interpreter::interrupt(py);
        wait(py, deadline, nobody_is_inside)?;
    }
    settled
}

fn nobody_is_inside(patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !interpreter::is_empty() && Instant::now() < until {
        thread::sleep(POLL);
    }
    interpreter::is_empty()
}

/// Outside the interpreter, until `done` says so or it is too late.
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
