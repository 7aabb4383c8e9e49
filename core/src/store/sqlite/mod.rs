//! The embedded store: one SQLite database for any number of processes on one machine.
//!
//! Each operation locks the whole file, opens the database and closes it again. No SQLite handle is
//! open between operations, so a fork inherits none. A child that opens a database which its parent
//! has open in WAL mode believes that it holds locks which it does not hold, and its commits can be
//! lost. Opening the file each time also notices a file that was replaced.

mod database;
mod database_lock;
mod error;
mod file;
mod file_id;
mod fork_gate;
mod group;
mod key_locks;
mod lock;
mod missing;
mod network;
mod options;
mod os_lock;
mod path;
mod permissions;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use self::database::{Database, Swap};
use self::database_lock::DatabaseFile;
use self::error::{configuration_error, locked};
use self::file::Access;
use self::fork_gate::EnterError;
pub use self::fork_gate::{after_fork, before_fork};
use self::group::Turn;
use self::key_locks::KeyLocks;
pub(crate) use self::missing::Found;
pub use self::options::SqliteOptions;
pub(crate) use self::path::{check_expanded, url};
use super::token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock, SystemClock};
use protocol::error::{Error, Result};

/// How long an operation waits for the operations of others, which take milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pauses between attempts to lock the file.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// A store in a SQLite file.
pub(crate) struct Sqlite {
    path: PathBuf,
    file: DatabaseFile,
    key_locks: KeyLocks,
    clock: Box<dyn Clock>,
    timeout: Duration,
}

impl Sqlite {
    /// Opens or creates the database. Reports a mistake in path, permissions or format at once.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path, &SqliteOptions::new())
    }

    pub(crate) fn open_with(path: impl Into<PathBuf>, options: &SqliteOptions) -> Result<Self> {
        Self::with_clock(&path.into(), options, SystemClock)
    }

    fn with_clock(path: &Path, options: &SqliteOptions, clock: impl Clock + 'static) -> Result<Self> {
        let path = path::resolve(path)?;
        if !options.allow_network_file_system {
            network::check(&path)?;
        }
        let store =
            Self { key_locks: KeyLocks::beside(&path), path, file: DatabaseFile::default(), clock: Box::new(clock), timeout: TIMEOUT };
        store.create_or_check()?;
        Ok(store)
    }

    fn create_or_check(&self) -> Result<()> {
        self.with_database(Access::Create, |database| database.create_or_check())?;
        self.key_locks.create_file()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    fn with_database<T>(&self, access: Access, act: impl FnOnce(&mut Database<'_>) -> Result<T>) -> Result<T> {
        self.with_database_by(self.deadline(), access, act)
    }

    /// Opens the database for one operation, and closes it. Waits for other processes outside the
    /// fork gate, so that a waiting thread blocks no other thread.
    fn with_database_by<T>(&self, deadline: Instant, access: Access, act: impl FnOnce(&mut Database<'_>) -> Result<T>) -> Result<T> {
        let gate = fork_gate::gate();
        let mut pause = FIRST_PAUSE;
        loop {
            let guard = gate.enter(deadline).map_err(|refused| gate_error(&self.path, &refused))?;
            if let Some(lock) = self.file.try_lock(&self.path, access)? {
                let result = Database::open(&self.path, lock.writable, deadline).and_then(|mut database| act(&mut database));
                // Before the result: if the file was deleted, SQLite's error does not say so.
                file::check_still_at(&self.path, lock.id)?;
                return result;
            }
            let holder = (Instant::now() >= deadline).then(|| self.file.holder());
            drop(guard);
            if let Some(holder) = holder {
                return Err(locked(&self.path, holder));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Commits what `take` returns once the database is locked.
    fn commit<'a>(&self, deadline: Instant, take: impl FnOnce() -> Vec<&'a Swap>) -> Result<Vec<Result<SwapOutcome>>> {
        self.with_database_by(deadline, Access::Write, |database| {
            database.check_format()?;
            database.swap(&take())
        })
    }
}

impl Sqlite {
    /// The full path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
        let swap = Swap { key: key.clone(), expected: expected.map(str::to_owned), entry: entry.clone(), now: self.clock.unix_seconds() };
        let deadline = self.deadline();
        match group::join(&self.path, swap, deadline) {
            Turn::Lead(mut leader) => {
                let outcomes = self.commit(deadline, || leader.take());
                Ok(leader.answer(outcomes)?)
            }
            Turn::Done(outcome) => Ok(outcome?),
            // To say who keeps the database locked.
            Turn::Withdrawn(swap) => Ok(self.commit(deadline, || vec![&swap])?.remove(0)?),
            Turn::Panicked => Err("it panicked".into()),
        }
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        Ok(self.key_locks.try_lock(key)?)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let keys = self.with_database(Access::Read, |database| {
            database.check_format()?;
            database.keys(after, limit)
        })?;
        Ok(keys.iter().map(|key| StoreKey::parse(key)).collect::<Result<_>>()?)
    }

    fn check(&self) -> Result<Vec<String>, BoxError> {
        self.with_database(Access::Write, |database| {
            database.check_format()?;
            database.try_to_write()
        })?;
        Ok(Vec::new())
    }
}

fn gate_error(path: &Path, error: &EnterError) -> Error {
    match error {
        EnterError::TimedOut => locked(path, None),
        EnterError::ForkedInside => configuration_error(
            path,
            "cannot be used by this process: it was forked while its parent was using a store; fork before the \
             store is used, or start a program instead",
        ),
    }
}
