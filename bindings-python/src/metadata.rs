//! A server's metadata (RFC 8414), as JSON, and its discovery.

use pyo3::prelude::*;
use sipgate_oauth2::{Discovery, ServerMetadata};

use crate::argument::{self, Any, Keywords, Setter};
use crate::call_options::CallOptions;
use crate::task::Task;
use crate::{call, json};

#[pyfunction]
#[pyo3(signature = (issuer, settings, **call))]
pub(crate) fn start_discover(issuer: Any<'_, '_>, settings: Keywords<'_, '_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
    let (py, new) = (issuer.py(), Discovery::new(argument::text("issuer", issuer)?));
    let discovery = argument::keywords(new, Some(settings), setter)?;
    let given = |py: Python<'_>, metadata| object(py, &metadata).map(Bound::unbind);
    Task::start(py, &CallOptions::read(call)?, given, |options| discovery.start_discover(options))
}

fn setter(name: &str) -> Option<Setter<Discovery>> {
    Some(match name {
        "ca_certificates" => |discovery, value| Ok(discovery.ca_certificates(argument::bytes("ca_certificates", value)?)),
        "proxy" => |discovery, value| Ok(discovery.proxy(argument::text("proxy", value)?)),
        "connect_timeout" => |discovery, value| Ok(discovery.connect_timeout(argument::seconds("connect_timeout", value)?)),
        "request_timeout" => |discovery, value| Ok(discovery.request_timeout(argument::seconds("request_timeout", value)?)),
        _ => return None,
    })
}

/// The metadata in a mapping, or in JSON text.
pub(crate) fn read(value: Any<'_, '_>) -> PyResult<ServerMetadata> {
    json::document("metadata", value, |text| call::work(value.py(), "metadata", || ServerMetadata::from_json(text)))
}

/// A dictionary with its members.
pub(crate) fn object<'py>(py: Python<'py>, metadata: &ServerMetadata) -> PyResult<Bound<'py, PyAny>> {
    json::parsed(py, &metadata.to_json())
}
