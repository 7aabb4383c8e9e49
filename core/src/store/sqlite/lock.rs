//! Locks of open file descriptions. Each excludes every other description, also in this process and
//! in another copy of the library, and is not affected by what else the process opens and closes.
//! (POSIX record locks, which SQLite uses, belong to the process, which loses all of them when it
//! closes any descriptor of the file.)
//!
//! A forked child inherits the descriptors, and a lock lives as long as one of them is open. One
//! table holds all of them, so that the child can close its copies: at the fork if the program
//! calls the hooks, else when it first uses a store. The process that took a lock releases it by
//! unlocking and not by closing, which releases it for all copies.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use protocol::error::{Error, Result};

use super::error::configuration_error;
use super::file_id::FileId;
use super::os_lock::{self, LockMode, LockRange};
use crate::sys::process::{PerProcess, ProcessId};

/// A file that is open only for its locks. The process that opened it closes it on drop.
pub(super) struct FileDescription {
    /// The key in the table of open files.
    number: u64,
    process: ProcessId,
    pub(super) id: FileId,
}

pub(super) enum LockError {
    /// Another description holds the lock.
    Busy,
    /// The system has no locks on ranges of a file that belong to a description.
    WholeFilesOnly,
    Failed(Error),
}

impl FileDescription {
    pub(super) fn open(path: &Path, open: impl FnOnce() -> Result<File>) -> Result<Self> {
        // The table stays locked while the file is opened: a child that is forked in between would
        // have a copy that its table does not list.
        let mut table = lock(open_files());
        let file = open()?;
        let id = FileId::of(&file).map_err(|cause| lock_error(path, cause))?;
        let number = table.next;
        table.next += 1;
        table.files.insert(number, file);
        Ok(Self { number, process: ProcessId::current(), id })
    }

    /// Does not wait.
    pub(super) fn try_lock(&self, path: &Path, range: LockRange, mode: LockMode) -> std::result::Result<(), LockError> {
        let locked = self.with(|file| os_lock::try_lock(file, range, mode)).unwrap_or(Ok(false));
        match locked {
            Ok(true) => Ok(()),
            Ok(false) => Err(LockError::Busy),
            Err(cause) if range != LockRange::Whole && cause.kind() == io::ErrorKind::Unsupported => Err(LockError::WholeFilesOnly),
            Err(cause) => Err(LockError::Failed(lock_error(path, cause))),
        }
    }

    /// The process that keeps the file locked, if it uses record locks and so not this library.
    #[cfg(unix)]
    pub(super) fn holder(&self) -> Option<u32> {
        self.with(os_lock::holder).flatten()
    }

    pub(super) fn unlock(&self, range: LockRange) {
        self.with(|file| os_lock::unlock(file, range));
    }

    /// Calls `act` with the file, but not in a forked child: its parent has the file, and it is
    /// closed here.
    pub(super) fn with<T>(&self, act: impl FnOnce(&File) -> T) -> Option<T> {
        if !self.is_of_this_process() {
            return None;
        }
        lock(open_files()).files.get(&self.number).map(act)
    }

    pub(super) fn is_of_this_process(&self) -> bool {
        self.process.is_current()
    }
}

impl Drop for FileDescription {
    fn drop(&mut self) {
        if self.is_of_this_process() {
            lock(open_files()).files.remove(&self.number);
        }
    }
}

fn lock_error(path: &Path, cause: io::Error) -> Error {
    let problem = format!("cannot be locked on this file system ({cause}); keep the store on another one");
    configuration_error(path, &problem).with_cause(cause)
}

/// All descriptors that this process keeps open for their locks.
#[derive(Default)]
struct OpenFiles {
    files: HashMap<u64, File>,
    next: u64,
}

static OPEN_FILES: PerProcess<&'static Mutex<OpenFiles>> = PerProcess::new();

/// One allocation per process, never freed: a thread that forks holds its guard across the fork.
fn open_files() -> &'static Mutex<OpenFiles> {
    *OPEN_FILES.get_or_replace(|| Box::leak(Box::default()), |inherited| close_inherited(inherited))
}

/// Runs in a child. If a thread of the parent was using the table during the fork, and the program
/// did not call the hooks, the copies stay open until the child ends.
fn close_inherited(inherited: &Mutex<OpenFiles>) {
    match inherited.try_lock() {
        Ok(mut table) => table.files.clear(),
        Err(TryLockError::Poisoned(table)) => table.into_inner().files.clear(),
        Err(TryLockError::WouldBlock) => {}
    }
}

fn lock(table: &Mutex<OpenFiles>) -> MutexGuard<'_, OpenFiles> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// Held by a thread from [`before_fork`] to [`after_fork`].
    static FORKING: RefCell<Option<MutexGuard<'static, OpenFiles>>> = const { RefCell::new(None) };
}

/// Lets no lock be taken or released until [`after_fork`]. Gives up at the deadline if another
/// thread is still taking or releasing one.
pub(super) fn before_fork(deadline: Instant) {
    const PAUSE: Duration = Duration::from_millis(1);

    let mut guard = try_guard(open_files());
    while guard.is_none() && Instant::now() < deadline {
        thread::sleep(PAUSE);
        guard = try_guard(open_files());
    }
    FORKING.set(guard);
}

/// A child closes its copies here.
pub(super) fn after_fork() {
    drop(FORKING.take());
    open_files();
}

fn try_guard(table: &'static Mutex<OpenFiles>) -> Option<MutexGuard<'static, OpenFiles>> {
    match table.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;
    use crate::store::testing::TemporaryDirectory;

    fn open(path: &Path) -> FileDescription {
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        FileDescription::open(path, || Ok(open().unwrap())).expect("it can be opened")
    }

    fn is_free(path: &Path, range: LockRange) -> bool {
        open(path).try_lock(path, range, LockMode::Exclusive).is_ok()
    }

    #[test]
    fn each_description_excludes_the_others_in_this_process() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("locked");
        let one = open(&path);
        assert!(one.try_lock(&path, LockRange::Whole, LockMode::Exclusive).is_ok());
        assert!(!is_free(&path, LockRange::Whole));
        drop(OpenOptions::new().read(true).write(true).open(&path).unwrap());
        assert!(!is_free(&path, LockRange::Whole));
        one.unlock(LockRange::Whole);
        assert!(is_free(&path, LockRange::Whole));
        assert!(one.try_lock(&path, LockRange::Whole, LockMode::Exclusive).is_ok());
        drop(one);
        assert!(is_free(&path, LockRange::Whole));
    }

    #[test]
    fn a_child_closes_its_copies_and_does_not_release_its_parents_locks() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("locked");
        let mut inherited = open(&path);
        assert!(inherited.try_lock(&path, LockRange::Whole, LockMode::Exclusive).is_ok());
        let file = lock(open_files()).files.get(&inherited.number).unwrap().try_clone().unwrap();
        let table_of_parent = Mutex::new(OpenFiles { files: HashMap::from([(0, file)]), next: 1 });
        close_inherited(&table_of_parent);
        assert!(table_of_parent.lock().unwrap().files.is_empty());
        let number = inherited.number;
        inherited.process = ProcessId::other();
        inherited.unlock(LockRange::Whole);
        assert!(inherited.with(|_| ()).is_none());
        drop(inherited);
        assert!(!is_free(&path, LockRange::Whole));
        lock(open_files()).files.remove(&number);
        assert!(is_free(&path, LockRange::Whole));
    }

    #[test]
    fn a_table_that_the_parent_was_using_at_the_fork_is_not_touched() {
        let table_of_parent = Mutex::new(OpenFiles::default());
        let _in_use = lock(&table_of_parent);
        close_inherited(&table_of_parent);
    }

    #[test]
    fn during_a_fork_no_lock_is_taken_or_released() {
        before_fork(Instant::now() + Duration::from_secs(60));
        assert!(thread::scope(|scope| scope.spawn(|| open_files().try_lock().is_err()).join().unwrap()));
        after_fork();
        assert!(FORKING.take().is_none());
    }
}
