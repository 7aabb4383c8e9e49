//! The native half of `AuthorizationRequest`.

use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2::{AuthorizationParameters, AuthorizationRequest};

use crate::argument::{self, Any, Keywords, Setter};
use crate::{call, json, store_options};

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct AuthorizationRequestHandle(pub(crate) AuthorizationRequest);

pub(crate) fn read(value: Any<'_, '_>) -> PyResult<AuthorizationRequest> {
    let expected = "an AuthorizationRequest; restore() makes one of exported text";
    argument::handle::<AuthorizationRequestHandle>("request", expected, value).map(|request| request.get().0.clone())
}

/// What a new one requests.
pub(crate) fn parameters(scope: Any<'_, '_>, keywords: Option<Keywords<'_, '_>>) -> PyResult<AuthorizationParameters> {
    argument::keywords(AuthorizationParameters::new(argument::scope(scope)?), keywords, setter)
}

/// What may be set of a new one, by Python's keyword.
fn setter(name: &str) -> Option<Setter<AuthorizationParameters>> {
    Some(match name {
        "redirect_uri" => |parameters, value| Ok(parameters.redirect_uri(argument::text("redirect_uri", value)?)),
        "response_mode" => |parameters, value| {
            let mode = argument::text("response_mode", value)?;
            Ok(parameters.response_mode(call::work(value.py(), "response_mode", || mode.parse())?))
        },
        "state" => |parameters, value| Ok(parameters.state(argument::text("state", value)?)),
        "return_to" => |parameters, value| Ok(parameters.return_to(argument::text("return_to", value)?)),
        "prompt" => |parameters, value| Ok(parameters.prompt(argument::text("prompt", value)?)),
        "login_hint" => |parameters, value| Ok(parameters.login_hint(argument::text("login_hint", value)?)),
        "ui_locales" => |parameters, value| Ok(parameters.ui_locales(argument::text("ui_locales", value)?)),
        "max_age" => |parameters, value| Ok(parameters.max_age(argument::integer("max_age", value)?)),
        "acr_values" => |parameters, value| Ok(parameters.acr_values(argument::text("acr_values", value)?)),
        "claims" => |parameters, value| json::document("claims", value, |claims| Ok(parameters.claims(claims))),
        "id_token_hint" => |parameters, value| Ok(parameters.id_token_hint(argument::text("id_token_hint", value)?)),
        "extra" => |parameters, value| {
            let extra = argument::pairs("extra", value)?;
            Ok(extra.into_iter().fold(parameters, |parameters, (name, value)| parameters.extra(name, value)))
        },
        _ => return None,
    })
}

/// What is told the URL that a browser opens, on the thread that starts the login.
pub(crate) fn on_url(function: &Bound<'_, PyAny>) -> PyResult<impl Fn(&str) + Send + Sync + 'static> {
    if !function.is_callable() {
        return Err(argument::wrong_type("on_url", "a function that takes a str", function));
    }
    let function = function.clone().unbind();
    Ok(move |url: &str| {
        Python::attach(|py| {
            if let Err(raised) = function.call1(py, (url,)) {
                raised.write_unraisable(py, Some(function.bind(py)));
            }
        });
    })
}

#[pymethods]
impl AuthorizationRequestHandle {
    #[staticmethod]
    fn restore(py: Python<'_>, exported: Any<'_, '_>) -> PyResult<Self> {
        let exported = argument::text("exported", exported)?;
        call::work(py, "AuthorizationRequest.restore", || AuthorizationRequest::restore(exported)).map(Self)
    }

    fn export(&self, py: Python<'_>) -> Py<PyString> {
        PyString::new(py, self.0.export().reveal()).unbind()
    }

    #[staticmethod]
    fn unseal(py: Python<'_>, sealed: Any<'_, '_>, encryption_keys: Any<'_, '_>) -> PyResult<Self> {
        let (sealed, keys) = (argument::text("sealed", sealed)?, store_options::keys(encryption_keys)?);
        call::work(py, "AuthorizationRequest.unseal", || AuthorizationRequest::unseal(sealed, &keys)).map(Self)
    }

    fn seal(&self, py: Python<'_>, encryption_keys: Any<'_, '_>) -> PyResult<Py<PyString>> {
        let keys = store_options::keys(encryption_keys)?;
        let sealed = call::work(py, "AuthorizationRequest.seal", || self.0.seal(&keys))?;
        Ok(PyString::new(py, sealed.reveal()).unbind())
    }

    #[getter]
    fn url(&self) -> &str {
        self.0.url()
    }

    #[getter]
    fn state(&self) -> &str {
        self.0.state()
    }

    #[getter]
    fn nonce(&self) -> &str {
        self.0.nonce()
    }

    #[getter]
    fn redirect_uri(&self) -> &str {
        self.0.redirect_uri()
    }

    #[getter]
    fn scope(&self) -> &str {
        self.0.scope()
    }

    #[getter]
    fn return_to(&self) -> Option<&str> {
        self.0.return_to()
    }

    #[getter]
    fn created_at(&self) -> i64 {
        self.0.created_at()
    }

    #[getter]
    fn expires_at(&self) -> i64 {
        self.0.expires_at()
    }
}
