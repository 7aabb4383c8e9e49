//! The locks that the operating system has for an open file. No function here waits.

#[cfg(unix)]
pub(super) use self::system::holder;
pub(super) use self::system::{try_lock, unlock};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockRange {
    /// The whole file, with the bytes that SQLite locks: every program that uses SQLite respects
    /// it.
    Whole,
    /// One byte, which may be past the end of the file.
    Byte(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockMode {
    Shared,
    Exclusive,
}

/// On Linux: these locks and SQLite's exclude each other, also within a process.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod system {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    use super::{LockMode, LockRange, whole_file};

    pub(in crate::store::sqlite) fn try_lock(file: &File, range: LockRange, mode: LockMode) -> io::Result<bool> {
        let kind = match mode {
            LockMode::Shared => libc::F_RDLCK,
            LockMode::Exclusive => libc::F_WRLCK,
        };
        match set(file, range, kind) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) => Ok(false),
            // Some sandboxes and emulations of Linux do not have these locks.
            Err(Errno::EINVAL) if range == LockRange::Whole => whole_file::try_lock(file, mode),
            Err(Errno::EINVAL) => Err(io::ErrorKind::Unsupported.into()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Cannot fail on a file that is open and locked. If it did, the lock would end when the last
    /// copy of the descriptor is closed.
    pub(in crate::store::sqlite) fn unlock(file: &File, range: LockRange) {
        if set(file, range, libc::F_UNLCK).is_err() {
            whole_file::unlock(file);
        }
    }

    pub(in crate::store::sqlite) fn holder(file: &File) -> Option<u32> {
        let mut lock = described(LockRange::Whole, libc::F_WRLCK);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).ok()?;
        // -1 for a lock that belongs to a description, 0 for a process in another container.
        u32::try_from(lock.l_pid).ok().filter(|process| *process > 0)
    }

    fn set(file: &File, range: LockRange, kind: libc::c_int) -> nix::Result<libc::c_int> {
        fcntl(file, FcntlArg::F_OFD_SETLK(&described(range, kind)))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the constants are small, and the fields' types the system's")]
    fn described(range: LockRange, kind: libc::c_int) -> libc::flock {
        let (l_start, l_len) = match range {
            LockRange::Whole => (0, 0),
            LockRange::Byte(at) => (at.cast_signed(), 1),
        };
        libc::flock { l_type: kind as libc::c_short, l_whence: libc::SEEK_SET as libc::c_short, l_start, l_len, l_pid: 0 }
    }
}

/// Elsewhere: the locks of the standard library. On macOS and the BSDs, they and SQLite's exclude
/// each other.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    use std::fs::File;
    use std::io;

    use super::{LockMode, LockRange, whole_file};

    pub(in crate::store::sqlite) fn try_lock(file: &File, range: LockRange, mode: LockMode) -> io::Result<bool> {
        match range {
            LockRange::Whole => whole_file::try_lock(file, mode),
            LockRange::Byte(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    #[cfg(unix)]
    pub(in crate::store::sqlite) fn holder(_file: &File) -> Option<u32> {
        None
    }

    pub(in crate::store::sqlite) fn unlock(file: &File, _range: LockRange) {
        whole_file::unlock(file);
    }
}

mod whole_file {
    use std::fs::{File, TryLockError};
    use std::io;

    use super::LockMode;

    pub(super) fn try_lock(file: &File, mode: LockMode) -> io::Result<bool> {
        let locked = match mode {
            LockMode::Shared => file.try_lock_shared(),
            LockMode::Exclusive => file.try_lock(),
        };
        match locked {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    /// Cannot fail on a file that is open and locked, as above.
    pub(super) fn unlock(file: &File) {
        let _ = file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;
    use crate::store::testing::TemporaryDirectory;

    #[test]
    fn whole_file_locks_belong_to_a_description() {
        let directory = TemporaryDirectory::new();
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(directory.join("locked")).unwrap();
        let (one, other) = (open(), open());
        assert!(whole_file::try_lock(&one, LockMode::Exclusive).unwrap());
        assert!(!whole_file::try_lock(&other, LockMode::Exclusive).unwrap());
        whole_file::unlock(&one);
        assert!(whole_file::try_lock(&other, LockMode::Shared).unwrap());
        assert!(whole_file::try_lock(&one, LockMode::Shared).unwrap());
    }
}
