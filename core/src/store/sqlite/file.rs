//! The files of a store: what may be at their paths, and how they are opened and locked.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

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
pub(super) fn inspect(path: &Path, access: Access) -> Result<Option<FileId>> {
    match FileId::at(path) {
        Ok((id, metadata)) => {
            permissions::check_file(path, &metadata)?;
            Ok(Some(id))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && access == Access::Create => Ok(None),
        Err(cause) => Err(from_io(path, cause)),
    }
}

/// Fails if a file was deleted or replaced while it was locked: what was written is then lost.
pub(super) fn check_still_at(path: &Path, id: FileId) -> Result<()> {
    match FileId::at(path) {
        Ok((found, _)) if found == id => Ok(()),
        Ok(_) => Err(store_error(ErrorCode::StoreUnavailable, path, "was replaced while it was in use; try again")),
        Err(cause) => Err(from_io(path, cause)),
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
