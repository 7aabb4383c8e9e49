//! A custom store: a Python object with `load` and `save`, plain or `async`.

use std::error::Error;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyMemoryView, PyTuple};
use sipgate_oauth2 as core;
use sipgate_oauth2::conformance::Violation;
use sipgate_oauth2::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

use crate::argument;
use crate::event_loop::EventLoop;
use crate::raised::Failed;

/// Shared by the library's threads.
#[derive(Clone)]
pub(crate) struct CustomStore {
    object: Arc<Py<PyAny>>,
    /// Whether it has the third function.
    lists_keys: bool,
    event_loop: EventLoop,
}

impl CustomStore {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        for name in ["load", "save"] {
            if !object.getattr_opt(name)?.is_some_and(|function| function.is_callable()) {
                return Err(argument::wrong_type("store", "an object with the functions load and save", object));
            }
        }
        let lists_keys = object.getattr_opt("keys")?.is_some_and(|function| function.is_callable());
        Ok(Self { object: Arc::new(object.clone().unbind()), lists_keys, event_loop: EventLoop::default() })
    }

    pub(crate) fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        arguments: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>>,
        read: fn(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, BoxError> {
        self.event_loop.call(name, |py| self.object.bind(py).call_method1(name, arguments(py)?), read)
    }
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

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        if !self.lists_keys {
            return Err(core::Error::new(core::ErrorCode::Unsupported, NO_KEYS).into());
        }
        self.call("keys", |py| (after.map(StoreKey::as_str), limit).into_pyobject(py), keys)
    }
}

const NO_KEYS: &str = "the custom store cannot list its keys; give it the function keys(after, limit)";

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

fn keys(answer: &Bound<'_, PyAny>) -> PyResult<Vec<StoreKey>> {
    let refused = || PyTypeError::new_err("keys must return the keys after the one given, in their order: a sequence of str");
    let texts: Vec<String> = answer.extract().map_err(|_| refused())?;
    texts.iter().map(|text| StoreKey::parse(text).map_err(|_| refused())).collect()
}

/// The exception that ended a check of a store, where one did.
pub(crate) fn raised_in(violation: &Violation) -> Option<core::Error> {
    let cause = violation.source()?;
    let failed = || cause.downcast_ref::<Failed>().map(|failed| failed.clone().mistaken());
    cause.downcast_ref::<core::Error>().cloned().or_else(failed)
}
