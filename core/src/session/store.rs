//! The public handle of a store, with the state that its users in this process share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::encryption::EncryptionKey;
use protocol::error::{Error, ErrorCode, Result};
use protocol::time::milliseconds;
use protocol::wait_ended::WaitEnded;

use super::entry::ask_store;
use super::single_flight::Accounts;
use crate::store::encryption::{Encrypted, Plaintext};
use crate::store::location::{self, Opened};
use crate::store::memory::Memory;
#[cfg(feature = "postgres")]
use crate::store::postgres;
use crate::store::sqlite::{Found, Sqlite};
use crate::store::{SqliteOptions, StoreOptions, TokenStore};
use crate::sys::process::PerProcess;
use crate::sys::sync::{AtomicBool, Ordering};
use crate::task::call_options::CallOptions;
use crate::task::task::Task;

/// How long a value read from a store on this machine is used before it is read again.
const LOCAL_RECHECK: Duration = Duration::from_secs(1);

/// The same for a database elsewhere.
const REMOTE_RECHECK: Duration = Duration::from_secs(5);

/// Where logins are kept, for all processes that use it. Cheap to clone: clones share what is in
/// memory, and refresh an account once for all.
///
/// ```no_run
/// use sipgate_oauth2::{ClientBuilder, Store};
///
/// let store = Store::sqlite("/var/lib/app/logins.db")?;
/// let client = ClientBuilder::sipgate("1-0-a:third-party").store(store).build()?;
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
///
/// # Design
///
/// [`Store::sqlite`] opens the database for each operation and closes it again, because a forked
/// child inherits SQLite's list of the locks it holds, but not the locks: its commits can be lost.
/// A read takes a fraction of a millisecond, and a token that is in memory needs none. See
/// [decision 14].
///
/// [decision 14]:
/// https://github.com/sipgate-oauth2/sipgate-oauth2/blob/main/docs/decisions/0014-sqlite-is-opened-for-each-operation.md
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    token_store: Arc<dyn TokenStore>,
    /// The same store without the check for encrypted entries.
    unchecked: Arc<dyn TokenStore>,
    /// Where it is, as messages show it.
    place: Arc<str>,
    recheck: Duration,
    /// Whether the store has locks: known for our own stores, learnt for custom ones.
    has_locks: AtomicBool,
    accounts: PerProcess<Accounts>,
}

impl Store {
    /// Keeps logins in memory only; they are lost when the process exits. For tests and programs
    /// that run once.
    pub fn memory() -> Self {
        Self::with(Arc::new(Memory::new()), "memory", LOCAL_RECHECK, true)
    }

    /// Keeps logins in a SQLite database, for any number of processes on one machine. Creates the
    /// file if there is none, readable only by its owner.
    ///
    /// # Errors
    ///
    /// [`StorePermissions`](crate::ErrorCode::StorePermissions) if others can read or replace the
    /// file, [`StoreFormat`](crate::ErrorCode::StoreFormat) if another version of this library
    /// wrote it, [`StoreCorrupt`](crate::ErrorCode::StoreCorrupt) if it is not a database of this
    /// library, [`InvalidArgument`](crate::ErrorCode::InvalidArgument) for a URL, a path without a
    /// file name, or one that begins with `~` or `$HOME`, which only a shell replaces, and
    /// [`StoreUnavailable`](crate::ErrorCode::StoreUnavailable) for anything else, such as a
    /// network file system. The file is not changed.
    pub fn sqlite(path: impl Into<PathBuf>) -> Result<Self> {
        Self::sqlite_with(path, &SqliteOptions::new())
    }

    /// [`sqlite`](Self::sqlite) with options.
    ///
    /// ```no_run
    /// use sipgate_oauth2::{SqliteOptions, Store};
    ///
    /// let options = SqliteOptions::new().allow_network_file_system();
    /// let store = Store::sqlite_with("/mnt/share/logins.db", &options)?;
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`sqlite`](Self::sqlite).
    pub fn sqlite_with(path: impl Into<PathBuf>, options: &SqliteOptions) -> Result<Self> {
        Ok(Self::of_database(Sqlite::open_with(path, options)?))
    }

    /// [`sqlite`](Self::sqlite) for a program that only reads: a database that does not exist is
    /// not created, and has no logins.
    pub(crate) fn sqlite_if_it_exists(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(match Sqlite::find(path)? {
            Found::Database(database) => Self::of_database(database),
            Found::Nothing(missing) => {
                let place = missing.path().to_string_lossy().into_owned();
                Self::with(Arc::new(missing), &place, LOCAL_RECHECK, false)
            }
        })
    }

    fn of_database(database: Sqlite) -> Self {
        let place = database.path().to_string_lossy().into_owned();
        Self::with(Arc::new(database), &place, LOCAL_RECHECK, true)
    }

    /// Keeps logins where this URL says: `postgres://user@host/database`, `rediss://host:6379`,
    /// `sqlite:///full/path` or `memory:`. Opening a database on a server does no I/O: an
    /// application starts while its database restarts. [`check`](Self::check) looks.
    ///
    /// ```no_run
    /// use sipgate_oauth2::{ClientBuilder, Store};
    ///
    /// let store = Store::open("postgres://app@db.internal/app")?;
    /// for problem in store.check()? {
    ///     eprintln!("{problem}");
    /// }
    /// let client = ClientBuilder::sipgate("1-0-a:third-party").store(store).build()?;
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) for a mistake in the URL, which is
    /// never shown; for a SQLite database, the errors of [`sqlite`](Self::sqlite).
    pub fn open(url: &str) -> Result<Self> {
        Self::open_with(url, &StoreOptions::new())
    }

    /// [`open`](Self::open) with options.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open), and
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) for an option that the URL's store
    /// does not have.
    pub fn open_with(url: &str, options: &StoreOptions) -> Result<Self> {
        let place = location::without_secrets(url);
        Ok(match location::open(url, options)? {
            Opened::Local(store) => Self::with(store, &place, LOCAL_RECHECK, true),
            #[cfg(any(feature = "postgres", feature = "redis"))]
            Opened::Remote(store) => Self::with(store, &place, REMOTE_RECHECK, false),
        })
    }

    /// The SQL script that creates the PostgreSQL table of this name, for migrations: with or
    /// without a schema, and `None` for `sipgate_oauth2_logins`.
    ///
    /// ```
    /// let script = sipgate_oauth2::Store::postgres_schema(None)?;
    /// assert!(script.contains("CREATE TABLE IF NOT EXISTS"));
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) if it is not the name of a table.
    #[cfg(feature = "postgres")]
    pub fn postgres_schema(table: Option<&str>) -> Result<String> {
        postgres::schema(table)
    }

    /// Checks that the store works and does not lose logins. A database is written to, and one on a
    /// server is asked about rights, table, durability, eviction and whether it is the primary. A
    /// custom store is read. Returns each problem with its remedy, or nothing if there is none. For
    /// start scripts and monitoring.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::ErrorCode::StoreUnavailable) if the store does not respond; for
    /// a SQLite database that cannot be read or written, the errors of [`sqlite`](Self::sqlite).
    pub fn check(&self) -> Result<Vec<String>> {
        self.start_check(&CallOptions::new()).wait()
    }

    /// [`check`](Self::check) without waiting.
    pub fn start_check(&self, options: &CallOptions) -> Task<Vec<String>> {
        let (task, completer) = Task::new(options, |why, _| Err(check_ended(why)));
        let (store, checked) = (Arc::clone(&self.0.token_store), completer.clone());
        completer.run("a check", move || checked.complete(ask_store(|| store.check())));
        task
    }

    /// Keeps logins in a custom store. An entry that was read is used for 5 s before it is read
    /// again.
    pub fn new(store: impl TokenStore) -> Self {
        Self::with(Arc::new(store), "a custom store", REMOTE_RECHECK, false)
    }

    fn with(store: Arc<dyn TokenStore>, place: &str, recheck: Duration, has_locks: bool) -> Self {
        let (has_locks, accounts) = (AtomicBool::new(has_locks), PerProcess::new());
        let token_store: Arc<dyn TokenStore> = Arc::new(Plaintext(Arc::clone(&store)));
        Self(Arc::new(Inner { token_store, unchecked: store, place: place.into(), recheck, has_locks, accounts }))
    }

    /// Another handle of the same store.
    fn variant(&self, token_store: Arc<dyn TokenStore>, unchecked: Arc<dyn TokenStore>, recheck: Duration) -> Self {
        let (has_locks, accounts) = (AtomicBool::new(self.has_locks()), PerProcess::new());
        Self(Arc::new(Inner { token_store, unchecked, place: Arc::clone(&self.0.place), recheck, has_locks, accounts }))
    }

    /// The same store, with its entries encrypted (AES-256-GCM). New entries are encrypted with the
    /// first key. Entries under the other keys, and plaintext entries, can be read, and are
    /// encrypted with the first key when they next change.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) if there is no key.
    pub fn encrypted(self, keys: impl IntoIterator<Item = EncryptionKey>) -> Result<Self> {
        let keys: Vec<_> = keys.into_iter().collect();
        let encrypted: Arc<dyn TokenStore> = Arc::new(Encrypted::new(Arc::clone(&self.0.unchecked), &keys)?);
        Ok(self.variant(Arc::clone(&encrypted), encrypted, self.0.recheck))
    }

    /// The same store with another time for which an entry that was read is used before it is read
    /// again: the longest time until a login or logout in another process is seen here.
    #[must_use]
    pub fn recheck(self, recheck: Duration) -> Self {
        self.variant(Arc::clone(&self.0.token_store), Arc::clone(&self.0.unchecked), recheck)
    }

    pub(crate) fn token_store(&self) -> &dyn TokenStore {
        &*self.0.token_store
    }

    /// Where it is, as messages show it: a path, or a URL without user and password.
    pub(crate) fn place(&self) -> &str {
        &self.0.place
    }

    /// Whether it did not exist when it was last read, and was not created.
    pub(crate) fn is_missing(&self) -> bool {
        self.0.token_store.is_missing()
    }

    pub(crate) fn recheck_milliseconds(&self) -> u64 {
        milliseconds(self.0.recheck)
    }

    pub(crate) fn has_locks(&self) -> bool {
        self.0.has_locks.load(Ordering::Relaxed)
    }

    /// Records whether the store responded with locks when one was requested.
    pub(crate) fn learn_locks(&self, has_locks: bool) {
        self.0.has_locks.store(has_locks, Ordering::Relaxed);
    }

    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        self.0.accounts.get_or_make(Accounts::new)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.place()).field("recheck", &self.0.recheck).finish_non_exhaustive()
    }
}

fn check_ended(why: WaitEnded) -> Error {
    match why {
        WaitEnded::Cancelled => Error::new(ErrorCode::Cancelled, "cancelled"),
        _ => Error::new(ErrorCode::Timeout, "the call's timeout elapsed: the store has not responded"),
    }
}
