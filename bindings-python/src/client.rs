//! The native half of `Client`, and its operations.

use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::{
    AccountsPage, AuthorizationCode, BrowserLogin, Client, ClientBuilder, Introspection, KeepAlive, KeepAliveReport, LogoutParameters,
    TokenSet, TokenSource,
};

use crate::argument::{self, Any, Keywords, Optional};
use crate::authorization_request::{self, AuthorizationRequestHandle};
use crate::call_options::CallOptions;
use crate::client_options;
use crate::event_loop::EventLoop;
use crate::task::{Task, nothing};
use crate::token_set::{self, TokenSetHandle};
use crate::token_source::{self, TokenSourceHandle};
use crate::{call, errors, event_loop, json, logout_parameters, metadata};

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct ClientHandle {
    core: Client,
    event_loop: Option<EventLoop>,
}

#[pymethods]
impl ClientHandle {
    #[new]
    #[pyo3(signature = (metadata, client_id, **options))]
    fn new(py: Python<'_>, metadata: Any<'_, '_>, client_id: Any<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let builder = ClientBuilder::new(metadata::read(metadata)?, argument::text("client_id", client_id)?);
        Self::build(py, builder, options)
    }

    #[staticmethod]
    #[pyo3(signature = (client_id, realm, **options))]
    fn sipgate(py: Python<'_>, client_id: Any<'_, '_>, realm: Optional<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let builder = ClientBuilder::sipgate(argument::text("client_id", client_id)?);
        Self::build(py, client_options::realm(builder, realm)?, options)
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
        let (base, realm) = (argument::text("base", base)?, argument::text("realm", realm)?);
        Self::build(py, ClientBuilder::keycloak(base, realm, argument::text("client_id", client_id)?), options)
    }

    #[staticmethod]
    #[pyo3(signature = (realm, **options))]
    fn from_env(py: Python<'_>, realm: Optional<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let builder = call::outside(py, ClientBuilder::from_env)?;
        Self::build(py, client_options::realm(builder, realm)?, options)
    }

    #[pyo3(signature = (scope, **parameters))]
    fn authorization_request(
        &self,
        py: Python<'_>,
        scope: Any<'_, '_>,
        parameters: Option<Keywords<'_, '_>>,
    ) -> PyResult<AuthorizationRequestHandle> {
        let parameters = authorization_request::parameters(scope, parameters)?;
        call::work(py, "authorization_request", || self.core.authorization_request(parameters)).map(AuthorizationRequestHandle)
    }

    fn token_source(&self, py: Python<'_>, account: Any<'_, '_>) -> PyResult<TokenSourceHandle> {
        let account = argument::text("account", account)?;
        let core = call::work(py, "token_source", || self.core.token_source(account))?;
        Ok(TokenSourceHandle::new(core, self.core.issuer(), self.event_loop.clone()))
    }

    #[pyo3(signature = (request, callback, **call))]
    fn start_exchange_callback(&self, request: Any<'_, '_>, callback: Any<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let (py, request, callback) = (request.py(), authorization_request::read(request)?, argument::callback(callback)?);
        self.start(py, call, token_set, |core, options| core.start_exchange_callback(&request, callback, options))
    }

    #[pyo3(signature = (code, code_verifier, redirect_uri, scope, nonce, **call))]
    fn start_exchange_code(
        &self,
        code: Any<'_, '_>,
        code_verifier: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        scope: Optional<'_, '_>,
        nonce: Optional<'_, '_>,
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
        if let Some(nonce) = argument::optional_text("nonce", nonce)? {
            parameters = parameters.nonce(nonce);
        }
        self.start(code.py(), call, token_set, |core, options| core.start_exchange_code(parameters, options))
    }

    #[pyo3(signature = (refresh_token, scope, **call))]
    fn start_refresh(&self, refresh_token: Any<'_, '_>, scope: Optional<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let mut parameters = token_set::refresh_parameters(refresh_token)?;
        if let Some(scope) = scope {
            parameters = parameters.scope(argument::scope(scope)?);
        }
        self.start(refresh_token.py(), call, token_set, |core, options| core.start_refresh(parameters, options))
    }

    #[pyo3(signature = (request, callback, account, **call))]
    fn start_complete_login(
        &self,
        request: Any<'_, '_>,
        callback: Any<'_, '_>,
        account: Optional<'_, '_>,
        call: Option<Keywords<'_, '_>>,
    ) -> PyResult<Task> {
        let (py, request, callback) = (request.py(), authorization_request::read(request)?, argument::callback(callback)?);
        let account = argument::optional_text("account", account)?;
        self.start(py, call, self.token_source_of(), |core, options| core.start_complete_login(&request, callback, account, options))
    }

    #[pyo3(signature = (scope, account, on_url, parameters, **call))]
    fn start_login_in_browser(
        &self,
        scope: Any<'_, '_>,
        account: Optional<'_, '_>,
        on_url: Optional<'_, '_>,
        parameters: Keywords<'_, '_>,
        call: Option<Keywords<'_, '_>>,
    ) -> PyResult<Task> {
        let py = scope.py();
        let mut login = BrowserLogin::new(authorization_request::parameters(scope, Some(parameters))?);
        if let Some(account) = argument::optional_text("account", account)? {
            login = login.account(account);
        }
        if let Some(on_url) = on_url {
            login = login.on_url(authorization_request::on_url(on_url)?);
        }
        self.start(py, call, self.token_source_of(), |core, options| core.start_login_in_browser(login, options))
    }

    #[pyo3(signature = (after, **call))]
    fn start_accounts(&self, py: Python<'_>, after: Optional<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let after = argument::optional_text("after", after)?;
        self.start(py, call, accounts_page, |core, options| core.start_accounts(after, options))
    }

    #[pyo3(signature = (idle, **call))]
    fn start_keep_alive(&self, py: Python<'_>, idle: Optional<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let mut settings = KeepAlive::new();
        if let Some(idle) = idle {
            settings = settings.idle(argument::seconds("idle", idle)?);
        }
        self.start(py, call, keep_alive_report, move |core, options| core.start_keep_alive(&settings, options))
    }

    #[pyo3(signature = (logout_token, **call))]
    fn start_accept_logout_token(&self, logout_token: Any<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let (py, logout_token) = (logout_token.py(), argument::text("logout_token", logout_token)?);
        self.start(py, call, accounts, |core, options| core.start_accept_logout_token(logout_token, options))
    }

    #[pyo3(signature = (token, **call))]
    fn start_introspect(&self, token: Any<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let (py, token) = (token.py(), argument::text("token", token)?);
        self.start(py, call, introspection, |core, options| core.start_introspect(token, options))
    }

    #[pyo3(signature = (token, **call))]
    fn start_revoke(&self, token: Any<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let (py, token) = (token.py(), argument::text("token", token)?);
        self.start(py, call, nothing, |core, options| core.start_revoke(token, options))
    }

    #[pyo3(signature = (source, parameters, **call))]
    fn start_logout_url(&self, source: Optional<'_, '_>, parameters: Keywords<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let source = source.map(token_source::read).transpose()?;
        let (py, new) = (parameters.py(), LogoutParameters::new());
        let parameters = argument::keywords(new, Some(parameters), logout_parameters::setter)?;
        self.start(py, call, url, |core, options| core.start_logout_url(source.as_ref(), parameters, options))
    }

    fn check_logout_response(&self, callback: Any<'_, '_>, state: Any<'_, '_>) -> PyResult<()> {
        let (py, callback, state) = (callback.py(), argument::callback(callback)?, argument::text("state", state)?);
        call::work(py, "check_logout_response", || self.core.check_logout_response(callback, state))
    }

    /// Itself, for `await`: the `async` functions of a store run on the event loop of this
    /// thread.
    fn on_running_loop<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        event_loop::use_running_loop(slf.get().event_loop.as_ref(), slf.py())?;
        Ok(slf)
    }

    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        metadata::object(py, self.core.metadata())
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
    fn build(py: Python<'_>, builder: ClientBuilder, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let (core, event_loop) = client_options::build(py, builder, options)?;
        Ok(Self { core, event_loop })
    }

    /// Makes Python's object of a login.
    fn token_source_of(&self) -> impl for<'py> FnOnce(Python<'py>, TokenSource) -> PyResult<Py<PyAny>> + Send + use<> {
        let (issuer, event_loop) = (self.core.issuer().to_owned(), self.event_loop.clone());
        move |py, core| Ok(Py::new(py, TokenSourceHandle::new(core, &issuer, event_loop))?.into_any())
    }

    fn start<T: Send + 'static>(
        &self,
        py: Python<'_>,
        call: Option<Keywords<'_, '_>>,
        given: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Py<PyAny>> + Send + 'static,
        operation: impl FnOnce(&Client, &core::CallOptions) -> core::Task<T> + Send,
    ) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, given, |options| operation(&self.core, options))
    }
}

fn token_set(py: Python<'_>, tokens: TokenSet) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, TokenSetHandle(tokens))?.into_any())
}

#[expect(clippy::needless_pass_by_value, reason = "one shape for all outcomes")]
fn introspection(py: Python<'_>, introspection: Introspection) -> PyResult<Py<PyAny>> {
    json::parsed(py, &introspection.to_json()).map(Bound::unbind)
}

fn accounts(py: Python<'_>, accounts: Vec<String>) -> PyResult<Py<PyAny>> {
    Ok(accounts.into_pyobject(py)?.into_any().unbind())
}

/// The members of each `StoredAccount`, and where the next page starts.
fn accounts_page(py: Python<'_>, page: AccountsPage) -> PyResult<Py<PyAny>> {
    let members: Vec<_> = page
        .accounts
        .iter()
        .map(|account| {
            let last_error = account.last_error().map(|error| errors::exception(py, error).into_value(py));
            (account.account(), account.account_hash(), account.state().as_str(), last_error)
        })
        .collect();
    Ok((members, page.next).into_pyobject(py)?.into_any().unbind())
}

/// The members of Python's `KeepAliveReport`.
fn keep_alive_report(py: Python<'_>, report: KeepAliveReport) -> PyResult<Py<PyAny>> {
    Ok((report.seen, report.renewed, report.failed, report.login_required).into_pyobject(py)?.into_any().unbind())
}

fn url(py: Python<'_>, url: String) -> PyResult<Py<PyAny>> {
    Ok(url.into_pyobject(py)?.into_any().unbind())
}
