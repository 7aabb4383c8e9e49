//! What a function of a store threw, as the cause of an error of the core.

use std::error::Error;
use std::fmt;

use napi_derive::napi;
use sipgate_oauth2::BoxError;

/// What the store's function threw. Its message may contain what was to be stored, so only its name
/// is kept.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    /// As in `save threw TypeError`.
    what: String,
    is_mistake: bool,
    thrown: Thrown,
}

impl Failed {
    pub(crate) fn into_error(self) -> BoxError {
        if self.is_mistake { Box::new(self.mistaken()) } else { Box::new(self) }
    }

    pub(crate) fn mistaken(self) -> sipgate_oauth2::Error {
        sipgate_oauth2::Error::mistaken_store(&format!("the store's {self}; see the cause"), self)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.thrown)
    }
}

/// The number under which JavaScript keeps the error itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thrown(pub(crate) u32);

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error that the store threw")
    }
}

impl Error for Thrown {}

/// How a call of the store failed.
#[napi(object, object_to_js = false)]
pub struct StoreFailed {
    /// As in `save threw TypeError`.
    pub what: String,
    /// Whether it is a mistake in the store's code.
    pub is_mistake: bool,
    /// The number that the error is kept under.
    pub thrown: u32,
}

impl From<StoreFailed> for Failed {
    fn from(StoreFailed { what, is_mistake, thrown }: StoreFailed) -> Self {
        Self { what, is_mistake, thrown: Thrown(thrown) }
    }
}
