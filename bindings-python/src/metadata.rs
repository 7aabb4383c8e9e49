//! A server's metadata (RFC 8414), as JSON.

use pyo3::prelude::*;
use sipgate_oauth2::ServerMetadata;

use crate::argument::Any;
use crate::{call, json};

/// The metadata in a mapping, or in JSON text.
pub(crate) fn read(value: Any<'_, '_>) -> PyResult<ServerMetadata> {
    json::document("metadata", value, |text| call::work(value.py(), "metadata", || ServerMetadata::from_json(text)))
}

/// A dictionary with its members.
pub(crate) fn object<'py>(py: Python<'py>, metadata: &ServerMetadata) -> PyResult<Bound<'py, PyAny>> {
    json::parsed(py, &metadata.to_json())
}
