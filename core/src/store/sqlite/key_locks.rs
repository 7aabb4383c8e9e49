//! One lock per key, which excludes all processes on the machine and all copies of the library in
//! one process. Each key has one byte of a file beside the database; the file stays empty and is
//! never deleted. On systems that lock whole files only, each key has a file of its own.

use std::path::{Path, PathBuf};

use protocol::error::Result;

use super::file::{self, FileLock};
use super::lock::LockError;
use super::os_lock::LockRange;
use super::path::{lock_file, with_suffix};
use super::permissions;
use crate::store::token_store::{StoreKey, StoreLock};

pub(super) struct KeyLocks {
    path: PathBuf,
}

impl KeyLocks {
    /// The locks of the database at `path`.
    pub(super) fn beside(path: &Path) -> Self {
        Self { path: lock_file(path) }
    }

    /// Creates the file if there is none, so that a problem with it is reported at once.
    pub(super) fn create_file(&self) -> Result<()> {
        file::create_if_missing(&self.path)
    }

    /// Does not wait.
    pub(super) fn try_lock(&self, key: &StoreKey) -> Result<StoreLock> {
        let locked = match FileLock::try_acquire(&self.path, LockRange::Byte(byte(key))) {
            Err(LockError::WholeFilesOnly) => self.try_lock_file(key),
            locked => locked,
        };
        match locked {
            Ok(lock) => Ok(StoreLock::Held(Box::new(lock))),
            Err(LockError::Busy | LockError::WholeFilesOnly) => Ok(StoreLock::Busy),
            Err(LockError::Failed(error)) => Err(error),
        }
    }

    fn try_lock_file(&self, key: &StoreKey) -> std::result::Result<FileLock, LockError> {
        let directory = with_suffix(&self.path, "s");
        permissions::create_own_directory(&directory).map_err(LockError::Failed)?;
        FileLock::try_acquire(&directory.join(format!("{:016x}", byte(key))), LockRange::Whole)
    }
}

/// Part of the format: all copies of the library must agree on it. Offsets in a file have 63 bits.
fn byte(key: &StoreKey) -> u64 {
    u64::from_str_radix(&key.as_str()[..16], 16).unwrap_or_default() >> 2
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::testing::{TemporaryDirectory, key};

    fn is_held(lock: &StoreLock) -> bool {
        matches!(lock, StoreLock::Held(_))
    }

    #[test]
    fn two_handles_of_one_store_exclude_each_other() {
        let directory = TemporaryDirectory::new();
        let (one, two) = (KeyLocks::beside(&directory.join("a.db")), KeyLocks::beside(&directory.join("a.db")));
        let held = one.try_lock(&key(1)).unwrap();
        assert!(is_held(&held));
        assert!(matches!(two.try_lock(&key(1)).unwrap(), StoreLock::Busy));
        assert!(is_held(&two.try_lock(&key(2)).unwrap()));
        drop(held);
        assert!(is_held(&two.try_lock(&key(1)).unwrap()));
    }

    #[test]
    fn neither_keys_nor_stores_share_a_lock() {
        let directory = TemporaryDirectory::new();
        let (one, other) = (KeyLocks::beside(&directory.join("a.db")), KeyLocks::beside(&directory.join("b.db")));
        let held: Vec<_> = (0..=u8::MAX).map(|first| one.try_lock(&key(first)).unwrap()).collect();
        assert!(held.iter().all(is_held));
        assert!(is_held(&other.try_lock(&key(1)).unwrap()));
    }

    #[test]
    fn the_byte_of_a_key_is_part_of_the_format() {
        assert_eq!([0, 1, 255].map(|first| byte(&key(first))), [0, 0x0040_4040_4040_4040, 0x3FFF_FFFF_FFFF_FFFF]);
    }

    #[test]
    fn where_only_whole_files_can_be_locked_each_key_has_a_file() {
        let directory = TemporaryDirectory::new();
        let (one, two) = (KeyLocks::beside(&directory.join("a.db")), KeyLocks::beside(&directory.join("a.db")));
        let held = one.try_lock_file(&key(1));
        assert!(held.is_ok());
        assert!(matches!(two.try_lock_file(&key(1)), Err(LockError::Busy)));
        assert!(two.try_lock_file(&key(2)).is_ok());
        drop(held);
        assert!(two.try_lock_file(&key(1)).is_ok());
        assert!(directory.join("a.db.locks/0040404040404040").exists());
    }

    #[test]
    fn a_lock_survives_when_this_process_opens_and_closes_the_file() {
        let directory = TemporaryDirectory::new();
        let (one, two) = (KeyLocks::beside(&directory.join("a.db")), KeyLocks::beside(&directory.join("a.db")));
        let _held = one.try_lock(&key(1)).unwrap();
        drop(fs::OpenOptions::new().read(true).write(true).open(directory.join("a.db.lock")).unwrap());
        fs::copy(directory.join("a.db.lock"), directory.join("copy")).unwrap();
        assert!(matches!(two.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    }

    #[test]
    fn a_deleted_lock_file_is_created_again() {
        let directory = TemporaryDirectory::new();
        let locks = KeyLocks::beside(&directory.join("a.db"));
        drop(locks.try_lock(&key(1)).unwrap());
        fs::remove_file(directory.join("a.db.lock")).unwrap();
        let held = locks.try_lock(&key(1)).unwrap();
        assert!(is_held(&held));
        assert!(directory.join("a.db.lock").exists());
        assert!(matches!(locks.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_in_place_of_a_lock_file_is_refused() {
        use protocol::error::ErrorCode;

        let directory = TemporaryDirectory::new();
        let locks = KeyLocks::beside(&directory.join("a.db"));
        std::os::unix::fs::symlink("/dev/null", directory.join("a.db.lock")).unwrap();
        assert_eq!(locks.try_lock(&key(1)).unwrap_err().code(), ErrorCode::StorePermissions);
        assert_eq!(locks.create_file().unwrap_err().code(), ErrorCode::StorePermissions);
        std::os::unix::fs::symlink(directory.path(), directory.join("a.db.locks")).unwrap();
        assert!(matches!(locks.try_lock_file(&key(1)), Err(LockError::Failed(error)) if error.code() == ErrorCode::StorePermissions));
    }
}
