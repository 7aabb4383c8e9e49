//! Stores: their interface, the stores of this library, and the conformance check for any store.

pub mod conformance;
pub(crate) mod encryption;
mod encryption_key;
pub(crate) mod memory;
pub(crate) mod sqlite;
#[cfg(test)]
mod testing;
mod token_store;

pub use encryption_key::EncryptionKey;
pub use sqlite::SqliteOptions;
pub use token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
