//! The native half of `TokenSource`, and its operations. The public class inherits `access_token`,
//! `authorization_header` and `peek`, which an application calls for each request: no Python code
//! runs in them. Names with an underscore are not for applications.

use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2::{AccessToken, Claims, LogoutOutcome, TokenSource, TokenStatus};

use crate::argument::{self, Any, Keywords};
use crate::call_options::CallOptions;
use crate::event_loop::EventLoop;
use crate::string_cache::StringCache;
use crate::task::{self, Task, nothing};
use crate::{call, errors, event_loop, json, token_set};

#[pyclass(frozen, subclass, module = "sipgate_oauth2._native")]
pub(crate) struct TokenSourceHandle {
    core: TokenSource,
    issuer: String,
    event_loop: Option<EventLoop>,
    string_cache: StringCache,
}

/// A source, with or without `await`.
pub(crate) fn read(value: Any<'_, '_>) -> PyResult<TokenSource> {
    match value.cast::<TokenSourceHandle>() {
        Ok(source) => Ok(source.get().core.clone()),
        Err(_) => argument::handle::<TokenSourceHandle>("source", "a TokenSource", value).map(|source| source.get().core.clone()),
    }
}

#[pymethods]
impl TokenSourceHandle {
    /// The same source once more: what a subclass is made of.
    #[new]
    fn same(source: &Bound<'_, Self>) -> Self {
        let Self { core, issuer, event_loop, .. } = source.get();
        Self::new(core.clone(), issuer, event_loop.clone())
    }

    /// An access token that an API accepts now, and for `min_validity` seconds more.
    ///
    /// It is the current token, from memory, for most of its lifetime. In the last part of its
    /// lifetime the current token is returned at once and refreshed in the background. A caller
    /// waits for a refresh only after the token has expired.
    #[pyo3(signature = (**call), text_signature = "($self, *, timeout=None, min_validity=None, cancel=None)")]
    fn access_token<'py>(&self, py: Python<'py>, call: Option<Keywords<'_, 'py>>) -> PyResult<Bound<'py, PyString>> {
        if call.is_none()
            && let Some(string) = self.at_hand(py)
        {
            return Ok(string);
        }
        let token = self.current(py, call).inspect_err(|_| self.string_cache.forget())?;
        Ok(self.string_cache.string(py, token))
    }

    /// The value of an `Authorization` header with the `access_token`: `Bearer …`.
    ///
    /// RFC 6750, section 2.1.
    #[pyo3(signature = (**call), text_signature = "($self, *, timeout=None, min_validity=None, cancel=None)")]
    fn authorization_header<'py>(&self, py: Python<'py>, call: Option<Keywords<'_, 'py>>) -> PyResult<Bound<'py, PyString>> {
        self.current(py, call).map(|token| PyString::new(py, token.authorization_header().reveal()))
    }

    /// The current token, if it can be returned without asking the store or the server.
    ///
    /// Never blocks.
    fn peek<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        if let Some(string) = self.at_hand(py) {
            return Some(string);
        }
        let token = self.core.peek();
        if token.is_none() {
            self.string_cache.forget();
        }
        token.map(|token| self.string_cache.string(py, token))
    }

    #[getter]
    fn account(&self) -> &str {
        self.core.account()
    }

    #[getter]
    fn account_hash(&self) -> &str {
        self.core.account_hash()
    }

    #[pyo3(signature = (access_token, /))]
    fn invalidate(&self, py: Python<'_>, access_token: Any<'_, '_>) -> PyResult<()> {
        let access_token = AccessToken::from(argument::text("access_token", access_token)?.to_owned());
        call::work(py, "TokenSource.invalidate", || {
            self.core.invalidate(&access_token);
            Ok(())
        })
    }

    fn ensure_saved(&self, py: Python<'_>) -> PyResult<()> {
        call::work(py, "TokenSource.ensure_saved", || self.core.ensure_saved())
    }

    #[getter]
    fn _issuer(&self) -> &str {
        &self.issuer
    }

    #[pyo3(signature = (**call))]
    fn _start_access_token(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let options = CallOptions::for_access_token(call)?;
        let min_validity = options.min_validity();
        Task::start(py, &options, access_token, |options| self.core.start_access_token(min_validity, options))
    }

    #[pyo3(signature = (**call))]
    fn _start_refresh(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, access_token, |options| self.core.start_refresh(options))
    }

    #[pyo3(signature = (tokens, **call))]
    fn _start_save(&self, tokens: Any<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let (py, tokens) = (tokens.py(), token_set::read(tokens)?);
        Task::start(py, &CallOptions::read(call)?, nothing, |options| self.core.start_save(&tokens, options))
    }

    #[pyo3(signature = (**call))]
    fn _start_status(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, status, |options| self.core.start_status(options))
    }

    #[pyo3(signature = (**call))]
    fn _start_logout(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, logout_outcome, |options| self.core.start_logout(options))
    }

    #[pyo3(signature = (**call))]
    fn _start_forget(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, logout_outcome, |options| self.core.start_forget(options))
    }

    #[pyo3(signature = (**call))]
    fn _start_claims(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, claims, |options| self.core.start_claims(options))
    }

    #[pyo3(signature = (**call))]
    fn _start_userinfo(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        Task::start(py, &CallOptions::read(call)?, claims, |options| self.core.start_userinfo(options))
    }

    /// Itself, for `await`: the `async` functions of a store run on the event loop of this
    /// thread.
    fn _on_running_loop<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        event_loop::use_running_loop(slf.get().event_loop.as_ref(), slf.py())?;
        Ok(slf)
    }
}

impl TokenSourceHandle {
    pub(crate) fn new(core: TokenSource, issuer: &str, event_loop: Option<EventLoop>) -> Self {
        Self { core, issuer: issuer.to_owned(), event_loop, string_cache: StringCache::default() }
    }

    /// The string of the current token, if it was shown before.
    fn at_hand<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.core.with_at_hand(|token| self.string_cache.last(py, token)).flatten()
    }

    /// A token in memory is returned without releasing the interpreter.
    fn current(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<AccessToken> {
        let options = CallOptions::for_access_token(call)?;
        if options.takes_any_token()
            && let Some(token) = self.core.peek()
        {
            return Ok(token);
        }
        let min_validity = options.min_validity();
        let task = task::start(py, &options, |options| self.core.start_access_token(min_validity, options))?;
        task::wait(py, task)
    }
}

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "one shape for all outcomes")]
fn access_token(py: Python<'_>, token: AccessToken) -> PyResult<Py<PyAny>> {
    Ok(PyString::new(py, token.reveal()).into_any().unbind())
}

#[expect(clippy::unnecessary_wraps, reason = "one shape for all outcomes")]
fn logout_outcome(py: Python<'_>, outcome: LogoutOutcome) -> PyResult<Py<PyAny>> {
    Ok(PyString::new(py, outcome.as_str()).into_any().unbind())
}

#[expect(clippy::needless_pass_by_value, reason = "one shape for all outcomes")]
fn claims(py: Python<'_>, claims: Claims) -> PyResult<Py<PyAny>> {
    json::object(py, claims.as_map()).map(Bound::unbind)
}

/// The members of Python's `TokenStatus`.
#[expect(clippy::needless_pass_by_value, reason = "one shape for all outcomes")]
fn status(py: Python<'_>, status: TokenStatus) -> PyResult<Py<PyAny>> {
    let members = (
        status.state.as_str(),
        status.generation,
        status.expires_at,
        status.refresh_expires_at,
        status.scope.as_deref(),
        status.last_error.as_ref().map(|error| errors::exception(py, error).into_value(py)),
        status.unsaved,
    );
    Ok(members.into_pyobject(py)?.into_any().unbind())
}
