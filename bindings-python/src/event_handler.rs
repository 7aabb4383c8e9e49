//! The core's events, as dicts for a function of the application.

use pyo3::prelude::*;
use serde_json::{Map, Value};
use sipgate_oauth2::Event;

use crate::{argument, interpreter, json};

pub(crate) struct EventHandler(Py<PyAny>);

impl EventHandler {
    pub(crate) fn new(function: &Bound<'_, PyAny>) -> PyResult<Self> {
        if !function.is_callable() {
            return Err(argument::wrong_type("on_event", "a function that takes a dict", function));
        }
        Ok(Self(function.clone().unbind()))
    }

    /// Called by the core, on any thread. What the function raises goes to `sys.unraisablehook`,
    /// unless it is the exception that ends it when the interpreter shuts down.
    pub(crate) fn told(&self, event: &Event) {
        let Ok(members) = serde_json::from_str::<Map<String, Value>>(&event.to_json()) else { return };
        interpreter::entered(|py| {
            if let Err(raised) = json::object(py, &members).and_then(|members| self.0.call1(py, (members,)))
                && !interpreter::is_closed()
            {
                raised.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }
}
