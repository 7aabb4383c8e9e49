//! Tests any [`TokenStore`] against the promises that the library builds on.
//!
//! Run it in the tests of a store of your own:
//!
//! ```
//! # use sipgate_oauth2::TokenStore;
//! # fn f<MyStore: TokenStore>(connect: fn() -> MyStore) {
//! let store = connect();
//! assert_eq!(sipgate_oauth2::conformance::check(&store), Ok(()));
//! # }
//! ```

mod checks;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::token_store::{BoxError, TokenStore};

/// What every store promises.
///
/// ```
/// # use sipgate_oauth2::conformance::Promise;
/// assert_eq!(Promise::OneWinner.to_string(), "of several saves that expect the same version, exactly one is stored");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// Its functions work at all.
    Works,
    /// Nothing is loaded where nothing was stored.
    NothingThere,
    /// A swap that expects nothing stores where nothing is, and only there.
    ExpectsNothing,
    /// A conflict changes nothing.
    ConflictChangesNothing,
    /// A version is equal only to exactly the same text.
    ExactVersion,
    /// Keys do not get into each other's way.
    ExactKey,
    /// Version, data and end come back as they were given, whatever bytes the data holds.
    ExactEntry,
    /// Of several swaps that expect the same version, exactly one is stored.
    OneWinner,
    /// What was stored is seen by every thread at once.
    NoStaleCopy,
    /// An entry stays until its end.
    KeptUntilItsEnd,
    /// An entry without an end stays.
    KeptWithoutEnd,
    /// A lock is held by one at a time.
    LockExcludes,
    /// A lock that was dropped can be taken.
    LockEnds,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Works => "its functions work",
            Self::NothingThere => "nothing is loaded where nothing was stored",
            Self::ExpectsNothing => "a save that expects nothing stores where nothing is, and only there",
            Self::ConflictChangesNothing => "a conflict changes nothing",
            Self::ExactVersion => "a version is equal only to exactly the same text",
            Self::ExactKey => "keys do not get into each other's way",
            Self::ExactEntry => "version, data and end come back as they were given",
            Self::OneWinner => "of several saves that expect the same version, exactly one is stored",
            Self::NoStaleCopy => "what was stored is seen by every thread at once",
            Self::KeptUntilItsEnd => "an entry stays until its end",
            Self::KeptWithoutEnd => "an entry without an end stays",
            Self::LockExcludes => "a lock is held by one at a time",
            Self::LockEnds => "a lock that was dropped can be taken",
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
    fn new(promise: Promise, detail: impl Into<String>) -> Self {
        Self { promise, detail: detail.into(), cause: None }
    }

    fn failed(what: &str, failure: BoxError) -> Self {
        Self { promise: Promise::Works, detail: format!("{what} failed: {failure}"), cause: Some(failure.into()) }
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
    /// What the store failed with.
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

/// Checks every promise and tells all that are broken. What it stores is under keys drawn at random and ends by itself within seconds, so the
/// store need not be empty; it takes a fraction of a second where the store is quick.
///
/// Not to be seen from inside one process, and still promised: that a swap is durable before it returns, that other processes see it and are
/// excluded by its locks, and that a lock ends with the process.
///
/// # Errors
///
/// The violations, in the order in which they were found. A function that fails is the last of them: it would fail again.
pub fn check(store: &dyn TokenStore) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    for check in checks::ALL {
        let Err(violation) = check(store) else { continue };
        let fails = violation.promise == Promise::Works;
        violations.push(violation);
        if fails {
            break;
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
