//! The files of a store: what may be at their paths, and how they are locked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::error::{ErrorCode, Result};

use super::error::{from_io, store_error};
use super::file_id::FileId;
use super::lock::{FileDescription, LockError};
use super::os_lock::{LockMode, LockRange};
use super::permissions;

/// How an operation uses the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Read it, also if it cannot be written.
    Read,
    Write,
    /// Write it, and create it if it is missing.
    Create,
}

/// The database file of a store, which stays open for its lock between operations.
///
/// Closing it would release the record locks of any other SQLite in this process, which may be
/// reading. So it stays open, also while another program holds the lock and this one tries again.
/// SQLite itself opens and closes the file under the lock, when no other SQLite has a lock.
#[derive(Default)]
pub(super) struct DatabaseFile(Mutex<Option<(FileDescription, LockMode)>>);

/// The lock of the database file, released on drop.
pub(super) struct DatabaseLock<'a> {
    /// Not used on Windows: there, SQLite's own locks exclude others, and belong to its handle.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no file stays open"))]
    file: &'a DatabaseFile,
    id: FileId,
    pub(super) writable: bool,
}

impl DatabaseLock<'_> {
    /// Fails if the file was deleted or replaced while it was locked: what was written is then
    /// lost.
    pub(super) fn check_still_at(&self, path: &Path) -> Result<()> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if FileId::of(path, &metadata) == self.id => Ok(()),
            Ok(_) => Err(store_error(ErrorCode::StoreUnavailable, path, "was replaced while it was in use; try again")),
            Err(cause) => Err(from_io(path, cause)),
        }
    }
}

impl DatabaseFile {
    /// Locks the database, shared if it cannot be written. `None` if it is locked by another
    /// program or is just being replaced. Only one thread at a time may call this, and must drop
    /// the lock before the next call.
    #[cfg(unix)]
    pub(super) fn try_lock(&self, path: &Path, access: Access) -> Result<Option<DatabaseLock<'_>>> {
        let found = inspect(path, access)?;
        let mut opened = self.opened();
        let is_usable = |(description, mode): &(FileDescription, LockMode)| {
            description.is_of_this_process()
                && found.as_ref() == Some(&description.id)
                && (access == Access::Read || *mode == LockMode::Exclusive)
        };
        if !opened.as_ref().is_some_and(is_usable) {
            let mut mode = LockMode::Shared;
            let open = || {
                let (file, possible) = open(path, access)?;
                mode = possible;
                Ok(file)
            };
            *opened = Some((FileDescription::open(path, open)?, mode));
        }
        let Some((description, mode)) = &*opened else { return Ok(None) };
        match description.try_lock(path, LockRange::Whole, *mode) {
            Ok(()) => {}
            Err(LockError::Busy | LockError::WholeFilesOnly) => return Ok(None),
            Err(LockError::Failed(error)) => return Err(error),
        }
        let lock = DatabaseLock { file: self, id: description.id.clone(), writable: *mode == LockMode::Exclusive };
        let restricted = description.with(|file| permissions::remove_group_access(path, file)).transpose();
        drop(opened);
        restricted?;
        // From here on, a program that respects the lock does not replace the file.
        if inspect(path, access)?.as_ref() != Some(&lock.id) {
            return Ok(None);
        }
        check_journal(path)?;
        Ok(Some(lock))
    }

    #[cfg(not(unix))]
    pub(super) fn try_lock(&self, path: &Path, access: Access) -> Result<Option<DatabaseLock<'_>>> {
        inspect(path, access)?;
        let (file, mode) = open(path, access)?;
        let metadata = file.metadata().map_err(|cause| from_io(path, cause))?;
        check_journal(path)?;
        let writable = mode == LockMode::Exclusive;
        Ok(Some(DatabaseLock { file: self, id: FileId::of(path, &metadata), writable }))
    }

    /// The other program that keeps the database locked, if the system tells.
    pub(super) fn holder(&self) -> Option<u32> {
        self.opened().as_ref().and_then(|(description, _)| description.holder())
    }

    fn opened(&self) -> MutexGuard<'_, Option<(FileDescription, LockMode)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
impl Drop for DatabaseLock<'_> {
    fn drop(&mut self) {
        if let Some((description, _)) = &*self.file.opened() {
            description.unlock(LockRange::Whole);
        }
    }
}

/// A lock on a file or a byte of it. The process that took it releases it on drop.
pub(super) struct FileLock {
    description: FileDescription,
    range: LockRange,
}

impl FileLock {
    /// Does not wait.
    pub(super) fn try_acquire(path: &Path, range: LockRange) -> std::result::Result<Self, LockError> {
        let inspect = || inspect(path, Access::Create).map_err(LockError::Failed);
        inspect()?;
        let open = || open(path, Access::Create).map(|(file, _)| file);
        let description = FileDescription::open(path, open).map_err(LockError::Failed)?;
        description.try_lock(path, range, LockMode::Exclusive)?;
        let lock = Self { description, range };
        // Another process may have replaced the file meanwhile.
        if inspect()?.as_ref() == Some(&lock.description.id) { Ok(lock) } else { Err(LockError::Busy) }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        self.description.unlock(self.range);
    }
}

/// Checks the file at the path. `None` if there is none and it may be created.
fn inspect(path: &Path, access: Access) -> Result<Option<FileId>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => {
            permissions::check_file(path, &metadata)?;
            Ok(Some(FileId::of(path, &metadata)))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && access == Access::Create => Ok(None),
        Err(cause) => Err(from_io(path, cause)),
    }
}

/// SQLite rolls back from any journal that it finds, so the journal must not be another user's.
fn check_journal(path: &Path) -> Result<()> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    let journal = Path::new(&journal);
    match fs::symlink_metadata(journal) {
        Ok(metadata) => {
            permissions::check_file(journal, &metadata)?;
            // To remove access of its group. Elsewhere there are no groups, and others may use it.
            if cfg!(unix) {
                open(journal, Access::Read)?;
            }
            Ok(())
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(from_io(journal, cause)),
    }
}

/// Creates the file if there is none, so that a problem with it is reported at once.
pub(super) fn create_if_missing(path: &Path) -> Result<()> {
    inspect(path, Access::Create)?;
    open(path, Access::Create).map(drop)
}

/// Opens the file, and returns how it can be locked.
pub(super) fn open(path: &Path, access: Access) -> Result<(File, LockMode)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(access == Access::Create);
    permissions::make_private(&mut options);
    let (file, mode) = match options.open(path) {
        Ok(file) => (file, LockMode::Exclusive),
        Err(cause)
            if access == Access::Read && matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            (options.write(false).open(path).map_err(|cause| from_io(path, cause))?, LockMode::Shared)
        }
        Err(cause) => return Err(from_io(path, cause)),
    };
    permissions::remove_group_access(path, &file)?;
    Ok((file, mode))
}
