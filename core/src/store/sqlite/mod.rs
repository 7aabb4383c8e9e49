//! The embedded store: one SQLite database for any number of processes of one machine.
//!
//! Each operation opens the database, under a lock on the whole file, and closes it again. Nothing of SQLite's is open between operations, so a
//! fork inherits nothing: a child that opens a database its parent has open in WAL mode believes to hold locks that it does not, and what it
//! commits can be lost. A file that was replaced is noticed, and a closed descriptor cannot be mistaken for another.

mod database;
mod file;
mod fork_gate;
mod key_locks;
mod lock;
mod network;
mod permissions;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use self::database::Database;
pub(crate) use self::file::url;
use self::file::{Access, Kept};
use self::fork_gate::Refused;
pub use self::fork_gate::{after_fork, before_fork};
use self::key_locks::KeyLocks;
pub(crate) use self::network::NetworkFileSystem;
use super::token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock, SystemClock};
use protocol::error::{Error, ErrorCode, Remedy, Result};

/// How long an operation waits for others to finish theirs, which take milliseconds.
const WAIT: Duration = Duration::from_secs(5);

/// A lock is asked for anew after these pauses.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// A store in a file. See the module.
pub(crate) struct Sqlite {
    path: PathBuf,
    file: Kept,
    key_locks: KeyLocks,
    clock: Box<dyn Clock>,
    wait: Duration,
}

impl Sqlite {
    /// Opens the database, or makes it. A mistake in path, rights or format shows here.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_on(path, NetworkFileSystem::Refused)
    }

    /// [`open`](Self::open) with a say in whether a network file system will do.
    pub(crate) fn open_on(path: impl Into<PathBuf>, network: NetworkFileSystem) -> Result<Self> {
        Self::with_clock(&path.into(), network, SystemClock)
    }

    fn with_clock(path: &Path, network: NetworkFileSystem, clock: impl Clock + 'static) -> Result<Self> {
        let path = file::place(path)?;
        network.check(&path)?;
        let store = Self { key_locks: KeyLocks::beside(&path), path, file: Kept::default(), clock: Box::new(clock), wait: WAIT };
        store.with_database(Access::Create, |database| database.prepare())?;
        store.key_locks.prepare()?;
        Ok(store)
    }

    /// Opens the database for one operation, and closes it. Waits for others outside the gate, so that no thread waits for another's wait.
    fn with_database<T>(&self, access: Access, act: impl Fn(&mut Database<'_>) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + self.wait;
        let gate = fork_gate::gate();
        let mut pause = FIRST_PAUSE;
        loop {
            let inside = gate.enter(deadline).map_err(|refused| kept_out(&self.path, &refused))?;
            if let Some(held) = self.file.try_hold(&self.path, access)? {
                let result = Database::open(&self.path, held.writable, deadline).and_then(|mut database| act(&mut database));
                // First, as a file that is gone makes SQLite fail in ways that tell nothing.
                held.check_still_at(&self.path)?;
                return result;
            }
            let holder = (Instant::now() >= deadline).then(|| self.file.holder());
            drop(inside);
            if let Some(holder) = holder {
                return Err(locked(&self.path, holder));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl TokenStore for Sqlite {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let now = self.clock.unix_seconds();
        Ok(self.with_database(Access::Read, |database| {
            database.check_format()?;
            database.load(key, now)
        })?)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let now = self.clock.unix_seconds();
        Ok(self.with_database(Access::Write, |database| {
            database.check_format()?;
            database.swap(key, expected, entry, now)
        })?)
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        Ok(self.key_locks.try_lock(key)?)
    }
}

/// An error of the store at `path`. A path is no secret, and without it nobody knows which of their files is meant.
fn failure(code: ErrorCode, path: &Path, problem: &str) -> Error {
    Error::new(code, format!("store {}: {problem}", path.display()))
}

/// What goes away only when somebody sets it right.
fn misplaced(path: &Path, problem: &str) -> Error {
    failure(ErrorCode::StoreUnavailable, path, problem).with_remedy(Remedy::FixConfiguration)
}

fn kept_out(path: &Path, refused: &Refused) -> Error {
    match refused {
        Refused::Busy => busy(path),
        Refused::ForkedInside => misplaced(
            path,
            "cannot be used by this process, as it was forked while its parent was in the midst of using a store; fork before the store is used, \
             or start a program instead",
        ),
    }
}

/// By this process's own threads, or by what SQLite does not tell.
fn busy(path: &Path) -> Error {
    locked(path, None)
}

fn locked(path: &Path, holder: Option<u32>) -> Error {
    let by = match holder {
        Some(process) => format!("by another program (process {process}); end its transaction, or end it"),
        None => "by others for too long; try again, and look for a program that keeps it locked".to_owned(),
    };
    failure(ErrorCode::StoreUnavailable, path, &format!("the database is locked {by}"))
}
