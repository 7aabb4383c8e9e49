//! An operation that has been started: Python waits for it, or has it call a completion.
//! `client.py` and `token_source.py` wait, and `_awaiting.py` gives a completion.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::{TaskHandle, WaitEnded};

use crate::call_options::CallOptions;
use crate::{call, errors, interpreter, log};

/// How long Ctrl-C may go unseen.
const SLICE: Duration = Duration::from_millis(50);

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct Task {
    /// Until something waits for it.
    started: Mutex<Option<Box<dyn Started + Send>>>,
    handle: TaskHandle,
}

#[pymethods]
impl Task {
    /// Waits for the outcome.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let started = self.take().ok_or_else(|| PyRuntimeError::new_err("something already waits for this task"))?;
        started.wait(py)
    }

    /// Calls `completion` with the outcome and the exception, one of which is `None`: once, on any
    /// thread, and not at all if the interpreter shuts down first. Only the first completion
    /// counts.
    fn then(&self, completion: Py<PyAny>) {
        if let Some(started) = self.take() {
            started.then(completion);
        }
    }

    /// Ends the wait as cancelled. Has no effect once there is an outcome.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        call::outside(py, || {
            self.handle.abandon(WaitEnded::Cancelled);
            Ok(())
        })
    }
}

impl Task {
    /// Starts an operation; `given` makes Python's object of its outcome.
    pub(crate) fn start<T: Send + 'static>(
        py: Python<'_>,
        options: &CallOptions,
        given: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Py<PyAny>> + Send + 'static,
        operation: impl FnOnce(&core::CallOptions) -> core::Task<T> + Send,
    ) -> PyResult<Self> {
        let task = start(py, options, operation)?;
        let handle = task.handle();
        Ok(Self { started: Mutex::new(Some(Box::new(WithOutcome { task, given }))), handle })
    }

    fn take(&self) -> Option<Box<dyn Started + Send>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The outcome of an operation that gives nothing.
#[expect(clippy::unnecessary_wraps, reason = "one shape for all outcomes")]
pub(crate) fn nothing(py: Python<'_>, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}

/// Starts an operation without waiting for it.
pub(crate) fn start<T: Send + 'static>(
    py: Python<'_>,
    options: &CallOptions,
    operation: impl FnOnce(&core::CallOptions) -> core::Task<T> + Send,
) -> PyResult<core::Task<T>> {
    log::look(py);
    call::outside(py, || Ok(operation(&options.core())))
}

/// Waits for the outcome. Python runs signal handlers on its main thread only, so a wait there is
/// interrupted to look for signals; a wait on any other thread is in one piece.
pub(crate) fn wait<T: Send + 'static>(py: Python<'_>, task: core::Task<T>) -> PyResult<T> {
    if !is_main_thread(py)? {
        return call::outside(py, || task.wait());
    }
    let mut raised = None;
    let outcome = call::outside(py, || {
        task.wait_while(SLICE, || {
            // An interpreter that has begun to finalize is not entered.
            raised = Python::try_attach(|py| py.check_signals().err()).flatten();
            raised.is_none()
        })
    });
    raised.map_or(outcome, Err)
}

/// A task without the type of its outcome.
trait Started {
    fn wait(self: Box<Self>, py: Python<'_>) -> PyResult<Py<PyAny>>;
    fn then(self: Box<Self>, completion: Py<PyAny>);
}

struct WithOutcome<T: Send + 'static, G> {
    task: core::Task<T>,
    given: G,
}

impl<T, G> Started for WithOutcome<T, G>
where
    T: Send + 'static,
    G: for<'py> FnOnce(Python<'py>, T) -> PyResult<Py<PyAny>> + Send + 'static,
{
    fn wait(self: Box<Self>, py: Python<'_>) -> PyResult<Py<PyAny>> {
        (self.given)(py, wait(py, self.task)?)
    }

    fn then(self: Box<Self>, completion: Py<PyAny>) {
        let Self { task, given } = *self;
        task.then(move |outcome| {
            // What is Python's moves inside: dropped out here, it would stay until another thread
            // enters.
            interpreter::entered(move |py| {
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
}

/// Looked up each time: a value that is made once has a lock, and a child that is forked while
/// another thread makes it would wait for ever.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
