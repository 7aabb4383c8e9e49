//! The store as an application holds it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::error::Result;
use protocol::time::milliseconds;

use super::single_flight::Accounts;
use crate::store::encryption::{Clear, Encrypted};
use crate::store::memory::Memory;
use crate::store::sqlite::{NetworkFileSystem, Sqlite};
use crate::store::{EncryptionKey, TokenStore};
use crate::sys::process::PerProcess;
use crate::sys::sync::{AtomicBool, Ordering};

/// On one machine, what was read from the store counts for this long.
const LOCAL_RECHECK: Duration = Duration::from_secs(1);

/// From a database elsewhere, for this long.
const REMOTE_RECHECK: Duration = Duration::from_secs(5);

/// Where logins are kept, for all processes that use it. Cheap to clone: clones share what is held in memory, and refresh together.
///
/// ```no_run
/// use sipgate_oauth2::{Client, Store};
///
/// let client = Client::sipgate("1-0-a:third-party").store(Store::sqlite("/var/lib/app/logins.db")?).build()?;
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    token_store: Arc<dyn TokenStore>,
    /// Below the look at whether entries are encrypted.
    entries: Arc<dyn TokenStore>,
    recheck: Duration,
    /// Whether it excludes by locks: known of our own stores, learnt of others.
    has_locks: AtomicBool,
    accounts: PerProcess<Accounts>,
}

impl Store {
    /// Logins that end with the process. For tests and programs for one run.
    pub fn memory() -> Self {
        Self::with(Arc::new(Memory::new()), LOCAL_RECHECK, true)
    }

    /// Logins in a SQLite database, for any number of processes of one machine. The file is made when it is not there, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// [`StorePermissions`](crate::ErrorCode::StorePermissions) when others can read or replace the file, [`StoreFormat`](crate::ErrorCode::StoreFormat)
    /// when another version wrote it, [`StoreCorrupt`](crate::ErrorCode::StoreCorrupt) when it is no database of this library,
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) for a URL or another path that cannot be meant,
    /// [`StoreUnavailable`](crate::ErrorCode::StoreUnavailable) for the rest. The file is left as it is.
    pub fn sqlite(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self::with(Arc::new(Sqlite::open(path)?), LOCAL_RECHECK, true))
    }

    /// [`sqlite`](Self::sqlite) on a network file system, which it refuses: their locks are known to fail, and then two machines spend one refresh
    /// token. For whoever knows better about theirs.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sqlite_on_network_file_system(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self::with(Arc::new(Sqlite::open_on(path, NetworkFileSystem::Accepted)?), LOCAL_RECHECK, true))
    }

    /// Logins wherever this store of the application's own puts them. What was read counts for 5 s.
    pub fn new(store: impl TokenStore) -> Self {
        Self::with(Arc::new(store), REMOTE_RECHECK, false)
    }

    fn with(entries: Arc<dyn TokenStore>, recheck: Duration, has_locks: bool) -> Self {
        Self::over(Arc::new(Clear(Arc::clone(&entries))), entries, recheck, has_locks)
    }

    fn over(token_store: Arc<dyn TokenStore>, entries: Arc<dyn TokenStore>, recheck: Duration, has_locks: bool) -> Self {
        Self(Arc::new(Inner { token_store, entries, recheck, has_locks: AtomicBool::new(has_locks), accounts: PerProcess::new() }))
    }

    /// The same store, with what is stored encrypted (AES-256-GCM). New entries are written with the first key; entries of the other keys, and
    /// those that are not encrypted, are read and written anew when they change.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) without a key.
    pub fn encrypted(self, keys: impl IntoIterator<Item = EncryptionKey>) -> Result<Self> {
        let encrypted: Arc<dyn TokenStore> = Arc::new(Encrypted::new(Arc::clone(&self.0.entries), keys.into_iter().collect())?);
        Ok(Self::over(Arc::clone(&encrypted), encrypted, self.0.recheck, self.has_locks()))
    }

    /// The same store, where what was read counts for this long: the time in which a login or logout of another process shows.
    #[must_use]
    pub fn recheck(self, recheck: Duration) -> Self {
        Self::over(Arc::clone(&self.0.token_store), Arc::clone(&self.0.entries), recheck, self.has_locks())
    }

    pub(crate) fn token_store(&self) -> &dyn TokenStore {
        &*self.0.token_store
    }

    pub(crate) fn recheck_milliseconds(&self) -> u64 {
        milliseconds(self.0.recheck)
    }

    pub(crate) fn has_locks(&self) -> bool {
        self.0.has_locks.load(Ordering::Relaxed)
    }

    /// What it said when a lock was asked for.
    pub(crate) fn learn_locks(&self, has_locks: bool) {
        self.0.has_locks.store(has_locks, Ordering::Relaxed);
    }

    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        self.0.accounts.get_or_make(Accounts::new)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("recheck", &self.0.recheck).finish_non_exhaustive()
    }
}
