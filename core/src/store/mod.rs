//! Stores: their interface, the stores of this library, and the conformance check for any store.

pub mod conformance;
pub(crate) mod encryption;
pub(crate) mod location;
pub(crate) mod memory;
mod options;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod remote;
pub(crate) mod sqlite;
#[cfg(test)]
mod testing;
mod token_store;

pub use options::{Durability, StoreOptions};
pub use sqlite::SqliteOptions;
pub use token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
