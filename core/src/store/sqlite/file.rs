//! The files of a store: what may take their place, and how they are locked.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock::{Description, Mode, Part, Refused};
use super::{failure, misplaced, permissions};
use protocol::error::{Error, ErrorCode, Result};

/// What an operation wants to do with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Read, also where nothing can be written.
    Read,
    Write,
    /// Write, and make the file if there is none.
    Create,
}

/// The database file of a store, open for locks from one operation to the next.
///
/// Closing it would take the record locks of any other SQLite in this process from it, which may be reading: so it stays open, also where it is locked
/// by somebody and asked for again. What SQLite itself opens is opened and closed under the lock, when nobody else has one.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<(Description, Mode)>>);

/// The file, locked until this is dropped.
pub(super) struct Held<'a> {
    /// Windows: SQLite's own locks do it there, which belong to its handle.
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is kept"))]
    kept: &'a Kept,
    identity: Identity,
    pub(super) writable: bool,
}

/// What tells a file from another one that took its path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

impl Held<'_> {
    /// A file that was deleted or replaced meanwhile has taken with it what was written.
    pub(super) fn check_still_at(&self, path: &Path) -> Result<()> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if Identity::of(path, &metadata) == self.identity => Ok(()),
            Ok(_) => Err(failure(ErrorCode::StoreUnavailable, path, "was replaced while it was in use; try again")),
            Err(cause) => Err(unavailable(path, cause)),
        }
    }
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(_path: &Path, metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self((metadata.dev(), metadata.ino()))
    }

    /// The standard library gives no file number there.
    #[cfg(not(unix))]
    pub(super) fn of(path: &Path, _metadata: &Metadata) -> Self {
        Self(path.to_owned())
    }
}

/// Makes the directory if there is none, and gives the path that stays the same when the working directory changes.
pub(super) fn place(path: &Path) -> Result<PathBuf> {
    if path.as_os_str() == ":memory:" {
        return Err(Error::invalid_argument("store", "\":memory:\" is no path; use the store in memory"));
    }
    if let Some((scheme, _)) = path.to_str().and_then(url) {
        let problem = format!("is a URL ({scheme}:), and takes a path; give the path alone, such as /var/lib/app/logins.db");
        return Err(Error::invalid_argument("store", &problem));
    }
    let name = path.file_name().filter(|_| !path.to_string_lossy().ends_with(std::path::is_separator));
    let Some(name) = name else {
        return Err(Error::invalid_argument("store", "the path names no file; add a name such as logins.db"));
    };
    let absolute = std::path::absolute(path)
        .map_err(|cause| misplaced(path, "is relative to a working directory that is gone; give a full path").with_cause(cause))?;
    let directory = absolute.parent().unwrap_or(&absolute);
    permissions::make_directory(directory).map_err(|cause| no_directory(directory, cause))?;
    let directory = canonical(directory).map_err(|cause| no_directory(directory, cause))?;
    let metadata = fs::metadata(&directory).map_err(|cause| no_directory(&directory, cause))?;
    permissions::check_directory(&directory, &metadata)?;
    Ok(directory.join(name))
}

/// Scheme and rest of what other libraries take for a database, such as `sqlite:///x.db`. A drive of Windows has one letter.
pub(crate) fn url(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|other| other.is_ascii_alphanumeric() || "+-.".contains(other));
    let is_known = ["sqlite", "sqlite3", "file"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_scheme && (is_known || rest.starts_with("//"))).then_some((scheme, rest))
}

/// The path without links. Windows' form of that is not for every program, and nobody replaces links there.
fn canonical(directory: &Path) -> io::Result<PathBuf> {
    if cfg!(unix) { fs::canonicalize(directory) } else { Ok(directory.to_owned()) }
}

impl Kept {
    /// Locks the database: shared if it cannot be written. Nothing when another one has it locked, or is just replacing it. One thread at a time asks,
    /// and drops what it got before the next one does.
    #[cfg(unix)]
    pub(super) fn try_hold(&self, path: &Path, access: Access) -> Result<Option<Held<'_>>> {
        let there = look(path, access)?;
        let mut kept = self.lock();
        let fits = |(description, mode): &(Description, Mode)| {
            description.is_here() && there.as_ref() == Some(&description.identity) && (access == Access::Read || *mode == Mode::Exclusive)
        };
        if !kept.as_ref().is_some_and(fits) {
            let mut mode = Mode::Shared;
            let open = || {
                let (file, opened) = open(path, access)?;
                mode = opened;
                Ok(file)
            };
            *kept = Some((Description::open(path, open)?, mode));
        }
        let Some((description, mode)) = &*kept else { return Ok(None) };
        match description.try_lock(path, Part::Whole, *mode) {
            Ok(()) => {}
            Err(Refused::Busy | Refused::NoParts) => return Ok(None),
            Err(Refused::Failed(error)) => return Err(error),
        }
        let held = Held { kept: self, identity: description.identity.clone(), writable: *mode == Mode::Exclusive };
        let closed = description.with(|file| permissions::close_to_group(path, file)).transpose();
        drop(kept);
        closed?;
        // Nobody who keeps to the locks can replace it any more.
        if look(path, access)?.as_ref() != Some(&held.identity) {
            return Ok(None);
        }
        check_journal(path)?;
        Ok(Some(held))
    }

    #[cfg(not(unix))]
    pub(super) fn try_hold(&self, path: &Path, access: Access) -> Result<Option<Held<'_>>> {
        look(path, access)?;
        let (file, mode) = open(path, access)?;
        let metadata = file.metadata().map_err(|cause| unavailable(path, cause))?;
        check_journal(path)?;
        Ok(Some(Held { kept: self, identity: Identity::of(path, &metadata), writable: mode == Mode::Exclusive }))
    }

    /// The other program that keeps the database locked, where the system tells.
    pub(super) fn holder(&self) -> Option<u32> {
        self.lock().as_ref().and_then(|(description, _)| description.holder())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Description, Mode)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some((description, _)) = &*self.kept.lock() {
            description.unlock(Part::Whole);
        }
    }
}

/// A lock on part of a file, or all of it, until this is dropped by the process that took it.
pub(super) struct Locked {
    description: Description,
    part: Part,
}

impl Locked {
    /// Without waiting.
    pub(super) fn try_take(path: &Path, part: Part) -> std::result::Result<Self, Refused> {
        let look = || look(path, Access::Create).map_err(Refused::Failed);
        look()?;
        let description = Description::open(path, || open(path, Access::Create).map(|(file, _)| file)).map_err(Refused::Failed)?;
        description.try_lock(path, part, Mode::Exclusive)?;
        let locked = Self { description, part };
        // Somebody may have put another file in its place meanwhile.
        if look()?.as_ref() == Some(&locked.description.identity) { Ok(locked) } else { Err(Refused::Busy) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.description.unlock(self.part);
    }
}

/// What is at the path, if it may be used. Nothing only where it will be made.
fn look(path: &Path, access: Access) -> Result<Option<Identity>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => {
            permissions::check_file(path, &metadata)?;
            Ok(Some(Identity::of(path, &metadata)))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && access == Access::Create => Ok(None),
        Err(cause) => Err(unavailable(path, cause)),
    }
}

/// SQLite rolls back from a journal that it finds, so that must not be another user's.
fn check_journal(path: &Path) -> Result<()> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    let journal = Path::new(&journal);
    match fs::symlink_metadata(journal) {
        Ok(metadata) => {
            permissions::check_file(journal, &metadata)?;
            // Elsewhere others may be at it, and there are no groups.
            if cfg!(unix) {
                open(journal, Access::Read)?;
            }
            Ok(())
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(unavailable(journal, cause)),
    }
}

/// Makes the file if there is none, so that what is wrong with it shows at once.
pub(super) fn prepare(path: &Path) -> Result<()> {
    look(path, Access::Create)?;
    open(path, Access::Create).map(drop)
}

/// The file, and how it can be locked.
pub(super) fn open(path: &Path, access: Access) -> Result<(File, Mode)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(access == Access::Create);
    permissions::keep_private(&mut options);
    let (file, mode) = match options.open(path) {
        Ok(file) => (file, Mode::Exclusive),
        Err(cause)
            if access == Access::Read && matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            (options.write(false).open(path).map_err(|cause| unavailable(path, cause))?, Mode::Shared)
        }
        Err(cause) => return Err(unavailable(path, cause)),
    };
    permissions::close_to_group(path, &file)?;
    Ok((file, mode))
}

fn no_directory(directory: &Path, cause: io::Error) -> Error {
    misplaced(directory, &format!("the directory cannot be made or entered ({cause}); make it, or give another path")).with_cause(cause)
}

fn unavailable(path: &Path, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::NotFound => misplaced(path, "is gone; put it back, or open the store anew to start with an empty one"),
        io::ErrorKind::PermissionDenied => {
            misplaced(path, "may not be used by this user; change the owner or the rights, or give another path")
        }
        io::ErrorKind::ReadOnlyFilesystem => misplaced(path, "is on a file system that is mounted read-only; give another path"),
        _ => failure(ErrorCode::StoreUnavailable, path, &format!("cannot be opened ({cause})")),
    }
    .with_cause(cause)
}
