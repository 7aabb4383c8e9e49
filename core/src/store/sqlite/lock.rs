//! Locks that belong to an open file description: they exclude every other description, of this process and of any copy of the library in it, too,
//! and whatever else the process opens and closes does not touch them. (Record locks of the process, which SQLite uses, are all lost when any
//! descriptor of the file is closed.)
//!
//! A forked child has copies of the descriptors, and a lock lives as long as one of them. So all are kept in one place, where the child closes its
//! copies: at the fork where somebody tells of it, otherwise as soon as it uses a store. The process that took a lock gives it up by name and not by
//! closing it, which ends it for the copies, too.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::file::Identity;
use super::misplaced;
use crate::sys::process::{Origin, PerProcess};
use protocol::error::{Error, Result};

/// A file that is open for locks alone, until this is dropped by the process that opened it.
pub(super) struct Description {
    number: u64,
    origin: Origin,
    pub(super) identity: Identity,
}

/// What is locked of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, with the bytes that SQLite locks: every program that uses SQLite respects it.
    Whole,
    /// One byte. It need not be there.
    Byte(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Shared,
    Exclusive,
}

/// Why a lock was not given.
pub(super) enum Refused {
    /// Somebody has it.
    Busy,
    /// The system has no locks on parts of files that belong to a description.
    NoParts,
    Failed(Error),
}

impl Description {
    pub(super) fn open(path: &Path, open: impl FnOnce() -> Result<File>) -> Result<Self> {
        // Under one lock from opening to keeping: a child that is forked in between would have a copy that it does not know of.
        let mut held = lock(held());
        let file = open()?;
        let metadata = file.metadata().map_err(|cause| cannot_be_locked(path, cause))?;
        let number = held.next;
        held.next += 1;
        held.files.insert(number, file);
        Ok(Self { number, origin: Origin::here(), identity: Identity::of(path, &metadata) })
    }

    /// Without waiting.
    pub(super) fn try_lock(&self, path: &Path, part: Part, mode: Mode) -> std::result::Result<(), Refused> {
        let locked = self.with(|file| system::try_lock(file, part, mode)).unwrap_or(Ok(false));
        match locked {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::Busy),
            Err(cause) if part != Part::Whole && cause.kind() == io::ErrorKind::Unsupported => Err(Refused::NoParts),
            Err(cause) => Err(Refused::Failed(cannot_be_locked(path, cause))),
        }
    }

    /// The process that keeps the file locked, where it is one with record locks: so not one of this library's.
    pub(super) fn holder(&self) -> Option<u32> {
        self.with(system::holder).flatten()
    }

    pub(super) fn unlock(&self, part: Part) {
        self.with(|file| system::unlock(file, part));
    }

    /// Does it with the file. Not in a forked child: there it is its parent's, and closed.
    pub(super) fn with<T>(&self, act: impl FnOnce(&File) -> T) -> Option<T> {
        if !self.is_here() {
            return None;
        }
        lock(held()).files.get(&self.number).map(act)
    }

    pub(super) fn is_here(&self) -> bool {
        self.origin.is_here()
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        if self.is_here() {
            lock(held()).files.remove(&self.number);
        }
    }
}

fn cannot_be_locked(path: &Path, cause: io::Error) -> Error {
    misplaced(path, &format!("cannot be locked on this file system ({cause}); keep the store on another one")).with_cause(cause)
}

/// All descriptors that this process has open for locks.
#[derive(Default)]
struct Held {
    files: HashMap<u64, File>,
    next: u64,
}

static HELD: PerProcess<&'static Mutex<Held>> = PerProcess::new();

/// One allocation per process, never freed: whoever forks keeps it locked meanwhile.
fn held() -> &'static Mutex<Held> {
    *HELD.get_or_succeed(|| Box::leak(Box::default()), |inherited| close_copies(inherited))
}

/// In a child. If a thread of the parent was using them at the fork, and nobody waited for it, they stay open until the child ends.
fn close_copies(inherited: &Mutex<Held>) {
    match inherited.try_lock() {
        Ok(mut held) => held.files.clear(),
        Err(TryLockError::Poisoned(held)) => held.into_inner().files.clear(),
        Err(TryLockError::WouldBlock) => {}
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// Of a thread that forks.
    static FORKING: RefCell<Option<MutexGuard<'static, Held>>> = const { RefCell::new(None) };
}

/// Lets no lock be taken or given up until [`after_fork`], unless one is being until the deadline.
pub(super) fn before_fork(deadline: Instant) {
    const PAUSE: Duration = Duration::from_millis(1);

    let mut guard = try_guard(held());
    while guard.is_none() && Instant::now() < deadline {
        thread::sleep(PAUSE);
        guard = try_guard(held());
    }
    FORKING.set(guard);
}

/// A child closes its copies.
pub(super) fn after_fork() {
    drop(FORKING.take());
    held();
}

fn try_guard(held: &'static Mutex<Held>) -> Option<MutexGuard<'static, Held>> {
    match held.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Linux: locks that SQLite's exclude and are excluded by, also within a process.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod system {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    use super::{Mode, Part, whole_file};

    pub(super) fn try_lock(file: &File, part: Part, mode: Mode) -> io::Result<bool> {
        let kind = match mode {
            Mode::Shared => libc::F_RDLCK,
            Mode::Exclusive => libc::F_WRLCK,
        };
        match set(file, part, kind) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) => Ok(false),
            // Some sandboxes and emulations of Linux do not know these locks.
            Err(Errno::EINVAL) if part == Part::Whole => whole_file::try_lock(file, mode),
            Err(Errno::EINVAL) => Err(io::ErrorKind::Unsupported.into()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// It cannot fail on a file that is open and locked; if it did, the lock would end when the last copy is closed.
    pub(super) fn unlock(file: &File, part: Part) {
        if set(file, part, libc::F_UNLCK).is_err() {
            whole_file::unlock(file);
        }
    }

    pub(super) fn holder(file: &File) -> Option<u32> {
        let mut lock = described(Part::Whole, libc::F_WRLCK);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).ok()?;
        // Of a lock that belongs to a description it is -1, of a process in another container 0.
        u32::try_from(lock.l_pid).ok().filter(|process| *process > 0)
    }

    fn set(file: &File, part: Part, kind: libc::c_int) -> nix::Result<libc::c_int> {
        fcntl(file, FcntlArg::F_OFD_SETLK(&described(part, kind)))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the constants are small, and the fields' types the system's")]
    fn described(part: Part, kind: libc::c_int) -> libc::flock {
        let (l_start, l_len) = match part {
            Part::Whole => (0, 0),
            Part::Byte(at) => (at.cast_signed(), 1),
        };
        libc::flock { l_type: kind as libc::c_short, l_whence: libc::SEEK_SET as libc::c_short, l_start, l_len, l_pid: 0 }
    }
}

/// Elsewhere, what the standard library has. On macOS and the BSDs, SQLite's locks and these exclude each other.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    use std::fs::File;
    use std::io;

    use super::{Mode, Part, whole_file};

    pub(super) fn try_lock(file: &File, part: Part, mode: Mode) -> io::Result<bool> {
        match part {
            Part::Whole => whole_file::try_lock(file, mode),
            Part::Byte(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn holder(_file: &File) -> Option<u32> {
        None
    }

    pub(super) fn unlock(file: &File, _part: Part) {
        whole_file::unlock(file);
    }
}

mod whole_file {
    use std::fs::{File, TryLockError};
    use std::io;

    use super::Mode;

    pub(super) fn try_lock(file: &File, mode: Mode) -> io::Result<bool> {
        let locked = match mode {
            Mode::Shared => file.try_lock_shared(),
            Mode::Exclusive => file.try_lock(),
        };
        match locked {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    /// As above.
    pub(super) fn unlock(file: &File) {
        let _ = file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;
    use crate::store::testing::TemporaryDirectory;

    fn open(path: &Path) -> Description {
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Description::open(path, || Ok(open().unwrap())).expect("it can be opened")
    }

    fn is_free(path: &Path, part: Part) -> bool {
        open(path).try_lock(path, part, Mode::Exclusive).is_ok()
    }

    #[test]
    fn each_description_excludes_every_other_one_of_this_process() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("locked");
        let one = open(&path);
        assert!(one.try_lock(&path, Part::Whole, Mode::Exclusive).is_ok());
        assert!(!is_free(&path, Part::Whole));
        drop(OpenOptions::new().read(true).write(true).open(&path).unwrap());
        assert!(!is_free(&path, Part::Whole));
        one.unlock(Part::Whole);
        assert!(is_free(&path, Part::Whole));
        assert!(one.try_lock(&path, Part::Whole, Mode::Exclusive).is_ok());
        drop(one);
        assert!(is_free(&path, Part::Whole));
    }

    #[test]
    fn a_child_closes_its_copies_and_its_parents_locks_are_not_touched_by_what_it_drops() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("locked");
        let mut inherited = open(&path);
        assert!(inherited.try_lock(&path, Part::Whole, Mode::Exclusive).is_ok());
        let file = lock(held()).files.get(&inherited.number).unwrap().try_clone().unwrap();
        let of_parent = Mutex::new(Held { files: HashMap::from([(0, file)]), next: 1 });
        close_copies(&of_parent);
        assert!(of_parent.lock().unwrap().files.is_empty());
        let number = inherited.number;
        inherited.origin = Origin::elsewhere();
        inherited.unlock(Part::Whole);
        assert!(inherited.with(|_| ()).is_none());
        drop(inherited);
        assert!(!is_free(&path, Part::Whole));
        lock(held()).files.remove(&number);
        assert!(is_free(&path, Part::Whole));
    }

    #[test]
    fn what_a_thread_of_the_parent_was_using_is_left_alone() {
        let of_parent = Mutex::new(Held::default());
        let _used = lock(&of_parent);
        close_copies(&of_parent);
    }

    #[test]
    fn at_a_fork_no_lock_is_taken_or_given_up() {
        before_fork(Instant::now() + Duration::from_secs(60));
        assert!(thread::scope(|scope| scope.spawn(|| held().try_lock().is_err()).join().unwrap()));
        after_fork();
        assert!(FORKING.take().is_none());
    }

    #[test]
    fn where_only_whole_files_can_be_locked_a_description_is_locked() {
        let directory = TemporaryDirectory::new();
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(directory.join("locked")).unwrap();
        let (one, other) = (open(), open());
        assert!(whole_file::try_lock(&one, Mode::Exclusive).unwrap());
        assert!(!whole_file::try_lock(&other, Mode::Exclusive).unwrap());
        whole_file::unlock(&one);
        assert!(whole_file::try_lock(&other, Mode::Shared).unwrap());
        assert!(whole_file::try_lock(&one, Mode::Shared).unwrap());
    }
}
