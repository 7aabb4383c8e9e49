//! `Client`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2 as core;
use sipgate_oauth2::{AuthorizationParameters, Provider};

use crate::argument::{self, Optional};
use crate::authorization_request::AuthorizationRequest;
use crate::door::{self, Limits};
use crate::login::Login;
use crate::options::Options;
use crate::own_store::OwnStore;
use crate::request::Request;
use crate::token_set::TokenSet;
use crate::token_source::TokenSource;

/// A client of a login server, to be used from any number of threads, and in forked children too.
///
/// Made by `Client.sipgate`, `Client.keycloak`, `Client.endpoints` or `Client.from_env`; making one touches no network.
#[pyclass(frozen, module = "sipgate_oauth2")]
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) core: core::Client,
    pub(crate) own: Option<OwnStore>,
}

#[pymethods]
impl Client {
    /// A client at sipgate, in the realm that its id's suffix names (`…:third-party`, `…:sipgate-apps`) unless `realm` does.
    #[staticmethod]
    #[pyo3(signature = (client_id, *, client_secret=None, client_authentication=None, redirect_uri=None, realm=None, ca_certificates=None,
        proxy=None, connect_timeout=None, request_timeout=None, store=None, on_event=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn sipgate(
        py: Python<'_>,
        client_id: &Bound<'_, PyAny>,
        client_secret: Optional<'_, '_>,
        client_authentication: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        realm: Optional<'_, '_>,
        ca_certificates: Optional<'_, '_>,
        proxy: Optional<'_, '_>,
        connect_timeout: Optional<'_, '_>,
        request_timeout: Optional<'_, '_>,
        store: Optional<'_, '_>,
        on_event: Optional<'_, '_>,
    ) -> PyResult<Self> {
        let client_id = argument::text("client_id", client_id)?;
        let options = Options {
            client_secret,
            client_authentication,
            redirect_uri,
            realm,
            ca_certificates,
            proxy,
            connect_timeout,
            request_timeout,
            store,
            on_event,
        };
        options.client(py, Provider::sipgate(), client_id)
    }

    /// A client at a Keycloak. `base` is what stands before `/realms`, such as `https://login.example.com/auth`.
    #[staticmethod]
    #[pyo3(signature = (client_id, base, realm, *, client_secret=None, client_authentication=None, redirect_uri=None, ca_certificates=None,
        proxy=None, connect_timeout=None, request_timeout=None, store=None, on_event=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn keycloak(
        py: Python<'_>,
        client_id: &Bound<'_, PyAny>,
        base: &Bound<'_, PyAny>,
        realm: &Bound<'_, PyAny>,
        client_secret: Optional<'_, '_>,
        client_authentication: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        ca_certificates: Optional<'_, '_>,
        proxy: Optional<'_, '_>,
        connect_timeout: Optional<'_, '_>,
        request_timeout: Optional<'_, '_>,
        store: Optional<'_, '_>,
        on_event: Optional<'_, '_>,
    ) -> PyResult<Self> {
        let client_id = argument::text("client_id", client_id)?;
        let provider = Provider::keycloak(argument::text("base", base)?, argument::text("realm", realm)?);
        let options = Options {
            client_secret,
            client_authentication,
            redirect_uri,
            ca_certificates,
            proxy,
            connect_timeout,
            request_timeout,
            store,
            on_event,
            ..Options::default()
        };
        options.client(py, provider, client_id)
    }

    /// A client at any server, by its issuer and endpoints as its documentation gives them. `iss_required=True` is for a server that announces
    /// `authorization_response_iss_parameter_supported`: a callback without `iss` is then refused (RFC 9207, section 2.4).
    #[staticmethod]
    #[pyo3(signature = (client_id, issuer, authorization_endpoint, token_endpoint, *, iss_required=None, client_secret=None,
        client_authentication=None, redirect_uri=None, ca_certificates=None, proxy=None, connect_timeout=None, request_timeout=None, store=None, on_event=None),
        text_signature = "(client_id, issuer, authorization_endpoint, token_endpoint, *, iss_required=False, client_secret=None, \
            client_authentication=None, redirect_uri=None, ca_certificates=None, proxy=None, connect_timeout=None, request_timeout=None, store=None, on_event=None)")]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn endpoints(
        py: Python<'_>,
        client_id: &Bound<'_, PyAny>,
        issuer: &Bound<'_, PyAny>,
        authorization_endpoint: &Bound<'_, PyAny>,
        token_endpoint: &Bound<'_, PyAny>,
        iss_required: Optional<'_, '_>,
        client_secret: Optional<'_, '_>,
        client_authentication: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        ca_certificates: Optional<'_, '_>,
        proxy: Optional<'_, '_>,
        connect_timeout: Optional<'_, '_>,
        request_timeout: Optional<'_, '_>,
        store: Optional<'_, '_>,
        on_event: Optional<'_, '_>,
    ) -> PyResult<Self> {
        let client_id = argument::text("client_id", client_id)?;
        let issuer = argument::text("issuer", issuer)?;
        let authorization = argument::text("authorization_endpoint", authorization_endpoint)?;
        let token = argument::text("token_endpoint", token_endpoint)?;
        let provider = match iss_required.map_or(Ok(false), |required| argument::flag("iss_required", required))? {
            true => Provider::endpoints_with_iss(issuer, authorization, token),
            false => Provider::endpoints(issuer, authorization, token),
        };
        let options = Options {
            client_secret,
            client_authentication,
            redirect_uri,
            ca_certificates,
            proxy,
            connect_timeout,
            request_timeout,
            store,
            on_event,
            ..Options::default()
        };
        options.client(py, provider, client_id)
    }

    /// A sipgate client as the environment says: `SIPGATE_CLIENT_ID`, `SIPGATE_CLIENT_SECRET` (or `SIPGATE_CLIENT_SECRET_FILE`, the path of a
    /// file that holds it), `SIPGATE_REDIRECT_URI` and, optionally, `SIPGATE_REALM`, or `SIPGATE_ISSUER` for a Keycloak that is not sipgate's;
    /// `SIPGATE_STORE`, the path of a SQLite store, `sqlite:///full/path`, or `memory`; and `SIPGATE_ENCRYPTION_KEYS` (or `SIPGATE_ENCRYPTION_KEYS_FILE`), one key or more
    /// with commas between them. An argument stands above its variable.
    #[staticmethod]
    #[pyo3(signature = (*, client_secret=None, client_authentication=None, redirect_uri=None, realm=None, ca_certificates=None, proxy=None,
        connect_timeout=None, request_timeout=None, store=None, on_event=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn from_env(
        py: Python<'_>,
        client_secret: Optional<'_, '_>,
        client_authentication: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        realm: Optional<'_, '_>,
        ca_certificates: Optional<'_, '_>,
        proxy: Optional<'_, '_>,
        connect_timeout: Optional<'_, '_>,
        request_timeout: Optional<'_, '_>,
        store: Optional<'_, '_>,
        on_event: Optional<'_, '_>,
    ) -> PyResult<Self> {
        let options = Options {
            client_secret,
            client_authentication,
            redirect_uri,
            realm,
            ca_certificates,
            proxy,
            connect_timeout,
            request_timeout,
            store,
            on_event,
        };
        options.build(py, door::outside(py, core::Client::from_env)?)
    }

    /// A new pending login for this scope, and the URL to send the person to. No network.
    #[pyo3(signature = (scope, *, redirect_uri=None, response_mode=None, state=None, return_to=None, prompt=None, login_hint=None,
        ui_locales=None, extra=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn authorization_request(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyAny>,
        redirect_uri: Optional<'_, '_>,
        response_mode: Optional<'_, '_>,
        state: Optional<'_, '_>,
        return_to: Optional<'_, '_>,
        prompt: Optional<'_, '_>,
        login_hint: Optional<'_, '_>,
        ui_locales: Optional<'_, '_>,
        extra: Optional<'_, '_>,
    ) -> PyResult<AuthorizationRequest> {
        let mut parameters = AuthorizationParameters::new(argument::scope(scope)?);
        if let Some(redirect_uri) = argument::optional_text("redirect_uri", redirect_uri)? {
            parameters = parameters.redirect_uri(redirect_uri);
        }
        if let Some(mode) = argument::optional_text("response_mode", response_mode)? {
            parameters = parameters.response_mode(door::work(py, "response_mode", || mode.parse())?);
        }
        if let Some(state) = argument::optional_text("state", state)? {
            parameters = parameters.state(state);
        }
        if let Some(return_to) = argument::optional_text("return_to", return_to)? {
            parameters = parameters.return_to(return_to);
        }
        if let Some(prompt) = argument::optional_text("prompt", prompt)? {
            parameters = parameters.prompt(prompt);
        }
        if let Some(login_hint) = argument::optional_text("login_hint", login_hint)? {
            parameters = parameters.login_hint(login_hint);
        }
        if let Some(ui_locales) = argument::optional_text("ui_locales", ui_locales)? {
            parameters = parameters.ui_locales(ui_locales);
        }
        if let Some(extra) = extra {
            for (name, value) in argument::pairs("extra", extra)? {
                parameters = parameters.extra(name, value);
            }
        }
        door::work(py, "authorization_request", || self.core.authorization_request(parameters)).map(AuthorizationRequest)
    }

    /// Checks the callback against the pending login and exchanges its code for tokens.
    ///
    /// `callback` is best the query string of the request to the redirect URI; its path and query, the whole URL and a form body will do.
    /// `timeout` is in seconds, 30 unless given; `cancel` is a `CancelToken`. Both end the wait only: a request that has left goes on.
    #[pyo3(signature = (pending, callback, *, timeout=None, cancel=None))]
    fn exchange_callback(
        &self,
        py: Python<'_>,
        pending: &Bound<'_, PyAny>,
        callback: &Bound<'_, PyAny>,
        timeout: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<TokenSet> {
        let request = Request::callback(&self.core, pending, callback)?;
        door::complete(py, request, &Limits::new(timeout, cancel)?).map(TokenSet)
    }

    /// Exchanges a code for tokens (RFC 6749, section 4.1.3), for applications that keep state and verifier and check callbacks themselves.
    /// `scope` is what was asked for: what was granted where the answer does not say.
    #[pyo3(signature = (code, *, code_verifier=None, redirect_uri=None, scope=None, timeout=None, cancel=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn exchange_code(
        &self,
        py: Python<'_>,
        code: &Bound<'_, PyAny>,
        code_verifier: Optional<'_, '_>,
        redirect_uri: Optional<'_, '_>,
        scope: Optional<'_, '_>,
        timeout: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<TokenSet> {
        let request = Request::code(&self.core, code, code_verifier, redirect_uri, scope)?;
        door::complete(py, request, &Limits::new(timeout, cancel)?).map(TokenSet)
    }

    /// Exchanges a refresh token, or the last `TokenSet`, for new tokens (RFC 6749, section 6), once. Nothing is stored: keep what it returns, and
    /// let no two callers refresh the same login at once, as a server that rotates refresh tokens ends the login for that.
    #[pyo3(signature = (refresh_token, *, scope=None, timeout=None, cancel=None))]
    fn refresh(
        &self,
        py: Python<'_>,
        refresh_token: &Bound<'_, PyAny>,
        scope: Optional<'_, '_>,
        timeout: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<TokenSet> {
        let request = Request::refresh(&self.core, refresh_token, scope)?;
        door::complete(py, request, &Limits::new(timeout, cancel)?).map(TokenSet)
    }

    /// Checks the callback, exchanges its code and stores the login of this account, for all processes that share the store. A callback that is
    /// loaded twice, in whatever process, makes one exchange, and both calls get the same login. A login that was there is replaced.
    ///
    /// `account` is what names the user in the application. `callback`, `timeout` and `cancel` are as for `exchange_callback`.
    #[pyo3(signature = (pending, callback, account, *, timeout=None, cancel=None))]
    fn complete_login(
        &self,
        py: Python<'_>,
        pending: &Bound<'_, PyAny>,
        callback: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        timeout: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<TokenSource> {
        let login = Login::new(&self.core, pending, callback, account)?;
        let core = door::complete(py, login, &Limits::new(timeout, cancel)?)?;
        Ok(TokenSource::new(core, self))
    }

    /// The tokens of this account, whether or not there is a login yet. No I/O.
    #[pyo3(signature = (account))]
    fn token_source(&self, py: Python<'_>, account: &Bound<'_, PyAny>) -> PyResult<TokenSource> {
        let account = argument::text("account", account)?;
        let core = door::work(py, "token_source", || self.core.token_source(account))?;
        Ok(TokenSource::new(core, self))
    }

    /// The name that callbacks and ID tokens must give the server.
    #[getter]
    fn issuer<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.core.issuer())
    }

    /// The token endpoint's URL.
    #[getter]
    fn token_endpoint<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.core.token_endpoint())
    }

    /// The client id.
    #[getter]
    fn client_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.core.client_id())
    }

    /// The redirect URI of new pending logins, where one was set.
    #[getter]
    fn redirect_uri<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.core.redirect_uri().map(|redirect_uri| PyString::new(py, redirect_uri))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let client_id = self.client_id(py).repr()?;
        Ok(format!("Client(client_id={client_id}, issuer={})", self.issuer(py).repr()?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Client holds a secret and connections and cannot be pickled or copied; make another from the same settings",
        ))
    }
}
