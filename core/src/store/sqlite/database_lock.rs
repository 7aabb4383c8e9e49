//! The lock that each operation holds on the database.

pub(super) use self::system::DatabaseFile;

/// The database file itself is locked, and every program that uses SQLite respects that.
#[cfg(unix)]
mod system {
    use std::fs;
    use std::io;
    use std::path::Path;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use protocol::error::Result;

    use crate::store::sqlite::error::from_io;
    use crate::store::sqlite::file::{Access, inspect, open};
    use crate::store::sqlite::file_id::FileId;
    use crate::store::sqlite::lock::{FileDescription, LockError};
    use crate::store::sqlite::os_lock::{LockMode, LockRange};
    use crate::store::sqlite::path::with_suffix;
    use crate::store::sqlite::permissions;

    /// The database file of a store, which stays open for its lock between operations.
    ///
    /// Closing it would release the record locks of any other SQLite in this process, which may be
    /// reading. So it stays open, also while another program holds the lock and this one tries
    /// again. SQLite itself opens and closes the file under the lock, when no other SQLite has a
    /// lock.
    #[derive(Default)]
    pub(in crate::store::sqlite) struct DatabaseFile(Mutex<Option<(FileDescription, LockMode)>>);

    /// The lock, released on drop.
    pub(in crate::store::sqlite) struct DatabaseLock<'a> {
        file: &'a DatabaseFile,
        pub(in crate::store::sqlite) id: FileId,
        pub(in crate::store::sqlite) writable: bool,
    }

    impl DatabaseFile {
        /// Locks the database, shared if it cannot be written. `None` if it is locked by another
        /// program or is just being replaced. Only one thread at a time may call this, and must
        /// drop the lock before the next call.
        pub(in crate::store::sqlite) fn try_lock(&self, path: &Path, access: Access) -> Result<Option<DatabaseLock<'_>>> {
            let found = inspect(path, access)?;
            let mut opened = self.opened();
            let is_usable = |(description, mode): &(FileDescription, LockMode)| {
                description.is_of_this_process()
                    && found == Some(description.id)
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
            let lock = DatabaseLock { file: self, id: description.id, writable: *mode == LockMode::Exclusive };
            let restricted = description.with(|file| permissions::remove_group_access(path, file)).transpose();
            drop(opened);
            restricted?;
            // From here on, a program that respects the lock does not replace the file.
            if inspect(path, access)? != Some(lock.id) {
                return Ok(None);
            }
            check_journal(path)?;
            Ok(Some(lock))
        }

        /// The other program that keeps the database locked, if the system tells.
        pub(in crate::store::sqlite) fn holder(&self) -> Option<u32> {
            self.opened().as_ref().and_then(|(description, _)| description.holder())
        }

        fn opened(&self) -> MutexGuard<'_, Option<(FileDescription, LockMode)>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Drop for DatabaseLock<'_> {
        fn drop(&mut self) {
            if let Some((description, _)) = &*self.file.opened() {
                description.unlock(LockRange::Whole);
            }
        }
    }

    /// SQLite rolls back from any journal that it finds, so the journal must not belong to another
    /// user.
    fn check_journal(path: &Path) -> Result<()> {
        let journal = &with_suffix(path, "-journal");
        match fs::symlink_metadata(journal) {
            Ok(metadata) => {
                permissions::check_file(journal, &metadata)?;
                // To remove access of its group.
                open(journal, Access::Read)?;
                Ok(())
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(from_io(journal, cause)),
        }
    }
}

/// The lock file beside the database is locked: locks on Windows are mandatory, and one on the
/// database would exclude SQLite itself. Other programs are excluded by SQLite's own locks.
///
/// SQLite's journal is not touched. Its deletion is a commit. While it is open anywhere, the commit
/// of a program that does not know the lock file fails, and can be lost.
#[cfg(windows)]
mod system {
    use std::path::Path;

    use protocol::error::Result;

    use crate::store::sqlite::error::from_io;
    use crate::store::sqlite::file::{Access, FileLock, inspect, open};
    use crate::store::sqlite::file_id::FileId;
    use crate::store::sqlite::lock::LockError;
    use crate::store::sqlite::os_lock::{LockMode, LockRange};
    use crate::store::sqlite::path::lock_file;

    #[derive(Default)]
    pub(in crate::store::sqlite) struct DatabaseFile {}

    /// The lock, released on drop.
    pub(in crate::store::sqlite) struct DatabaseLock {
        _lock: Option<FileLock>,
        pub(in crate::store::sqlite) id: FileId,
        pub(in crate::store::sqlite) writable: bool,
    }

    impl DatabaseFile {
        /// Locks the database. `None` if it is locked by another program of this library.
        pub(in crate::store::sqlite) fn try_lock(&self, path: &Path, access: Access) -> Result<Option<DatabaseLock>> {
            inspect(path, access)?;
            let lock = match FileLock::try_acquire(&lock_file(path), LockRange::Whole) {
                Ok(lock) => Some(lock),
                Err(LockError::Busy | LockError::WholeFilesOnly) => return Ok(None),
                // It cannot be created in a folder that can only be read. SQLite's own locks are
                // enough for that.
                Err(LockError::Failed(_)) if access == Access::Read => None,
                Err(LockError::Failed(error)) => return Err(error),
            };
            let (file, mode) = open(path, access)?;
            let id = FileId::of(&file).map_err(|cause| from_io(path, cause))?;
            Ok(Some(DatabaseLock { _lock: lock, id, writable: mode == LockMode::Exclusive }))
        }

        /// Windows does not tell.
        pub(in crate::store::sqlite) fn holder(&self) -> Option<u32> {
            None
        }
    }
}
