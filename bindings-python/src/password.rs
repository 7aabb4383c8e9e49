//! The password of a database: a text, or a function that returns it, plain or `async`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2::{BoxError, StoreOptions};

use crate::argument;
use crate::event_loop::EventLoop;

/// The options with this password, and where its function runs if it is one.
pub(crate) fn set(options: StoreOptions, value: &Bound<'_, PyAny>) -> PyResult<(StoreOptions, Option<EventLoop>)> {
    if value.is_instance_of::<PyString>() {
        let password = argument::text("password", value)?.to_owned();
        return Ok((options.password(move || Ok(password.clone())), None));
    }
    if !value.is_callable() {
        return Err(argument::wrong_type("password", "a str, or a function that returns one", value));
    }
    let (function, event_loop) = (value.clone().unbind(), EventLoop::default());
    let on = event_loop.clone();
    Ok((options.password(move || asked(&function, &on)), Some(event_loop)))
}

fn asked(function: &Py<PyAny>, event_loop: &EventLoop) -> Result<String, BoxError> {
    event_loop.call("password function", |py| function.bind(py).call0(), text)
}

fn text(answer: &Bound<'_, PyAny>) -> PyResult<String> {
    answer.cast::<PyString>().map_err(|_| PyTypeError::new_err("the password function must return a str"))?.extract()
}
