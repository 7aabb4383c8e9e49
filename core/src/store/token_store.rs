//! What the protocol requires of a store: read an entry, and replace it by compare-and-swap.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use protocol::crypto::hex;
use protocol::error::{Error, ErrorCode, Result};

/// A place that keeps logins. A store reads an entry, and replaces it if no other process replaced
/// it first. This library does everything else: locks, retries, and what an entry means.
///
/// Any database implements the two required functions in two statements. The data of an entry are
/// opaque bytes that contain secrets. [`conformance::check`](crate::conformance::check) tests
/// whether a store keeps its promises.
///
/// # Design
///
/// Compare-and-swap is the smallest operation that prevents a lost update between processes, and
/// every database has it: an `UPDATE` with the version in its `WHERE` clause. Versions are random
/// because a counter repeats when a backup is restored, and a process that still expects the old
/// number would then overwrite another login. See [decision 28].
///
/// [decision 28]:
/// https://github.com/sipgate-oauth2/sipgate-oauth2/blob/main/docs/decisions/0028-a-store-is-two-functions-over-random-versions.md
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use sipgate_oauth2::{BoxError, Store, StoreEntry, StoreKey, SwapOutcome, TokenStore};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<HashMap<String, StoreEntry>>);
///
/// impl TokenStore for InMemory {
///     fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
///         Ok(self.0.lock().map_err(|_| "poisoned")?.get(key.as_str()).cloned())
///     }
///
///     fn swap(
///         &self,
///         key: &StoreKey,
///         expected: Option<&str>,
///         entry: &StoreEntry,
///     ) -> Result<SwapOutcome, BoxError> {
///         let mut entries = self.0.lock().map_err(|_| "poisoned")?;
///         if entries.get(key.as_str()).map(|entry| entry.version.as_str()) != expected {
///             return Ok(SwapOutcome::Conflict);
///         }
///         entries.insert(key.as_str().to_owned(), entry.clone());
///         Ok(SwapOutcome::Stored)
///     }
/// }
///
/// let store = Store::new(InMemory::default());
/// ```
pub trait TokenStore: Send + Sync + 'static {
    /// Returns the entry as the last successful [`swap`](Self::swap) of any process wrote it, or
    /// `None` if there is none. Never a stale copy.
    ///
    /// # Errors
    ///
    /// Anything that prevents the store from reading the entry.
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError>;

    /// Stores `entry` under the key if the current entry has the version `expected`, or if there is
    /// no entry and `expected` is `None`. The step is atomic, and durable before it returns. The
    /// store may delete an entry once its `expires_at` has passed, and must not delete any other.
    ///
    /// # Errors
    ///
    /// Anything that went wrong. The entry may have been stored or not: the library reads it again.
    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError>;

    /// Tries to take the lock of the key, without waiting. Only for stores whose users all run on
    /// one machine: a lock must end with the process that holds it, and must not end otherwise
    /// while it is held. Without locks, the library uses leases.
    ///
    /// # Errors
    ///
    /// Anything that prevents the store from deciding.
    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        let _ = key;
        Ok(StoreLock::Unsupported)
    }

    /// Returns at most `limit` keys in ascending order: those after `after`, or the first ones.
    /// Keys of expired entries may be among them. Without it, `accounts()` and `keep_alive()` are
    /// not available.
    ///
    /// # Errors
    ///
    /// Anything that prevents the store from reading its keys.
    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let _ = (after, limit);
        Err(Error::new(ErrorCode::Unsupported, "the store cannot list its keys; give it a function for that").into())
    }

    /// Returns each problem with the store's settings, such as a missing right, in words. Without
    /// it, [`Store::check`](crate::Store::check) only reads.
    ///
    /// # Errors
    ///
    /// Anything that prevents the store from finding out.
    fn check(&self) -> Result<Vec<String>, BoxError> {
        self.load(&StoreKey::new(&[0xFF; 32])).map(|_| Vec::new())
    }

    /// Whether what was read last was not there, and was left so: for the stores of this library.
    #[doc(hidden)]
    fn is_missing(&self) -> bool {
        false
    }
}

/// The error of a store's function. An [`Error`](crate::Error) is passed on as it is; any other
/// error becomes the cause of a [`StoreUnavailable`](crate::ErrorCode::StoreUnavailable).
///
/// ```
/// let error: sipgate_oauth2::BoxError = "the database is down".into();
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The key of an entry: 64 hexadecimal digits that reveal nothing about the account.
///
/// ```
/// # fn path(key: &sipgate_oauth2::StoreKey) -> String {
/// format!("{}.json", key.as_str())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey(Arc<str>);

impl StoreKey {
    pub(crate) fn new(digest: &[u8; 32]) -> Self {
        Self(hex(digest).into())
    }

    /// Parses a key, such as one that a database has listed.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] if it is not 64 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Result<Self> {
        let is_key = text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if is_key { Ok(Self(text.into())) } else { Err(Error::invalid_argument("key", "is not 64 hexadecimal digits in lower case")) }
    }

    /// Identifies the account where its name must not appear, such as in logs.
    pub(crate) fn account_hash(&self) -> &str {
        &self.0[..16]
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a store keeps under a key.
///
/// The struct is exhaustive: a store must keep every field, so a new field has to be a compile
/// error in each store rather than lost data.
///
/// ```
/// # fn f(version: String, data: Vec<u8>) {
/// let entry = sipgate_oauth2::StoreEntry { version, data, expires_at: None };
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreEntry {
    /// A random text, new with every change: 22 characters of `[A-Za-z0-9_-]`. Never a counter,
    /// which would repeat after a backup was restored.
    pub version: String,
    /// The login: opaque, secret, rarely more than 10 KB.
    pub data: Vec<u8>,
    /// When the store may delete the entry, in seconds since 1970; never if `None`.
    pub expires_at: Option<i64>,
}

impl fmt::Debug for StoreEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreEntry").field("version", &self.version).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The outcome of a [`swap`](TokenStore::swap).
///
/// ```
/// # use sipgate_oauth2::SwapOutcome;
/// # fn f(rows_changed: usize) -> SwapOutcome {
/// if rows_changed == 1 { SwapOutcome::Stored } else { SwapOutcome::Conflict }
/// # }
/// ```
// Non-exhaustive, as is `StoreLock`: a store only returns it, so a new variant breaks no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SwapOutcome {
    /// The entry is stored, durably.
    Stored,
    /// The current entry has another version than the expected one, and was not changed.
    Conflict,
}

/// The outcome of a [`try_lock`](TokenStore::try_lock).
///
/// ```
/// # use sipgate_oauth2::StoreLock;
/// # fn f(guard: std::fs::File) -> StoreLock {
/// StoreLock::Held(Box::new(guard))
/// # }
/// ```
#[non_exhaustive]
pub enum StoreLock {
    /// The store has no locks.
    Unsupported,
    /// The lock is held by another caller.
    Busy,
    /// The caller holds the lock until this value is dropped.
    Held(Box<dyn Any + Send>),
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "Unsupported",
            Self::Busy => "Busy",
            Self::Held(_) => "Held",
        })
    }
}
