//! A lock per key, among all processes of the machine: a fixed set of files beside the database, which are never deleted.
//!
//! They are record locks of the process. The kernel ends them with it, however it ends, and a forked child has no part in them; but closing *any*
//! descriptor of a file loses them, and they do not exclude a process from itself. So a process opens each file once and keeps it open, and a
//! flag beside the descriptor excludes its own threads.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::Identity;
use super::{failure, rights};
use crate::error::{Error, ErrorCode, Result};
use crate::process::{Origin, PerProcess};
use crate::store::register::{StoreKey, StoreLock};

/// Part of the format: two versions of the library must agree on which file stands for a key. Keys that share one wait for each other; a process
/// keeps at most so many descriptors.
const SLOTS: u8 = 64;

pub(super) struct KeyLocks {
    directory: PathBuf,
}

/// A lock file, open for as long as the process lives.
struct Slot {
    file: File,
    taken: AtomicBool,
}

/// The lock, until this is dropped by the process that took it.
struct Held {
    slot: Arc<Slot>,
    origin: Origin,
}

/// All lock files that this process has open, of whatever store: two stores may lead to one file.
static OPEN: PerProcess<Mutex<HashMap<Identity, Arc<Slot>>>> = PerProcess::new();

impl KeyLocks {
    /// The locks of the database at `path`.
    pub(super) fn beside(path: &Path) -> Result<Self> {
        let mut directory = path.as_os_str().to_owned();
        directory.push(".locks");
        let locks = Self { directory: directory.into() };
        locks.check()?;
        Ok(locks)
    }

    /// Those of a store that cannot be written, where none can be made.
    #[cfg(test)]
    pub(super) fn unchecked(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Without waiting.
    pub(super) fn try_lock(&self, key: &StoreKey) -> Result<StoreLock> {
        let path = self.directory.join(slot_name(key));
        let slot = self.slot(&path)?;
        if slot.taken.swap(true, Ordering::Acquire) {
            return Ok(StoreLock::Busy);
        }
        let held = match lock(&slot.file) {
            Ok(true) => return Ok(StoreLock::Held(Box::new(Held { slot, origin: Origin::here() }))),
            Ok(false) => Ok(StoreLock::Busy),
            Err(cause) => Err(unusable(&path, cause)),
        };
        slot.taken.store(false, Ordering::Release);
        held
    }

    fn slot(&self, path: &Path) -> Result<Arc<Slot>> {
        let open = OPEN.get_or_make(Mutex::default);
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(metadata) = fs::symlink_metadata(path) {
            rights::check_file(path, &metadata)?;
            if let Some(slot) = open.get(&Identity::of(path, &metadata)) {
                return Ok(Arc::clone(slot));
            }
        }
        self.check()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        rights::keep_private(&mut options);
        let file = options.open(path).map_err(|cause| unusable(path, cause))?;
        let metadata = file.metadata().map_err(|cause| unusable(path, cause))?;
        if let Some(slot) = open.get(&Identity::of(path, &metadata)) {
            // It took the path between the two looks. Closing this descriptor would lose that one's lock.
            mem::forget(file);
            return Ok(Arc::clone(slot));
        }
        rights::check_file(path, &metadata)?;
        let slot = Arc::new(Slot { file, taken: AtomicBool::new(false) });
        open.insert(Identity::of(path, &metadata), Arc::clone(&slot));
        Ok(slot)
    }

    fn check(&self) -> Result<()> {
        let path = &self.directory;
        rights::make_directory(path).map_err(|cause| unusable(path, cause))?;
        let metadata = fs::symlink_metadata(path).map_err(|cause| unusable(path, cause))?;
        rights::check_own_directory(path, &metadata)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // In a forked child this is a copy of its parent's, and the file may be one that the child itself has locked since.
        if self.origin.is_here() {
            unlock(&self.slot.file);
            self.slot.taken.store(false, Ordering::Release);
        }
    }
}

fn slot_name(key: &StoreKey) -> String {
    let first_byte = u8::from_str_radix(&key.as_str()[..2], 16).unwrap_or_default();
    format!("{:02x}", first_byte % SLOTS)
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<bool> {
    use rustix::io::Errno;
    match rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

#[cfg(not(unix))]
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(cause)) => Err(cause),
    }
}

/// It cannot fail on a file that is open and locked; if it did, the lock would end with the process.
fn unlock(file: &File) {
    #[cfg(unix)]
    let _ = rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingUnlock);
    #[cfg(not(unix))]
    let _ = file.unlock();
}

fn unusable(path: &Path, cause: io::Error) -> Error {
    failure(ErrorCode::StoreUnavailable, path, &format!("cannot be used for locking ({cause}); see to the directory and its rights"))
        .with_cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{TemporaryDirectory, key};

    fn is_held(lock: &StoreLock) -> bool {
        matches!(lock, StoreLock::Held(_))
    }

    #[test]
    fn two_handles_of_one_store_exclude_each_other() {
        let directory = TemporaryDirectory::new();
        let one = KeyLocks::beside(&directory.join("a.db")).unwrap();
        let two = KeyLocks::beside(&directory.join("a.db")).unwrap();
        let held = one.try_lock(&key(1)).unwrap();
        assert!(is_held(&held));
        assert!(matches!(two.try_lock(&key(1)).unwrap(), StoreLock::Busy));
        assert!(is_held(&two.try_lock(&key(2)).unwrap()));
        drop(held);
        assert!(is_held(&two.try_lock(&key(1)).unwrap()));
    }

    #[test]
    fn a_key_that_shares_a_file_waits_and_one_of_another_store_does_not() {
        let directory = TemporaryDirectory::new();
        let one = KeyLocks::beside(&directory.join("a.db")).unwrap();
        let other = KeyLocks::beside(&directory.join("b.db")).unwrap();
        let _held = one.try_lock(&key(1)).unwrap();
        assert!(matches!(one.try_lock(&key(1 + SLOTS)).unwrap(), StoreLock::Busy));
        assert!(is_held(&other.try_lock(&key(1)).unwrap()));
    }

    #[test]
    fn the_file_of_a_key_is_part_of_the_format() {
        assert_eq!([0, 63, 64, 65, 255].map(|first| slot_name(&key(first))), ["00", "3f", "00", "01", "3f"]);
    }

    #[test]
    fn a_lock_dropped_in_another_process_stays_held() {
        let directory = TemporaryDirectory::new();
        let locks = KeyLocks::beside(&directory.join("a.db")).unwrap();
        let StoreLock::Held(held) = locks.try_lock(&key(1)).unwrap() else { panic!("it was free") };
        let mut held = held.downcast::<Held>().unwrap();
        held.origin = Origin::elsewhere();
        drop(held);
        assert!(matches!(locks.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    }

    #[test]
    fn lock_files_are_made_again_when_their_directory_was_deleted() {
        let directory = TemporaryDirectory::new();
        let locks = KeyLocks::beside(&directory.join("a.db")).unwrap();
        drop(locks.try_lock(&key(1)).unwrap());
        fs::remove_dir_all(directory.join("a.db.locks")).unwrap();
        assert!(is_held(&locks.try_lock(&key(1)).unwrap()));
        assert!(directory.join("a.db.locks/01").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_lock_files_is_refused() {
        let directory = TemporaryDirectory::new();
        let locks = KeyLocks::beside(&directory.join("a.db")).unwrap();
        std::os::unix::fs::symlink("/dev/null", directory.join("a.db.locks/01")).unwrap();
        assert_eq!(locks.try_lock(&key(1)).unwrap_err().code(), ErrorCode::StorePermissions);
        std::os::unix::fs::symlink(directory.path(), directory.join("b.db.locks")).unwrap();
        assert_eq!(KeyLocks::beside(&directory.join("b.db")).err().map(|error| error.code()), Some(ErrorCode::StorePermissions));
    }
}
