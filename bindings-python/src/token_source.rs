//! `TokenSource`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use sipgate_oauth2 as core;
use sipgate_oauth2::{AccessToken, Call};

use crate::argument::{self, Optional};
use crate::client::Client;
use crate::door::{self, Limits};
use crate::own_store::OwnStore;
use crate::shown::Shown;
use crate::token_set;
use crate::token_status::TokenStatus;

/// The access token of one account, whenever it is asked for: from memory, from the store, or renewed, once for all threads and processes that ask.
///
/// Made by `Client.complete_login` or `Client.token_source`; cheap to make anew for each request, and to be used from any number of threads, and
/// in forked children too. `timeout` is in seconds, 30 unless given; `cancel` is a `CancelToken`. Both end the caller's wait only.
#[pyclass(frozen, module = "sipgate_oauth2")]
pub(crate) struct TokenSource {
    pub(crate) core: core::TokenSource,
    pub(crate) own: Option<OwnStore>,
    is_sipgates: bool,
    shown: Shown,
}

/// Where sipgate's login server and its REST API are.
const SIPGATE: &str = "https://login.sipgate.com/";
const SIPGATES_API: &str = "https://api.sipgate.com";

#[pymethods]
impl TokenSource {
    /// An access token that an API takes now, and for `min_validity` seconds more. Past most of its life the current one is given at once and refreshed in the background;
    /// only where it has ended does a caller wait for the new one.
    #[pyo3(signature = (*, timeout=None, min_validity=None, cancel=None))]
    fn access_token<'py>(
        &self,
        py: Python<'py>,
        timeout: Optional<'_, '_>,
        min_validity: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<Bound<'py, PyString>> {
        let token = self.current(py, timeout, min_validity, cancel).inspect_err(|_| self.shown.forget())?;
        Ok(self.shown.string(py, token))
    }

    /// The value of an `Authorization` header with such a token: `Bearer …` (RFC 6750, section 2.1).
    #[pyo3(signature = (*, timeout=None, min_validity=None, cancel=None))]
    fn authorization_header<'py>(
        &self,
        py: Python<'py>,
        timeout: Optional<'_, '_>,
        min_validity: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<Bound<'py, PyString>> {
        self.current(py, timeout, min_validity, cancel).map(|token| PyString::new(py, &format!("Bearer {}", token.reveal())))
    }

    /// The current token, if it can be handed out without asking the store or the server. Never blocks.
    fn peek<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        let token = self.core.peek();
        if token.is_none() {
            self.shown.forget();
        }
        token.map(|token| self.shown.string(py, token))
    }

    /// An API answered 401 to this access token: the next call renews it, if it still is the current one. Twenty late 401s cause one refresh. A
    /// token that is itself the outcome of this, and less than 10 s old, is not renewed again. Nothing is sent by this.
    #[pyo3(signature = (access_token, /))]
    fn invalidate(&self, py: Python<'_>, access_token: &Bound<'_, PyAny>) -> PyResult<()> {
        let access_token = AccessToken::from(argument::text("access_token", access_token)?.to_owned());
        door::work(py, "TokenSource.invalidate", || {
            self.core.invalidate(&access_token);
            Ok(())
        })
    }

    /// Renews the tokens now, also when they are fresh, or when the server has refused the login before; gives the access token.
    #[pyo3(signature = (*, timeout=None, cancel=None))]
    fn refresh<'py>(&self, py: Python<'py>, timeout: Optional<'_, '_>, cancel: Optional<'_, '_>) -> PyResult<Bound<'py, PyString>> {
        let asked = |call: &Call| Ok(self.core.start_refresh(call));
        let token = door::complete(py, asked, &Limits::new(timeout, cancel)?)?;
        Ok(PyString::new(py, token.reveal()))
    }

    /// Puts tokens that were got elsewhere in the place of this account's login: from the single steps, or from another library.
    #[pyo3(signature = (tokens, *, timeout=None, cancel=None))]
    fn save(&self, py: Python<'_>, tokens: &Bound<'_, PyAny>, timeout: Optional<'_, '_>, cancel: Optional<'_, '_>) -> PyResult<()> {
        let tokens = saved(tokens)?;
        door::complete(py, |call: &Call| self.core.start_save(tokens, call), &Limits::new(timeout, cancel)?)
    }

    /// How the login stands, by the store and without the network.
    #[pyo3(signature = (*, timeout=None, cancel=None))]
    fn status(&self, py: Python<'_>, timeout: Optional<'_, '_>, cancel: Optional<'_, '_>) -> PyResult<TokenStatus> {
        let asked = |call: &Call| Ok(self.core.start_status(call));
        door::complete(py, asked, &Limits::new(timeout, cancel)?).map(TokenStatus)
    }

    /// Ends the login: here at once, and then at the server, where it ends every login of this client in that browser's session. Gives `"revoked"`
    /// where the server was told, and `"local_only"` where it was not: the client has no revocation endpoint, or there was no refresh token to revoke,
    /// as after an earlier logout. An error means that the server could not be told: nothing is handed out any more, and another call finishes it.
    #[pyo3(signature = (*, timeout=None, cancel=None))]
    fn logout(&self, py: Python<'_>, timeout: Optional<'_, '_>, cancel: Optional<'_, '_>) -> PyResult<&'static str> {
        let outcome = door::complete(py, |call: &Call| Ok(self.core.start_logout(call)), &Limits::new(timeout, cancel)?)?;
        Ok(outcome.as_str())
    }

    /// Checks that nothing is lost if the process ends now: an error while new tokens are only in memory, as the store failed.
    fn ensure_saved(&self, py: Python<'_>) -> PyResult<()> {
        door::work(py, "TokenSource.ensure_saved", || self.core.ensure_saved())
    }

    /// The account, as the application named it.
    #[getter]
    fn account<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.core.account())
    }

    /// What events and logs call the account: 16 hexadecimal digits, the same in all processes.
    #[getter]
    fn account_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.core.account_hash())
    }

    /// An `auth=` for requests, which must be installed. Requests to `origins` get the token, and no other request does: a warning says so. For a client
    /// at sipgate they are `["https://api.sipgate.com"]` unless given, for any other they must be given. A request that is answered with 401 is sent once more with a new token, if its body can be sent twice; one that is answered with 403 with
    /// the token that another process has stored since, if there is one.
    #[pyo3(signature = (*, origins=None))]
    fn requests_auth<'py>(slf: &Bound<'py, Self>, origins: Optional<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("sipgate_oauth2.requests_auth")?.getattr("RequestsAuth")?.call1((slf, slf.get().origins(slf.py(), origins)?))
    }

    /// The same for httpx, for its `Client` and its `AsyncClient`.
    #[pyo3(signature = (*, origins=None))]
    fn httpx_auth<'py>(slf: &Bound<'py, Self>, origins: Optional<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("sipgate_oauth2.httpx_auth")?.getattr("HttpxAuth")?.call1((slf, slf.get().origins(slf.py(), origins)?))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("TokenSource(account={}, …)", self.account(py).repr()?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a TokenSource is not pickled or copied; make another with Client.token_source(account)"))
    }
}

impl TokenSource {
    pub(crate) fn new(core: core::TokenSource, client: &Client) -> Self {
        let is_sipgates = client.core.issuer().starts_with(SIPGATE);
        Self { core, own: client.own.clone(), is_sipgates, shown: Shown::default() }
    }

    /// Who may be sent the token. An API of another server than sipgate's is known to the application alone.
    fn origins<'py>(&self, py: Python<'py>, origins: Optional<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        match origins {
            Some(origins) => Ok(origins.clone()),
            None if self.is_sipgates => Ok(PyTuple::new(py, [SIPGATES_API])?.into_any()),
            None => Err(argument::invalid(py, "origins", "is missing; name where the token may go: origins=[\"https://api.example.com\"]")),
        }
    }

    /// A token in memory is had without leaving the interpreter.
    fn current(
        &self,
        py: Python<'_>,
        timeout: Optional<'_, '_>,
        min_validity: Optional<'_, '_>,
        cancel: Optional<'_, '_>,
    ) -> PyResult<AccessToken> {
        let limits = Limits::new(timeout, cancel)?.min_validity(min_validity)?;
        if min_validity.is_none()
            && let Some(token) = self.core.peek()
        {
            return Ok(token);
        }
        door::complete(py, |call: &Call| Ok(self.core.start_access_token(call)), &limits)
    }
}

pub(crate) fn saved<'a>(tokens: &'a Bound<'_, PyAny>) -> PyResult<&'a core::TokenSet> {
    token_set::read(tokens).ok_or_else(|| argument::wrong_type("tokens", "a TokenSet; restore() makes one of saved tokens", tokens))
}
