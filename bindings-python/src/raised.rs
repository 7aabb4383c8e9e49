//! A Python exception as the cause of an error in the core.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use pyo3::exceptions::{PyAttributeError, PyImportError, PyNameError, PyNotImplementedError, PyTypeError};
use pyo3::prelude::*;
use sipgate_oauth2 as core;
use sipgate_oauth2::BoxError;

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
        f.write_str("an exception of the store")
    }
}

impl Error for Raised {}

/// What a function of a store raised. Names the exception and nothing else: its text may contain
/// what was to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    function: &'static str,
    kind: String,
    raised: Raised,
}

impl Failed {
    pub(crate) fn mistaken(self) -> core::Error {
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

pub(crate) fn failure(function: &'static str, raised: PyErr) -> BoxError {
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
