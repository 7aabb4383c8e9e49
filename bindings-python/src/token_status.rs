//! `TokenStatus`.

use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2 as core;

use crate::errors;

/// How a login stands. Holds no secret.
#[pyclass(frozen, module = "sipgate_oauth2")]
pub(crate) struct TokenStatus(pub(crate) core::TokenStatus);

#[pymethods]
impl TokenStatus {
    /// `absent`, `active`, `refused` (the server has ended it: somebody must log in) or `logged_out`.
    #[getter]
    fn state(&self) -> &'static str {
        self.0.state.as_str()
    }

    /// Counts the token sets of this account, across logins.
    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    /// When the access token runs out, in seconds since 1970.
    #[getter]
    fn expires_at(&self) -> Option<i64> {
        self.0.expires_at
    }

    /// When the refresh token runs out, in seconds since 1970; a hint.
    #[getter]
    fn refresh_expires_at(&self) -> Option<i64> {
        self.0.refresh_expires_at
    }

    /// The scope that was granted.
    #[getter]
    fn scope<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.0.scope.as_deref().map(|scope| PyString::new(py, scope))
    }

    /// Why the last refresh failed, or why the login is over: an exception that was not raised.
    #[getter]
    fn last_error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.last_error.as_ref().map(|error| errors::exception(py, error).into_value(py).into_any())
    }

    /// Whether new tokens are held in memory, as the store could not be made to keep them yet.
    #[getter]
    fn unsaved(&self) -> bool {
        self.0.unsaved
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let number = |number: Option<i64>| number.map_or("None".to_owned(), |number| number.to_string());
        let scope = self.scope(py).map_or(Ok("None".to_owned()), |scope| scope.repr().map(|scope| scope.to_string()))?;
        Ok(format!(
            "TokenStatus(state='{}', generation={}, expires_at={}, refresh_expires_at={}, scope={scope}, last_error={}, unsaved={})",
            self.state(),
            self.0.generation,
            number(self.0.expires_at),
            number(self.0.refresh_expires_at),
            self.0.last_error.as_ref().map_or("None", |error| error.code().as_str()),
            if self.0.unsaved { "True" } else { "False" },
        ))
    }
}
