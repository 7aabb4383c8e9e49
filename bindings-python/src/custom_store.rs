//! A custom store: a Python object with `load` and `save`, plain or `async`.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyAttributeError, PyImportError, PyNameError, PyNotImplementedError, PyRuntimeError, PyTimeoutError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyCFunction, PyDict, PyMemoryView, PyTuple};
use sipgate_oauth2 as core;
use sipgate_oauth2::conformance::Violation;
use sipgate_oauth2::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

use crate::raised::Raised;
use crate::{argument, interpreter};

/// How long an `async` function may take before the store counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an interpreter that shuts down may go unseen.
const SLICE: Duration = Duration::from_millis(50);

/// Shared by the library's threads; they enter the interpreter for each call, and hold no lock
/// meanwhile.
#[derive(Clone)]
pub(crate) struct CustomStore(Arc<Inner>);

struct Inner {
    object: Py<PyAny>,
    /// Where `async` functions run: the event loop that the store was last used on. The lock is
    /// only held inside the interpreter, by a thread that does not release it meanwhile, so that a
    /// child cannot be forked while it is held.
    event_loop: Mutex<Option<Py<PyAny>>>,
}

impl CustomStore {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        for name in ["load", "save"] {
            if !object.getattr_opt(name)?.is_some_and(|function| function.is_callable()) {
                return Err(argument::wrong_type("store", "an object with the functions load and save", object));
            }
        }
        Ok(Self(Arc::new(Inner { object: object.clone().unbind(), event_loop: Mutex::default() })))
    }

    pub(crate) fn used_on(&self, event_loop: Bound<'_, PyAny>) {
        ON_EVENT_LOOPS.store(true, Ordering::Relaxed);
        let previous = self.0.event_loop.lock().unwrap_or_else(PoisonError::into_inner).replace(event_loop.unbind());
        // Only once the lock is free again: this may run Python code.
        drop(previous);
    }

    fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        arguments: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>>,
        read: fn(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, BoxError> {
        let begun = interpreter::entered(|py| {
            let answer = self.0.object.bind(py).call_method1(name, arguments(py)?)?;
            if answer.hasattr("__await__")? { self.scheduled(&answer, read).map(Answer::Later) } else { read(&answer).map(Answer::Now) }
        });
        match begun {
            None => Err(SHUTTING_DOWN.into()),
            Some(Err(raised)) => Err(failure(name, raised)),
            Some(Ok(Answer::Now(answer))) => Ok(answer),
            Some(Ok(Answer::Later(later))) => later.wait(name),
        }
    }

    fn scheduled<T: Send + 'static>(&self, coroutine: &Bound<'_, PyAny>, read: fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<Later<T>> {
        let py = coroutine.py();
        let event_loop =
            self.0.event_loop.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|event_loop| event_loop.clone_ref(py));
        let Some(event_loop) = event_loop else {
            coroutine.call_method0("close")?;
            return Err(PyNotImplementedError::new_err(
                "the store is async and no event loop is known; use the client of sipgate_oauth2.aio",
            ));
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

/// Has the `async` functions of this store, if there is one, run on the event loop of this thread.
pub(crate) fn use_running_loop(store: Option<&CustomStore>, py: Python<'_>) -> PyResult<()> {
    if let Some(store) = store {
        store.used_on(py.import("asyncio")?.call_method0("get_running_loop")?);
    }
    Ok(())
}

impl TokenStore for CustomStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        self.call("load", |py| (key.as_str(),).into_pyobject(py), entry)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        self.call(
            "save",
            |py| (key.as_str(), expected, &entry.version, PyBytes::new(py, &entry.data), entry.expires_at).into_pyobject(py),
            swapped,
        )
    }
}

enum Answer<T> {
    Now(T),
    Later(Later<T>),
}

/// Whether any store of this process was ever used on an event loop.
static ON_EVENT_LOOPS: AtomicBool = AtomicBool::new(false);

/// Whether an operation is in flight that may need an event loop to store its outcome.
#[pyfunction]
pub(crate) fn needs_event_loop() -> bool {
    ON_EVENT_LOOPS.load(Ordering::Relaxed) && core::binding::in_flight() > 0
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

fn entry(answer: &Bound<'_, PyAny>) -> PyResult<Option<StoreEntry>> {
    if answer.is_none() {
        return Ok(None);
    }
    let refused = |_| PyTypeError::new_err("load must return None or (version, data, expires_at): a str, bytes, and an int or None");
    let (version, data, expires_at) = columns(answer).map_err(refused)?;
    let data = PyMemoryView::from(&data).and_then(|view| view.call_method0("tobytes")).map_err(refused)?;
    Ok(Some(StoreEntry {
        version: version.extract().map_err(refused)?,
        data: data.extract().map_err(refused)?,
        expires_at: expires_at.extract().map_err(refused)?,
    }))
}

/// The rows of a database are sequences, but not always tuples.
fn columns<'py>(row: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if row.len()? != 3 {
        return Err(PyTypeError::new_err("not three"));
    }
    Ok((row.get_item(0)?, row.get_item(1)?, row.get_item(2)?))
}

fn swapped(answer: &Bound<'_, PyAny>) -> PyResult<SwapOutcome> {
    match answer.cast::<PyBool>() {
        Ok(stored) if stored.is_true() => Ok(SwapOutcome::Stored),
        Ok(_) => Ok(SwapOutcome::Conflict),
        Err(_) => Err(PyTypeError::new_err("save must return True when it stored the entry and False when another version was there")),
    }
}

const SHUTTING_DOWN: &str = "the interpreter is shutting down";

fn failure(function: &'static str, raised: PyErr) -> BoxError {
    let seen = Python::try_attach(|py| {
        let kind = raised.get_type(py);
        (kind.name().map_or_else(|_| String::new(), |name| name.to_string()), is_mistake(py, &raised))
    });
    let (kind, is_mistake) = seen.unwrap_or_default();
    let failed = Failed { function, kind, raised: Raised(Arc::new(raised)) };
    if is_mistake { Box::new(failed.mistaken()) } else { Box::new(failed) }
}

/// Exceptions that point to a mistake in the store's code, not to its database.
fn is_mistake(py: Python<'_>, raised: &PyErr) -> bool {
    raised.is_instance_of::<PyTypeError>(py)
        || raised.is_instance_of::<PyAttributeError>(py)
        || raised.is_instance_of::<PyNameError>(py)
        || raised.is_instance_of::<PyImportError>(py)
        || raised.is_instance_of::<PyNotImplementedError>(py)
}

/// The exception that ended a check of a store, where one did.
pub(crate) fn raised_in(violation: &Violation) -> Option<core::Error> {
    let cause = violation.source()?;
    let failed = || cause.downcast_ref::<Failed>().map(|failed| failed.clone().mistaken());
    cause.downcast_ref::<core::Error>().cloned().or_else(failed)
}

/// Names the exception and nothing else: its text may contain what was to be stored.
#[derive(Clone, Debug)]
struct Failed {
    function: &'static str,
    kind: String,
    raised: Raised,
}

impl Failed {
    fn mistaken(self) -> core::Error {
        core::Error::mistaken_store(&format!("the store's {self}; see the cause"), self)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} raised {}", self.function, self.kind)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.raised)
    }
}
