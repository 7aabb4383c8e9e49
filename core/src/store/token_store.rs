//! What the protocol needs of a store: a versioned register.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use protocol::crypto::hex;

/// A place for logins: anything that can read an entry and replace it if nobody else has replaced it meanwhile. All the rest, from locks and
/// retries to what an entry means, is the library's.
///
/// Any database does the two required functions in two statements. An entry's data is opaque bytes that hold secrets. [`kit`](super::kit)
/// tests whether a store keeps its promises.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use sipgate_oauth2::{Store, StoreEntry, BoxError, StoreKey, SwapOutcome, TokenStore};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<HashMap<String, StoreEntry>>);
///
/// impl TokenStore for InMemory {
///     fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
///         Ok(self.0.lock().map_err(|_| "poisoned")?.get(key.as_str()).cloned())
///     }
///
///     fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
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
    /// The entry of this key as the last successful [`swap`](Self::swap) of any process left it, or nothing. Never a stale copy.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from knowing.
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError>;

    /// Puts `entry` under the key if what is there has the version `expected`, or if nothing is there and nothing is expected. One step that
    /// nobody comes in between, and durable before it returns. The store may drop an entry once its `expires_at` has passed, and no other.
    ///
    /// # Errors
    ///
    /// Whatever went wrong: it may have been stored or not, the library looks.
    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError>;

    /// Tries to take the key's lock, without waiting. Only for stores whose users all share one machine: a lock must end by itself with the
    /// process that holds it, and in no other way. Without one, the library excludes by lease.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from knowing.
    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        let _ = key;
        Ok(StoreLock::Unsupported)
    }
}

/// What a store's function failed with. An [`Error`](crate::Error) of this library is passed on, anything else is the cause of
/// [`StoreUnavailable`](crate::ErrorCode::StoreUnavailable).
///
/// ```
/// let failure: sipgate_oauth2::BoxError = "the database is away".into();
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What an entry is filed under: 64 hexadecimal digits that tell nothing about whose login it is.
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

    /// What stands for an account where its name must not appear, such as in logs.
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
/// ```
/// # fn f(version: String, data: Vec<u8>) {
/// let entry = sipgate_oauth2::StoreEntry { version, data, expires_at: None };
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreEntry {
    /// A random text, drawn anew with every change: 22 characters out of `[A-Za-z0-9_-]`. Never a counter, which would repeat after a copy
    /// was restored.
    pub version: String,
    /// The login: opaque, secret, seldom more than 10 KB.
    pub data: Vec<u8>,
    /// When the store may drop the entry, in seconds since 1970; without it, never.
    pub expires_at: Option<i64>,
}

impl fmt::Debug for StoreEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreEntry").field("version", &self.version).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What came of a [`swap`](TokenStore::swap).
///
/// ```
/// # use sipgate_oauth2::SwapOutcome;
/// # fn f(rows_changed: usize) -> SwapOutcome {
/// if rows_changed == 1 { SwapOutcome::Stored } else { SwapOutcome::Conflict }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SwapOutcome {
    /// It is there, durably.
    Stored,
    /// Another version was there, and still is.
    Conflict,
}

/// What came of a [`try_lock`](TokenStore::try_lock).
///
/// ```
/// # use sipgate_oauth2::StoreLock;
/// # fn f(guard: std::fs::File) -> StoreLock {
/// StoreLock::Held(Box::new(guard))
/// # }
/// ```
pub enum StoreLock {
    /// The store has no locks.
    Unsupported,
    /// Somebody holds it.
    Busy,
    /// It is ours until this is dropped.
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
