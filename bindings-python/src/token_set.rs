//! The native half of `TokenSet`.

use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2::{RefreshParameters, TokenSet};

use crate::argument::{self, Any};
use crate::{call, json};

#[pyclass(frozen, eq, module = "sipgate_oauth2._native")]
#[derive(PartialEq)]
pub(crate) struct TokenSetHandle(pub(crate) TokenSet);

pub(crate) fn read(value: Any<'_, '_>) -> PyResult<TokenSet> {
    let expected = "a TokenSet; restore() makes one of saved tokens";
    argument::handle::<TokenSetHandle>("tokens", expected, value).map(|tokens| tokens.get().0.clone())
}

/// A refresh token, or the tokens that hold one.
pub(crate) fn refresh_parameters(value: Any<'_, '_>) -> PyResult<RefreshParameters> {
    if value.is_instance_of::<PyString>() {
        return argument::text("refresh_token", value).map(RefreshParameters::new);
    }
    let tokens = argument::handle::<TokenSetHandle>("refresh_token", "a str or a TokenSet", value)?;
    Ok(RefreshParameters::from(&tokens.get().0))
}

#[pymethods]
impl TokenSetHandle {
    #[staticmethod]
    fn restore(py: Python<'_>, tokens: Any<'_, '_>) -> PyResult<Self> {
        json::document("tokens", tokens, |text| call::work(py, "TokenSet.restore", || TokenSet::restore(text)).map(Self))
    }

    fn export(&self, py: Python<'_>) -> Py<PyString> {
        PyString::new(py, self.0.export().reveal()).unbind()
    }

    fn authorization_header(&self, py: Python<'_>) -> Py<PyString> {
        PyString::new(py, self.0.authorization_header().reveal()).unbind()
    }

    #[getter]
    fn access_token(&self) -> &str {
        self.0.access_token().reveal()
    }

    #[getter]
    fn token_type(&self) -> &str {
        self.0.token_type()
    }

    #[getter]
    fn refresh_token(&self) -> Option<&str> {
        self.0.refresh_token().map(|token| token.reveal())
    }

    #[getter]
    fn id_token(&self) -> Option<&str> {
        self.0.id_token().map(|token| token.reveal())
    }

    #[getter]
    fn id_token_kept(&self) -> bool {
        self.0.id_token_kept()
    }

    #[getter]
    fn id_token_verified(&self) -> bool {
        self.0.id_token_verified()
    }

    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.claims().map(|claims| json::object(py, claims.as_map())).transpose()
    }

    #[getter]
    fn scope(&self) -> Option<&str> {
        self.0.scope()
    }

    #[getter]
    fn expires_at(&self) -> Option<i64> {
        self.0.expires_at()
    }

    #[getter]
    fn refresh_expires_at(&self) -> Option<i64> {
        self.0.refresh_expires_at()
    }

    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::object(py, self.0.extra())
    }
}
