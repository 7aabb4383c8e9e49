//! Threads of the library call the functions of a store. A function may be `async`; then it runs on
//! the event loop that its store was last used on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError, PyTimeoutError};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use sipgate_oauth2::BoxError;
use sipgate_oauth2::binding::in_flight;

use crate::interpreter;
use crate::raised::failure;

/// How long an `async` function may take before the store counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an interpreter that shuts down may go unseen.
const SLICE: Duration = Duration::from_millis(50);

/// Where the functions of a store run. Shared by the library's threads; they enter the interpreter
/// for each call, and hold no lock meanwhile.
///
/// The lock is only held inside the interpreter, by a thread that does not release it meanwhile, so
/// that a child cannot be forked while it is held.
#[derive(Clone, Default)]
pub(crate) struct EventLoop(Arc<Mutex<Option<Py<PyAny>>>>);

impl EventLoop {
    pub(crate) fn used_on(&self, event_loop: Bound<'_, PyAny>) {
        ON_EVENT_LOOPS.store(true, Ordering::Relaxed);
        let previous = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(event_loop.unbind());
        // Only once the lock is free again: this may run Python code.
        drop(previous);
    }

    /// What the function called `name` returns, as `read` has it. `begin` calls it.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        begin: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>>,
        read: fn(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, BoxError> {
        let begun = interpreter::entered(|py| {
            let answer = begin(py)?;
            if answer.hasattr("__await__")? {
                self.scheduled(name, &answer, read).map(Answer::Later)
            } else {
                read(&answer).map(Answer::Now)
            }
        });
        match begun {
            None => Err(SHUTTING_DOWN.into()),
            Some(Err(raised)) => Err(failure(name, raised)),
            Some(Ok(Answer::Now(answer))) => Ok(answer),
            Some(Ok(Answer::Later(later))) => later.wait(name),
        }
    }

    fn scheduled<T: Send + 'static>(
        &self,
        name: &str,
        coroutine: &Bound<'_, PyAny>,
        read: fn(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> PyResult<Later<T>> {
        let py = coroutine.py();
        let event_loop = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|event_loop| event_loop.clone_ref(py));
        let Some(event_loop) = event_loop else {
            coroutine.call_method0("close")?;
            let problem = format!("the store's {name} is async and no event loop is known; use sipgate_oauth2.aio");
            return Err(PyNotImplementedError::new_err(problem));
        };
        let scheduled = py.import("asyncio")?.call_method1("run_coroutine_threadsafe", (coroutine, event_loop));
        let future = match scheduled {
            Ok(future) => future,
            // The loop is closed, or what should be a coroutine is none.
            Err(raised) => {
                drop(coroutine.call_method0("close"));
                return Err(raised);
            }
        };
        let (told, answer) = sync_channel(1);
        future.call_method1("add_done_callback", (completion(py, told, read)?,))?;
        Ok(Later { answer, future: future.unbind() })
    }
}

/// Has the `async` functions of this store, if there are any, run on the event loop of this thread.
pub(crate) fn use_running_loop(event_loop: Option<&EventLoop>, py: Python<'_>) -> PyResult<()> {
    if let Some(event_loop) = event_loop {
        event_loop.used_on(py.import("asyncio")?.call_method0("get_running_loop")?);
    }
    Ok(())
}

/// Whether any store of this process was ever used on an event loop.
static ON_EVENT_LOOPS: AtomicBool = AtomicBool::new(false);

/// Whether an operation is in flight that may need an event loop to store its outcome.
#[pyfunction]
pub(crate) fn needs_event_loop() -> bool {
    ON_EVENT_LOOPS.load(Ordering::Relaxed) && in_flight() > 0
}

enum Answer<T> {
    Now(T),
    Later(Later<T>),
}

/// A call that an event loop is working on.
struct Later<T> {
    answer: Receiver<PyResult<T>>,
    future: Py<PyAny>,
}

impl<T> Later<T> {
    /// Waits without the interpreter, so that its end does not wait for this.
    fn wait(self, name: &'static str) -> Result<T, BoxError> {
        let begun = Instant::now();
        loop {
            match self.answer.recv_timeout(SLICE) {
                Ok(answer) => return answer.map_err(|raised| failure(name, raised)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failure(name, PyRuntimeError::new_err("the event loop was closed before the store had responded")));
                }
                Err(RecvTimeoutError::Timeout) if interpreter::is_closed() => return Err(SHUTTING_DOWN.into()),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < PATIENCE => {}
                Err(RecvTimeoutError::Timeout) => {
                    interpreter::entered(|py| drop(self.future.call_method0(py, "cancel")));
                    return Err(failure(
                        name,
                        PyTimeoutError::new_err(
                            "the store did not respond within 30 s; is its event loop blocked, as by a call that does not await?",
                        ),
                    ));
                }
            }
        }
    }
}

/// The function that a `concurrent.futures.Future` calls with itself when it is done.
fn completion<'py, T: Send + 'static>(
    py: Python<'py>,
    told: SyncSender<PyResult<T>>,
    read: fn(&Bound<'_, PyAny>) -> PyResult<T>,
) -> PyResult<Bound<'py, PyCFunction>> {
    PyCFunction::new_closure(py, None, None, move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
        let answer = arguments.get_item(0).and_then(|future| read(&future.call_method0("result")?));
        // If the wait was abandoned, no thread receives it.
        drop(told.try_send(answer));
    })
}

const SHUTTING_DOWN: &str = "the interpreter is shutting down";
