//! The promises of a store, and the report of a broken one.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::store::token_store::BoxError;

/// What every store promises.
///
/// ```
/// # use sipgate_oauth2::conformance::Promise;
/// assert_eq!(Promise::OneWinner.to_string(), "of several saves that expect the same version, exactly one is stored");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// Its functions do not fail.
    Works,
    /// A key under which nothing was stored has no entry.
    NothingThere,
    /// A swap that expects no entry stores if there is none, and only then.
    ExpectsNothing,
    /// A conflict changes nothing.
    ConflictChangesNothing,
    /// A version equals only exactly the same text.
    ExactVersion,
    /// Entries under different keys do not affect each other.
    ExactKey,
    /// Version, data and expiry come back as they were given, whatever bytes the data contain.
    ExactEntry,
    /// Of several swaps that expect the same version, exactly one is stored.
    OneWinner,
    /// Every thread sees at once what was stored.
    NoStaleCopy,
    /// An entry is kept until it expires.
    KeptUntilExpiry,
    /// An entry without an expiry is kept.
    KeptWithoutExpiry,
    /// A lock has one holder at a time.
    LockExcludes,
    /// A lock that was dropped can be taken again.
    LockEnds,
    /// Keys are listed in their order, after the given one, and no more than asked for.
    ListsKeys,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Works => "its functions work",
            Self::NothingThere => "a key under which nothing was stored has no entry",
            Self::ExpectsNothing => "a save that expects no entry stores if there is none, and only then",
            Self::ConflictChangesNothing => "a conflict changes nothing",
            Self::ExactVersion => "a version equals only exactly the same text",
            Self::ExactKey => "entries under different keys do not affect each other",
            Self::ExactEntry => "version, data and expiry come back as they were given",
            Self::OneWinner => "of several saves that expect the same version, exactly one is stored",
            Self::NoStaleCopy => "every thread sees at once what was stored",
            Self::KeptUntilExpiry => "an entry is kept until it expires",
            Self::KeptWithoutExpiry => "an entry without an expiry is kept",
            Self::LockExcludes => "a lock has one holder at a time",
            Self::LockEnds => "a lock that was dropped can be taken again",
            Self::ListsKeys => "keys are listed in their order, page by page",
        })
    }
}

/// A promise that a store broke, and how.
///
/// ```
/// # use sipgate_oauth2::conformance::Violation;
/// fn show(violations: &[Violation]) {
///     for violation in violations {
///         println!("{violation}");
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Violation {
    promise: Promise,
    detail: String,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Violation {
    pub(super) fn new(promise: Promise, detail: impl Into<String>) -> Self {
        Self { promise, detail: detail.into(), cause: None }
    }

    pub(super) fn failed(what: &str, error: BoxError) -> Self {
        Self { promise: Promise::Works, detail: format!("{what} failed: {error}"), cause: Some(error.into()) }
    }

    /// The promise that was broken.
    pub fn promise(&self) -> Promise {
        self.promise
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}: {}", self.promise, self.detail)
    }
}

impl Error for Violation {
    /// The error of the store.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl PartialEq for Violation {
    fn eq(&self, other: &Self) -> bool {
        self.promise == other.promise && self.detail == other.detail
    }
}

impl Eq for Violation {}
