//! An operation that has been started: Python waits for it, or has its outcome in a future.
//! `client.py` and `token_source.py` wait, and `_awaiting.py` has a future.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::{TaskHandle, WaitEnded};

use crate::call_options::CallOptions;
use crate::ended_calls::{EndedCalls, Queue};
use crate::{call, log};

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

    /// The future's result will be the outcome and the exception, one of which is `None`, unless it
    /// is done before that. `ended_calls` are those of its event loop. Only the first future
    /// counts.
    fn then(&self, ended_calls: &EndedCalls, future: Py<PyAny>) {
        if let Some(started) = self.take() {
            started.then(ended_calls.queue(), future);
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
    fn then(self: Box<Self>, ended_calls: Arc<Queue>, future: Py<PyAny>);
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

    fn then(self: Box<Self>, ended_calls: Arc<Queue>, future: Py<PyAny>) {
        let Self { task, given } = *self;
        task.then(move |outcome| {
            ended_calls.add(Box::new(move |py| {
                let outcome = call::work(py, "a call", || outcome.map(|outcome| given(py, outcome))).and_then(|given| given);
                let result = match outcome {
                    Ok(outcome) => (Some(outcome), None),
                    Err(error) => (None, Some(error)),
                };
                set_result(future.bind(py), result).or_else(|raised| {
                    if !raised.is_instance_of::<PyException>(py) {
                        return Err(raised);
                    }
                    raised.write_unraisable(py, Some(future.bind(py)));
                    Ok(())
                })
            }));
        });
    }
}

fn set_result(future: &Bound<'_, PyAny>, result: (Option<Py<PyAny>>, Option<PyErr>)) -> PyResult<()> {
    if !future.call_method0("done")?.is_truthy()? {
        future.call_method1("set_result", (result,))?;
    }
    Ok(())
}

/// Looked up each time: a value that is made once has a lock, and a child that is forked while
/// another thread makes it would wait for ever.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
