//! The core's errors as Python exceptions. The classes are in `errors.py`, and are looked up when
//! one is needed.

use std::error::Error;
use std::iter;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::{ErrorCode, Family, RefreshToken};

use crate::raised::Raised;

/// Every code with its number and the name of its family's class.
#[pyfunction]
pub(crate) fn error_codes() -> Vec<(&'static str, u32, &'static str)> {
    ErrorCode::ALL.iter().map(|code| (code.as_str(), code.number(), code.family().as_str())).collect()
}

/// The exception for this error, or the one that Python raised while it was made, as when memory is
/// full.
pub(crate) fn exception(py: Python<'_>, error: &core::Error) -> PyErr {
    make(py, error).unwrap_or_else(|failure| failure)
}

fn make(py: Python<'_>, error: &core::Error) -> PyResult<PyErr> {
    let exception = class(py, error)?.call1((
        error.to_string(),
        error.code().as_str(),
        error.remedy().as_str(),
        error.retry_after().map(|time| time.as_secs_f64()),
        error.status(),
        error.oauth_error(),
        error.oauth_error_description(),
        error.oauth_error_uri(),
        error.refresh_token().map(RefreshToken::reveal),
    ))?;
    let exception = PyErr::from_value(exception);
    if let Some(cause) = error.source() {
        exception.set_cause(py, Some(raised(py, cause).unwrap_or_else(|| PyException::new_err(cause.to_string()))));
    }
    Ok(exception)
}

/// The exception of a custom store.
fn raised(py: Python<'_>, cause: &(dyn Error + 'static)) -> Option<PyErr> {
    let raised = iter::successors(Some(cause), |cause| (*cause).source()).find_map(|cause| cause.downcast_ref::<Raised>());
    raised.map(|raised| raised.0.clone_ref(py))
}

/// The class of the family, or that of the code if it is also one of Python's built-in classes.
fn class<'py>(py: Python<'py>, error: &core::Error) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("sipgate_oauth2.errors")?;
    let name = match error.code() {
        ErrorCode::InvalidArgument => "InvalidArgumentError",
        ErrorCode::Timeout => "CallTimeoutError",
        code => Family::as_str(code.family()),
    };
    module.getattr(name)
}
