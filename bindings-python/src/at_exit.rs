//! The end of the interpreter: a refresh that nobody waits for any more is stored all the same.

use std::time::Duration;

use pyo3::prelude::*;

/// In slices, as Ctrl-C may mean it.
const SLICE: Duration = Duration::from_millis(100);
const SLICES: u32 = 50;

/// Called by `atexit`, when all threads but daemons have ended and stores of the application's still work.
#[pyfunction]
pub(crate) fn settle(py: Python<'_>) -> PyResult<()> {
    for _ in 0..SLICES {
        if py.detach(|| sipgate_oauth2::settle(SLICE)) {
            return Ok(());
        }
        py.check_signals()?;
    }
    Ok(())
}
