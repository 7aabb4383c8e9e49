//! What `aio.py` is made of: requests that are started here and completed by a call into Python.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::{GivenUp, RunningHandle};

use crate::argument::Optional;
use crate::client::Client;
use crate::door::{self, Limits};
use crate::request::Request;
use crate::token_set::TokenSet;
use crate::{attach, errors};

/// A request under way on a thread of the library's.
#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct Running {
    running: Mutex<Option<core::Running<core::TokenSet>>>,
    handle: RunningHandle,
    timeout: f64,
}

#[pymethods]
impl Running {
    /// How long its caller is going to wait, in seconds.
    #[getter]
    fn timeout(&self) -> f64 {
        self.timeout
    }

    /// Has `completion` called with the tokens and the exception, one of which is `None`: once, on any thread, and not at all when the interpreter
    /// shuts down first. Only the first completion counts.
    fn then(&self, completion: Py<PyAny>) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(running) = running else { return };
        running.then(move |outcome| {
            attach::entered(|py| {
                let (tokens, error) = match outcome {
                    Ok(tokens) => (Some(TokenSet(tokens)), None),
                    Err(error) => (None, Some(errors::exception(py, &error))),
                };
                if let Err(raised) = completion.call1(py, (tokens, error)) {
                    raised.write_unraisable(py, Some(completion.bind(py)));
                }
            });
        });
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
    fn give_up(&self, py: Python<'_>, why: GivenUp) -> PyResult<()> {
        door::outside(py, || {
            self.handle.give_up(why);
            Ok(())
        })
    }
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
    start(py, Request::callback(&client.0, pending, callback)?, timeout)
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
    start(py, Request::code(&client.0, code, code_verifier, redirect_uri, scope)?, timeout)
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
    start(py, Request::refresh(&client.0, refresh_token, scope)?, timeout)
}

fn start(py: Python<'_>, request: Request<'_>, timeout: Optional<'_, '_>) -> PyResult<Running> {
    let timeout = Limits::new(timeout, None)?.timeout;
    let running = door::start(py, request)?;
    Ok(Running { handle: running.handle(), running: Mutex::new(Some(running)), timeout: timeout.as_secs_f64() })
}
