//! What `aio.py` is made of: calls that are started here and completed by a call into Python.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2 as core;
use sipgate_oauth2::{AccessToken, Call, GivenUp, LogoutOutcome, RunningHandle};

use crate::argument::Optional;
use crate::client::Client;
use crate::door::{self, Asked, Limits};
use crate::login::Login;
use crate::own_store::OwnStore;
use crate::request::Request;
use crate::token_set::TokenSet;
use crate::token_source::{self, TokenSource};
use crate::token_status::TokenStatus;
use crate::{attach, errors};

/// A call under way on a thread of the library's.
#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct Running {
    completed_by: Mutex<Option<CompletedBy>>,
    handle: RunningHandle,
    timeout: f64,
}

type CompletedBy = Box<dyn FnOnce(Py<PyAny>) + Send>;

#[pymethods]
impl Running {
    /// How long its caller is going to wait, in seconds.
    #[getter]
    fn timeout(&self) -> f64 {
        self.timeout
    }

    /// Has `completion` called with the outcome and the exception, one of which is `None`: once, on any thread, and not at all when the interpreter
    /// shuts down first. Only the first completion counts.
    fn then(&self, completion: Py<PyAny>) {
        let completed_by = self.completed_by.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(completed_by) = completed_by {
            completed_by(completion);
        }
    }

    /// Ends the wait as cancelled. Without effect once the outcome is there.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        self.give_up(py, GivenUp::Cancelled)
    }

    /// Ends the wait as timed out. Without effect once the outcome is there.
    fn time_out(&self, py: Python<'_>) -> PyResult<()> {
        self.give_up(py, GivenUp::TimedOut)
    }
}

impl Running {
    fn start<A, F>(py: Python<'_>, asked: A, limits: &Limits, given: F) -> PyResult<Self>
    where
        A: Asked,
        F: for<'py> FnOnce(Python<'py>, A::Outcome) -> PyResult<Py<PyAny>> + Send + 'static,
    {
        let running = door::start(py, asked, limits)?;
        let handle = running.handle();
        let completed_by: CompletedBy = Box::new(|completion| complete(running, completion, given));
        Ok(Self { completed_by: Mutex::new(Some(completed_by)), handle, timeout: limits.timeout.as_secs_f64() })
    }

    fn give_up(&self, py: Python<'_>, why: GivenUp) -> PyResult<()> {
        door::outside(py, || {
            self.handle.give_up(why);
            Ok(())
        })
    }
}

fn complete<T: Send + 'static>(
    running: core::Running<T>,
    completion: Py<PyAny>,
    given: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) {
    running.then(move |outcome| {
        // Whatever is Python's moves inside: let go of out here, it would stay until somebody enters again.
        attach::entered(move |py| {
            let outcome = outcome.map_err(|error| errors::exception(py, &error)).and_then(|outcome| given(py, outcome));
            let (outcome, error) = match outcome {
                Ok(outcome) => (Some(outcome), None),
                Err(error) => (None, Some(error)),
            };
            if let Err(raised) = completion.call1(py, (outcome, error)) {
                raised.write_unraisable(py, Some(completion.bind(py)));
            }
        });
    });
}

/// `Client.exchange_callback` without waiting.
#[pyfunction]
pub(crate) fn start_exchange_callback(
    py: Python<'_>,
    client: &Client,
    pending: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    timeout: Optional<'_, '_>,
) -> PyResult<Running> {
    let request = Request::callback(&client.core, pending, callback)?;
    let limits = Limits::new(timeout, None)?;
    used_on_running_loop(py, client.own.as_ref())?;
    Running::start(py, request, &limits, token_set)
}

/// `Client.exchange_code` without waiting.
#[pyfunction]
pub(crate) fn start_exchange_code(
    py: Python<'_>,
    client: &Client,
    code: &Bound<'_, PyAny>,
    code_verifier: Optional<'_, '_>,
    redirect_uri: Optional<'_, '_>,
    scope: Optional<'_, '_>,
    timeout: Optional<'_, '_>,
) -> PyResult<Running> {
    let request = Request::code(&client.core, code, code_verifier, redirect_uri, scope)?;
    Running::start(py, request, &Limits::new(timeout, None)?, token_set)
}

/// `Client.refresh` without waiting.
#[pyfunction]
pub(crate) fn start_refresh(
    py: Python<'_>,
    client: &Client,
    refresh_token: &Bound<'_, PyAny>,
    scope: Optional<'_, '_>,
    timeout: Optional<'_, '_>,
) -> PyResult<Running> {
    let request = Request::refresh(&client.core, refresh_token, scope)?;
    Running::start(py, request, &Limits::new(timeout, None)?, token_set)
}

/// `Client.complete_login` without waiting.
#[pyfunction]
pub(crate) fn start_complete_login(
    py: Python<'_>,
    client: &Client,
    pending: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    account: &Bound<'_, PyAny>,
    timeout: Optional<'_, '_>,
) -> PyResult<Running> {
    let login = Login::new(&client.core, pending, callback, account)?;
    let limits = Limits::new(timeout, None)?;
    used_on_running_loop(py, client.own.as_ref())?;
    let client = client.clone();
    Running::start(py, login, &limits, move |py, core| Ok(Py::new(py, TokenSource::new(core, &client))?.into_any()))
}

/// `TokenSource.access_token` without waiting.
#[pyfunction]
pub(crate) fn start_access_token(
    py: Python<'_>,
    source: &TokenSource,
    timeout: Optional<'_, '_>,
    min_validity: Optional<'_, '_>,
) -> PyResult<Running> {
    let limits = Limits::new(timeout, None)?.min_validity(min_validity)?;
    used_on_running_loop(py, source.own.as_ref())?;
    Running::start(py, |call: &Call| Ok(source.core.start_access_token(call)), &limits, access_token)
}

/// `TokenSource.refresh` without waiting.
#[pyfunction]
pub(crate) fn start_source_refresh(py: Python<'_>, source: &TokenSource, timeout: Optional<'_, '_>) -> PyResult<Running> {
    let limits = Limits::new(timeout, None)?;
    used_on_running_loop(py, source.own.as_ref())?;
    Running::start(py, |call: &Call| Ok(source.core.start_refresh(call)), &limits, access_token)
}

/// `TokenSource.save` without waiting.
#[pyfunction]
pub(crate) fn start_source_save(
    py: Python<'_>,
    source: &TokenSource,
    tokens: &Bound<'_, PyAny>,
    timeout: Optional<'_, '_>,
) -> PyResult<Running> {
    let tokens = token_source::saved(tokens)?;
    let limits = Limits::new(timeout, None)?;
    used_on_running_loop(py, source.own.as_ref())?;
    Running::start(py, |call: &Call| source.core.start_save(tokens, call), &limits, nothing)
}

/// `TokenSource.status` without waiting.
#[pyfunction]
pub(crate) fn start_source_status(py: Python<'_>, source: &TokenSource, timeout: Optional<'_, '_>) -> PyResult<Running> {
    let limits = Limits::new(timeout, None)?;
    used_on_running_loop(py, source.own.as_ref())?;
    let given = |py: Python<'_>, status| Ok(Py::new(py, TokenStatus(status))?.into_any());
    Running::start(py, |call: &Call| Ok(source.core.start_status(call)), &limits, given)
}

/// `TokenSource.logout` without waiting.
#[pyfunction]
pub(crate) fn start_source_logout(py: Python<'_>, source: &TokenSource, timeout: Optional<'_, '_>) -> PyResult<Running> {
    let limits = Limits::new(timeout, None)?;
    used_on_running_loop(py, source.own.as_ref())?;
    Running::start(py, |call: &Call| Ok(source.core.start_logout(call)), &limits, logout_outcome)
}

fn used_on_running_loop(py: Python<'_>, own: Option<&OwnStore>) -> PyResult<()> {
    own.map_or(Ok(()), |own| own.used_on_running_loop(py))
}

fn token_set(py: Python<'_>, tokens: core::TokenSet) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, TokenSet(tokens))?.into_any())
}

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "one shape for all outcomes")]
fn access_token(py: Python<'_>, token: AccessToken) -> PyResult<Py<PyAny>> {
    Ok(PyString::new(py, token.reveal()).into_any().unbind())
}

#[expect(clippy::unnecessary_wraps, reason = "one shape for all outcomes")]
fn logout_outcome(py: Python<'_>, outcome: LogoutOutcome) -> PyResult<Py<PyAny>> {
    Ok(PyString::new(py, outcome.as_str()).into_any().unbind())
}

#[expect(clippy::unnecessary_wraps, reason = "one shape for all outcomes")]
fn nothing(py: Python<'_>, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}
