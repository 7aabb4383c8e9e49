//! The one way into the core: catch a panic, release the interpreter while something waits, map the
//! error. Nothing else calls a function of the core that waits, and no lock is held while a thread
//! waits for the interpreter.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;
use sipgate_oauth2::{Error, Result};

use crate::errors;

/// Work that does not wait, done without releasing the interpreter.
pub(crate) fn work<T>(py: Python<'_>, place: &'static str, work: impl FnOnce() -> Result<T>) -> PyResult<T> {
    caught(place, work).map_err(|error| errors::exception(py, &error))
}

/// Work that waits or takes a lock, done without the interpreter.
pub(crate) fn outside<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught("a call", work)).map_err(|error| errors::exception(py, &error))
}

fn caught<T>(place: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::caught_panic(place)))
}
