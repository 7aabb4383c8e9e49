//! The native half of `Client`, and its operations.

use pyo3::prelude::*;
use sipgate_oauth2::{AuthorizationCode, AuthorizationParameters, Call, Client, ClientBuilder, Provider, Result, Running, TokenSet};

use crate::argument::{self, Any, Keywords, Optional};
use crate::authorization_request::{self, AuthorizationRequestHandle};
use crate::call_options::CallOptions;
use crate::client_options;
use crate::custom_store::CustomStore;
use crate::metadata::{self, Metadata};
use crate::task::Task;
use crate::token_set::{self, TokenSetHandle};
use crate::token_source::TokenSourceHandle;
use crate::{call, custom_store, json};

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct ClientHandle {
    core: Client,
    custom_store: Option<CustomStore>,
    metadata: Metadata,
}

#[pymethods]
impl ClientHandle {
    #[new]
    #[pyo3(signature = (metadata, client_id, **options))]
    fn new(py: Python<'_>, metadata: Any<'_, '_>, client_id: Any<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let metadata = metadata::read(metadata)?;
        let builder = Client::with_provider(argument::text("client_id", client_id)?, metadata::provider(&metadata));
        Self::build(py, builder, options, Some(metadata))
    }

    #[staticmethod]
    #[pyo3(signature = (client_id, realm, **options))]
    fn sipgate(py: Python<'_>, client_id: Any<'_, '_>, realm: Optional<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let builder = Client::with_provider(argument::text("client_id", client_id)?, Provider::sipgate());
        Self::build(py, client_options::realm(builder, realm)?, options, None)
    }

    #[staticmethod]
    #[pyo3(signature = (base, realm, client_id, **options))]
    fn keycloak(
        py: Python<'_>,
        base: Any<'_, '_>,
        realm: Any<'_, '_>,
        client_id: Any<'_, '_>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Self> {
        let provider = Provider::keycloak(argument::text("base", base)?, argument::text("realm", realm)?);
        Self::build(py, Client::with_provider(argument::text("client_id", client_id)?, provider), options, None)
    }

    #[staticmethod]
    #[pyo3(signature = (realm, **options))]
    fn from_env(py: Python<'_>, realm: Optional<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let builder = call::outside(py, Client::from_env)?;
        Self::build(py, client_options::realm(builder, realm)?, options, None)
    }

    #[pyo3(signature = (scope, **parameters))]
    fn authorization_request(
        &self,
        py: Python<'_>,
        scope: Any<'_, '_>,
        parameters: Option<Keywords<'_, '_>>,
    ) -> PyResult<AuthorizationRequestHandle> {
        let new = AuthorizationParameters::new(argument::scope(scope)?);
        let parameters = argument::keywords(new, parameters, authorization_request::setter)?;
        call::work(py, "authorization_request", || self.core.authorization_request(parameters)).map(AuthorizationRequestHandle)
    }

    fn token_source(&self, py: Python<'_>, account: Any<'_, '_>) -> PyResult<TokenSourceHandle> {
        let account = argument::text("account", account)?;
        let core = call::work(py, "token_source", || self.core.token_source(account))?;
        Ok(TokenSourceHandle::new(core, self.core.issuer(), self.custom_store.clone()))
    }

    #[pyo3(signature = (request, callback, **call))]
    fn start_exchange_callback(&self, request: Any<'_, '_>, callback: Any<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let (py, request, callback) = (request.py(), authorization_request::read(request)?, argument::callback(callback)?);
        self.start(py, call, token_set, |core, _| core.start_exchange_callback(&request, callback))
    }

    #[pyo3(signature = (code, code_verifier, redirect_uri, scope, **call))]
    fn start_exchange_code(
        &self,
        code: Any<'_, '_>,
        code_verifier: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        scope: Optional<'_, '_>,
        call: Option<Keywords<'_, '_>>,
    ) -> PyResult<Task> {
        let mut parameters = AuthorizationCode::new(argument::text("code", code)?);
        if let Some(code_verifier) = argument::optional_text("code_verifier", code_verifier)? {
            parameters = parameters.code_verifier(code_verifier);
        }
        if let Some(redirect_uri) = argument::optional_text("redirect_uri", redirect_uri)? {
            parameters = parameters.redirect_uri(redirect_uri);
        }
        if let Some(scope) = scope {
            parameters = parameters.scope(argument::scope(scope)?);
        }
        self.start(code.py(), call, token_set, |core, _| core.start_exchange_code(parameters))
    }

    #[pyo3(signature = (refresh_token, scope, **call))]
    fn start_refresh(&self, refresh_token: Any<'_, '_>, scope: Optional<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let mut parameters = token_set::refresh_parameters(refresh_token)?;
        if let Some(scope) = scope {
            parameters = parameters.scope(argument::scope(scope)?);
        }
        self.start(refresh_token.py(), call, token_set, |core, _| core.start_refresh(parameters))
    }

    #[pyo3(signature = (request, callback, account, **call))]
    fn start_complete_login(
        &self,
        request: Any<'_, '_>,
        callback: Any<'_, '_>,
        account: Any<'_, '_>,
        call: Option<Keywords<'_, '_>>,
    ) -> PyResult<Task> {
        let (py, request, callback) = (request.py(), authorization_request::read(request)?, argument::callback(callback)?);
        let account = argument::text("account", account)?;
        let (issuer, custom_store) = (self.core.issuer().to_owned(), self.custom_store.clone());
        let given = move |py: Python<'_>, core| Ok(Py::new(py, TokenSourceHandle::new(core, &issuer, custom_store))?.into_any());
        self.start(py, call, given, |core, _| core.start_complete_login(&request, callback, account))
    }

    /// Itself, for `await`: an `async` custom store works on the event loop that runs on this thread.
    fn on_running_loop<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        custom_store::use_running_loop(slf.get().custom_store.as_ref(), slf.py())?;
        Ok(slf)
    }

    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::object(py, &self.metadata)
    }

    #[getter]
    fn issuer(&self) -> &str {
        self.core.issuer()
    }

    #[getter]
    fn token_endpoint(&self) -> &str {
        self.core.token_endpoint()
    }

    #[getter]
    fn client_id(&self) -> &str {
        self.core.client_id()
    }

    #[getter]
    fn redirect_uri(&self) -> Option<&str> {
        self.core.redirect_uri()
    }
}

impl ClientHandle {
    fn build(py: Python<'_>, builder: ClientBuilder, options: Option<Keywords<'_, '_>>, metadata: Option<Metadata>) -> PyResult<Self> {
        let (core, custom_store) = client_options::build(py, builder, options)?;
        let metadata = metadata.unwrap_or_else(|| metadata::of(&core));
        Ok(Self { core, custom_store, metadata })
    }

    fn start<T: Send + 'static>(
        &self,
        py: Python<'_>,
        call: Option<Keywords<'_, '_>>,
        given: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Py<PyAny>> + Send + 'static,
        operation: impl FnOnce(&Client, &Call) -> Result<Running<T>> + Send,
    ) -> PyResult<Task> {
        let options = CallOptions::read(call)?;
        let cancelled = options.is_cancelled();
        Task::start(py, options, given, |call| {
            // The core's `start_` functions do not look at the token yet; this one refuses before
            // it sends anything.
            if cancelled {
                self.core.refresh_with("cancelled", call)?;
            }
            operation(&self.core, call)
        })
    }
}

fn token_set(py: Python<'_>, tokens: TokenSet) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, TokenSetHandle(tokens))?.into_any())
}
