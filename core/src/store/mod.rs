//! Where logins are kept.

mod encryption;
mod encryption_key;
mod handle;
pub mod kit;
mod memory;
mod register;
mod sqlite;
#[cfg(test)]
mod testing;

pub use encryption_key::EncryptionKey;
pub use handle::Store;
pub use register::{StoreEntry, StoreFailure, StoreKey, StoreLock, Swapped, TokenStore};
pub(crate) use sqlite::url;
#[doc(hidden)]
pub use sqlite::{after_fork, before_fork};
