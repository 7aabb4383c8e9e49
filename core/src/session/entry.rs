//! Entries of a store, as a session reads and writes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use protocol::crypto::sha256;
use protocol::error::{Error, ErrorCode, Result};
use protocol::refresh::record::{Account, Record, Stored};

use crate::store::{BoxError, StoreEntry, StoreKey};
use crate::sys::random::{self, Random};

/// What something is filed under: the digest of the parts, each behind its length, so that
/// different tuples never collide.
pub(super) fn key(parts: &[&str]) -> StoreKey {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
    StoreKey::new(&sha256(lengths.iter().zip(parts).flat_map(|(length, part)| [&length[..], part.as_bytes()])))
}

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

/// After this many conflicts in a row, the store is at fault, and not other processes.
pub(super) const MOST_CONFLICTS: u32 = 20;

/// The error of a store whose entry never has the version that it was loaded with.
pub(super) fn keeps_conflicting() -> Error {
    Error::new(
        ErrorCode::StoreUnavailable,
        "the store keeps rejecting a write over the version that it returns; if it is a custom store, run its check: a load must see what \
         was just saved, and a save must replace an expired entry that load leaves out",
    )
}

fn store_error(failure: BoxError) -> Error {
    match failure.downcast::<Error>() {
        Ok(error) => *error,
        Err(failure) => Error::new(ErrorCode::StoreUnavailable, "the store failed; see the cause, and try again when the store works")
            .with_cause(failure),
    }
}
