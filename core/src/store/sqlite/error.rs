//! The errors of the embedded store. Each names its file: a path is not a secret, and without it a
//! user does not know which file is meant.

use std::io;
use std::path::Path;

use protocol::error::{Error, ErrorCode, Remedy};
use rusqlite::ErrorCode as Sqlite;

pub(super) fn store_error(code: ErrorCode, path: &Path, problem: &str) -> Error {
    Error::new(code, format!("store {}: {problem}", path.display()))
}

/// An error that lasts until somebody changes the configuration or the file.
pub(super) fn configuration_error(path: &Path, problem: &str) -> Error {
    unavailable(path, problem).with_remedy(Remedy::FixConfiguration)
}

/// `holder` is the process that keeps the database locked, if it is known and is not this one.
pub(super) fn locked(path: &Path, holder: Option<u32>) -> Error {
    let by = match holder {
        Some(process) => format!("another program (process {process}); end its transaction, or end the program"),
        None => "another process or thread; try again, and look for a program that keeps it locked".to_owned(),
    };
    unavailable(path, &format!("the database is locked by {by}"))
}

pub(super) fn from_io(path: &Path, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::NotFound => configuration_error(path, "is gone; restore it, or open the store again to start with an empty one"),
        io::ErrorKind::PermissionDenied => {
            configuration_error(path, "is not accessible to this user; change its owner or permissions, or give another path")
        }
        io::ErrorKind::ReadOnlyFilesystem => configuration_error(path, "is on a file system that is mounted read-only; give another path"),
        _ => unavailable(path, &format!("cannot be opened ({cause})")),
    }
    .with_cause(cause)
}

pub(super) fn from_sqlite(path: &Path, cause: rusqlite::Error) -> Error {
    match cause.sqlite_error_code() {
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => locked(path, None),
        Some(Sqlite::DiskFull) => unavailable(path, "cannot grow because the disk is full; free some space"),
        Some(Sqlite::ReadOnly | Sqlite::PermissionDenied) => configuration_error(
            path,
            "cannot be written; change the permissions of the file and its directory, or mount the file system \
             read-write",
        ),
        Some(Sqlite::CannotOpen) => configuration_error(
            path,
            "cannot be opened by SQLite; another program may have switched it to write-ahead logging (undo: PRAGMA \
             journal_mode = DELETE), or its directory is not writable",
        ),
        Some(Sqlite::SystemIoFailure) => unavailable(path, "cannot be read or written; check the disk"),
        Some(Sqlite::OutOfMemory | Sqlite::OperationInterrupted | Sqlite::OperationAborted) => {
            unavailable(path, "could not be used; try again")
        }
        Some(Sqlite::NotADatabase) => corrupt(path, "is not a database and was not changed; give another path"),
        _ => corrupt(path, "is damaged and was not changed; restore a copy, or move it away to start with an empty one"),
    }
    .with_cause(cause)
}

pub(super) fn write_ahead_logging(path: &Path) -> Error {
    configuration_error(path, "was switched to write-ahead logging by another program (undo: PRAGMA journal_mode = DELETE)")
}

fn unavailable(path: &Path, problem: &str) -> Error {
    store_error(ErrorCode::StoreUnavailable, path, problem)
}

fn corrupt(path: &Path, problem: &str) -> Error {
    store_error(ErrorCode::StoreCorrupt, path, problem)
}
