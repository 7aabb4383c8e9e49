//! `CancelToken`.

use pyo3::prelude::*;
use sipgate_oauth2 as core;

use crate::{argument, door};

/// Cancels the calls it was given to, from any thread, once and for all.
#[pyclass(frozen, module = "sipgate_oauth2")]
pub(crate) struct CancelToken(core::CancelToken);

pub(crate) fn read(value: &Bound<'_, PyAny>) -> PyResult<core::CancelToken> {
    let token = value.cast::<CancelToken>().map_err(|_| argument::wrong_type("cancel", "a CancelToken", value))?;
    Ok(token.get().0.clone())
}

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self {
        Self(core::CancelToken::new())
    }

    /// Ends the wait of every call that has this token, now and later.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        door::outside(py, || {
            self.0.cancel();
            Ok(())
        })
    }

    /// Whether `cancel` was called.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn __repr__(&self) -> &'static str {
        if self.0.is_cancelled() { "CancelToken(cancelled=True)" } else { "CancelToken(cancelled=False)" }
    }
}
