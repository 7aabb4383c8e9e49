//! `TokenSet`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};
use sipgate_oauth2 as core;
use sipgate_oauth2::Secret;

use crate::{argument, door, json};

/// The tokens of one login, and what the server said about them. It never changes: a refresh gives a new one.
#[pyclass(frozen, eq, module = "sipgate_oauth2")]
#[derive(PartialEq)]
pub(crate) struct TokenSet(pub(crate) core::TokenSet);

pub(crate) fn read<'a>(value: &'a Bound<'_, PyAny>) -> Option<&'a core::TokenSet> {
    value.cast::<TokenSet>().ok().map(|tokens| &tokens.get().0)
}

#[pymethods]
impl TokenSet {
    /// Tokens from a JSON object with the RFC's names, as text or as a mapping: one that `export` gave, or that Authlib, requests-oauthlib,
    /// simple-oauth2 or openid-client saved. With `expires_in` alone the age is unknown, and the access token counts as expired.
    #[staticmethod]
    #[pyo3(signature = (tokens, /))]
    fn restore(py: Python<'_>, tokens: &Bound<'_, PyAny>) -> PyResult<Self> {
        if tokens.is_instance_of::<PyString>() {
            let tokens = argument::text("tokens", tokens)?;
            return door::work(py, "TokenSet.restore", || core::TokenSet::restore(tokens)).map(Self);
        }
        let mapping = tokens.cast::<PyMapping>().map_err(|_| argument::wrong_type("tokens", "a str or a mapping", tokens))?;
        let text = Secret::from(json::text("tokens", mapping)?);
        door::work(py, "TokenSet.restore", || core::TokenSet::restore(text.reveal())).map(Self)
    }

    /// A JSON object with all of it, as text; the same in all languages. It contains the tokens.
    fn export<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.export().reveal())
    }

    /// The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1).
    fn authorization_header<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.authorization_header().reveal())
    }

    /// The access token.
    #[getter]
    fn access_token<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.access_token().reveal())
    }

    /// The token's type as the server wrote it, `Bearer` where it did not.
    #[getter]
    fn token_type<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.token_type())
    }

    /// The refresh token; after a refresh whose answer had none, the one that was used.
    #[getter]
    fn refresh_token<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.0.refresh_token().map(|token| PyString::new(py, token.reveal()))
    }

    /// The ID token as the server sent it. This version does not judge its contents.
    #[getter]
    fn id_token<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.0.id_token().map(|token| PyString::new(py, token.reveal()))
    }

    /// Whether the ID token is from an earlier answer, as the last refresh brought none.
    #[getter]
    fn id_token_kept(&self) -> bool {
        self.0.id_token_kept()
    }

    /// The scope that was granted, space-separated; what was asked for where the server did not say.
    #[getter]
    fn scope<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.0.scope().map(|scope| PyString::new(py, scope))
    }

    /// When the access token runs out, in seconds since 1970. `None`: the server did not say, and there is no refresh token.
    #[getter]
    fn expires_at(&self) -> Option<i64> {
        self.0.expires_at()
    }

    /// When the refresh token runs out, in seconds since 1970; a hint. `None`: not said, or said as 0, which means unknown.
    #[getter]
    fn refresh_expires_at(&self) -> Option<i64> {
        self.0.refresh_expires_at()
    }

    /// Members of the answer that have no meaning here, such as `session_state`: a new `dict` each time.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::object(py, self.0.extra())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = |text: Option<Bound<'_, PyString>>| text.map_or(Ok("None".to_owned()), |text| text.repr().map(|text| text.to_string()));
        let redacted = |there: bool| if there { "[redacted]" } else { "None" };
        let number = |number: Option<i64>| number.map_or("None".to_owned(), |number| number.to_string());
        Ok(format!(
            "TokenSet(access_token=[redacted], refresh_token={}, id_token={}, scope={}, expires_at={}, refresh_expires_at={}, …)",
            redacted(self.0.refresh_token().is_some()),
            redacted(self.0.id_token().is_some()),
            shown(self.scope(py))?,
            number(self.0.expires_at()),
            number(self.0.refresh_expires_at()),
        ))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a TokenSet holds secrets and is not pickled or copied; keep the text that export() gives"))
    }
}
