//! `AuthorizationRequest`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2 as core;

use crate::{argument, door};

/// A pending login: the URL to send the person to, and what must be there again when the callback comes.
///
/// It lives for 30 minutes and can be used once. Keep it in the person's own session, on the server or in an `HttpOnly` cookie, as `export`ed
/// text: looked up by `state` alone it would not be tied to the browser, and anybody's callback would do.
#[pyclass(frozen, module = "sipgate_oauth2")]
pub(crate) struct AuthorizationRequest(pub(crate) core::AuthorizationRequest);

pub(crate) fn read<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a core::AuthorizationRequest> {
    let expected = "an AuthorizationRequest; restore() makes one of exported text";
    let request = value.cast::<AuthorizationRequest>().map_err(|_| argument::wrong_type("pending", expected, value))?;
    Ok(&request.get().0)
}

#[pymethods]
impl AuthorizationRequest {
    /// A pending login from the text that `export` gave, in this or any other language of the library.
    #[staticmethod]
    #[pyo3(signature = (exported, /))]
    fn restore(py: Python<'_>, exported: &Bound<'_, PyAny>) -> PyResult<Self> {
        let exported = argument::text("pending", exported)?;
        door::work(py, "AuthorizationRequest.restore", || core::AuthorizationRequest::restore(exported)).map(Self)
    }

    /// One text that holds all of it, of characters that a cookie can hold; the same in all languages. It contains the code verifier.
    fn export<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.export().reveal())
    }

    /// The URL to send the person's browser to.
    #[getter]
    fn url<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.url())
    }

    /// The `state` in the URL, which must come back with the callback (RFC 6749, section 10.12).
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.state())
    }

    /// The `nonce` in the URL, which an ID token repeats (OpenID Connect Core, section 3.1.2.1).
    #[getter]
    fn nonce<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.nonce())
    }

    /// The redirect URI, character for character as given.
    #[getter]
    fn redirect_uri<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.redirect_uri())
    }

    /// The scope that is asked for, as one text.
    #[getter]
    fn scope<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.scope())
    }

    /// What the application wanted to find again.
    #[getter]
    fn return_to<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.0.return_to().map(|return_to| PyString::new(py, return_to))
    }

    /// When the pending login was made, in seconds since 1970.
    #[getter]
    fn created_at(&self) -> i64 {
        self.0.created_at()
    }

    /// From when on the callback is too late, in seconds since 1970.
    #[getter]
    fn ends_at(&self) -> i64 {
        self.0.ends_at()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (scope, redirect_uri) = (self.scope(py).repr()?, self.redirect_uri(py).repr()?);
        Ok(format!("AuthorizationRequest(scope={scope}, redirect_uri={redirect_uri}, ends_at={}, …)", self.0.ends_at()))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "an AuthorizationRequest can be used once and is not pickled or copied; keep the text that export() gives",
        ))
    }
}
