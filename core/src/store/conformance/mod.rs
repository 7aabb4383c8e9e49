//! Checks any [`TokenStore`] against the promises that the library relies on.
//!
//! Run the check in the tests of a custom store:
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
mod violation;

pub use self::violation::{Promise, Violation};
use super::token_store::TokenStore;

/// Checks every promise and reports all that are broken. Its entries have random keys and expire
/// within a minute, so the store need not be empty. With a fast store, it takes a fraction of a
/// second.
///
/// A check within one process cannot see everything that a store promises: that a swap is durable
/// before it returns, that other processes see it and are excluded by its locks, and that a lock
/// ends with the process that holds it.
///
/// # Errors
///
/// The violations, in the order in which they were found. A failing function is reported once and
/// ends the check, because it would fail again.
pub fn check(store: &dyn TokenStore) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    for check in checks::ALL {
        let Err(violation) = check(store) else { continue };
        let failed = violation.promise() == Promise::Works;
        violations.push(violation);
        if failed {
            break;
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
