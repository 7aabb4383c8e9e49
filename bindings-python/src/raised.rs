//! An exception of Python's as the cause of an error of the core's.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use pyo3::PyErr;

/// It becomes the `__cause__` of what the caller gets. Its text may hold what was to be stored, and
/// does not show.
#[derive(Clone)]
pub(crate) struct Raised(pub(crate) Arc<PyErr>);

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raised")
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception of the store's")
    }
}

impl Error for Raised {}
