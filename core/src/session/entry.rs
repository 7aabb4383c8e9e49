//! Entries of a store, as a session reads and writes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use protocol::error::{Error, ErrorCode, Result};
use protocol::refresh::record::{Account, Record, Stored};

use crate::store::{BoxError, StoreEntry};
use crate::sys::random::{self, Random};

/// A version that no entry has had before.
pub(super) fn version(random: &dyn Random) -> Result<String> {
    random::tokens(random).map(|[token]| token[..22].to_owned())
}

pub(super) fn stored(entry: StoreEntry, account: &Arc<Account>) -> Result<Stored> {
    Ok(Stored::new(entry.version, Record::decode(&entry.data)?.sharing(account)))
}

/// Calls a function of the store. A panic in it counts as a failure: the tokens that it was to
/// store must not be lost.
pub(super) fn ask_store<T>(ask: impl FnOnce() -> Result<T, BoxError>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| Err("it panicked".into())).map_err(store_error)
}

fn store_error(failure: BoxError) -> Error {
    match failure.downcast::<Error>() {
        Ok(error) => *error,
        Err(failure) => Error::new(ErrorCode::StoreUnavailable, "the store failed; see the cause, and try again when the store works")
            .with_cause(failure),
    }
}
