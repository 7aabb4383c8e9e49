//! The database as one operation sees it: settings, format, statements.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode as Sqlite, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{busy, failure, misplaced};
use crate::store::token_store::{StoreEntry, StoreKey, SwapOutcome};
use protocol::error::{Error, ErrorCode, Result};

/// "sgOA": marks the file as a store of this library's, in the field that SQLite keeps for that.
const APPLICATION: i32 = 0x7367_4F41;
/// Changes that an older library can live with are additions and do not count.
const FORMAT: i32 = 2;

/// EXTRA: a commit is a deleted journal, and durable only when the directory knows of it. Without secure_delete, replaced tokens stay in the file
/// until their pages are used again.
const SETTINGS: &str = "PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;";

const TABLES: &str = "
    CREATE TABLE entries (
        key     TEXT PRIMARY KEY NOT NULL,
        version TEXT NOT NULL,
        data    BLOB NOT NULL,
        ends    INTEGER
    ) STRICT;
    CREATE INDEX entries_that_end ON entries (ends) WHERE ends IS NOT NULL;
";

/// So many entries that ended does one swap take along.
const SWEEP: i64 = 16;

pub(super) struct Database<'a> {
    path: &'a Path,
    connection: Connection,
}

impl<'a> Database<'a> {
    /// Opens the file, which its caller has locked.
    pub(super) fn open(path: &'a Path, writable: bool, deadline: Instant) -> Result<Self> {
        let mode = if writable { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // SQLite's own locks are kept in tables that a forked child inherits without the locks. The file lock that is held excludes them all.
        let opened = if cfg!(unix) {
            Connection::open_with_flags_and_vfs(path, flags, "unix-none")
        } else {
            Connection::open_with_flags(path, flags)
        };
        let connection = opened.map_err(|cause| judge(path, cause))?;
        let database = Self { path, connection };
        database.run(|connection| connection.busy_timeout(deadline.saturating_duration_since(Instant::now())))?;
        Ok(database)
    }

    /// Makes the tables in an empty file. Anything else is left alone.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let path = self.path;
        let transaction = self.begin()?;
        if is_empty(&transaction).map_err(|cause| judge(path, cause))? {
            transaction
                .execute_batch(TABLES)
                .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION))
                .and_then(|()| transaction.pragma_update(None, "user_version", FORMAT))
                .and_then(|()| transaction.commit())
                .map_err(|cause| judge(path, cause))
        } else {
            drop(transaction);
            self.check_format()
        }
    }

    /// Refuses what this version of the library did not write. Looked at each time: a newer version may have come since.
    pub(super) fn check_format(&self) -> Result<()> {
        let number = |pragma| self.run(|connection| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)));
        match (number("application_id")?, number("user_version")?) {
            (APPLICATION, FORMAT) => Ok(()),
            (APPLICATION, newer) if newer > FORMAT => {
                let problem =
                    format!("was written by a newer version of this library (format {newer}, known is {FORMAT}); update the library");
                Err(failure(ErrorCode::StoreFormat, self.path, &problem))
            }
            (APPLICATION, older) => {
                let problem = format!("was written before the first release (format {older}); move it away to start with an empty one");
                Err(failure(ErrorCode::StoreFormat, self.path, &problem))
            }
            (0, 0) if self.run(is_empty)? => {
                Err(misplaced(self.path, "was emptied while it was in use; put it back, or open the store anew to start with an empty one"))
            }
            _ => {
                Err(failure(ErrorCode::StoreCorrupt, self.path, "is the database of another program and was left alone; give another path"))
            }
        }
    }

    pub(super) fn load(&self, key: &StoreKey, now: i64) -> Result<Option<StoreEntry>> {
        self.run(|connection| {
            connection
                .query_row(
                    "SELECT version, data, ends FROM entries WHERE key = ?1 AND (ends IS NULL OR ends >= ?2)",
                    params![key.as_str(), now],
                    |row| Ok(StoreEntry { version: row.get(0)?, data: row.get(1)?, expires_at: row.get(2)? }),
                )
                .optional()
        })
    }

    pub(super) fn swap(&mut self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry, now: i64) -> Result<SwapOutcome> {
        let path = self.path;
        let transaction = self.begin()?;
        let swapped = swap(&transaction, key, expected, entry, now).map_err(|cause| judge(path, cause))?;
        if swapped == SwapOutcome::Stored {
            transaction.commit().map_err(|cause| judge(path, cause))?;
        }
        Ok(swapped)
    }

    /// Makes the disk full, as far as this database is concerned.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: i64) {
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    fn begin(&mut self) -> Result<Transaction<'_>> {
        let path = self.path;
        self.run(|connection| connection.execute_batch(SETTINGS))?;
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|cause| judge(path, cause))
    }

    fn run<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        act(&self.connection).map_err(|cause| judge(self.path, cause))
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn swap(
    transaction: &Transaction<'_>,
    key: &StoreKey,
    expected: Option<&str>,
    entry: &StoreEntry,
    now: i64,
) -> rusqlite::Result<SwapOutcome> {
    transaction.execute("DELETE FROM entries WHERE key = ?1 AND ends < ?2", params![key.as_str(), now])?;
    transaction.execute(
        "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE ends < ?1 ORDER BY ends LIMIT ?2)",
        params![now, SWEEP],
    )?;
    let changed = match expected {
        Some(expected) => transaction.execute(
            "UPDATE entries SET version = ?3, data = ?4, ends = ?5 WHERE key = ?1 AND version = ?2",
            params![key.as_str(), expected, entry.version, entry.data, entry.expires_at],
        )?,
        None => transaction.execute(
            "INSERT INTO entries (key, version, data, ends) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![key.as_str(), entry.version, entry.data, entry.expires_at],
        )?,
    };
    Ok(if changed == 1 { SwapOutcome::Stored } else { SwapOutcome::Conflict })
}

/// What SQLite failed with, in this library's words.
fn judge(path: &Path, cause: rusqlite::Error) -> Error {
    let unavailable = |problem| failure(ErrorCode::StoreUnavailable, path, problem);
    match cause.sqlite_error_code() {
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => busy(path),
        Some(Sqlite::DiskFull) => unavailable("cannot grow: the disk is full; make room"),
        Some(Sqlite::ReadOnly | Sqlite::PermissionDenied) => {
            misplaced(path, "cannot be written; change the rights of the file and its directory, or mount the file system for writing")
        }
        Some(Sqlite::CannotOpen) => misplaced(
            path,
            "cannot be opened by SQLite; another program may have switched it to write-ahead logging (undo: PRAGMA journal_mode = DELETE), or the \
             directory cannot be written",
        ),
        Some(Sqlite::SystemIoFailure) => unavailable("cannot be read or written; see to the disk"),
        Some(Sqlite::OutOfMemory | Sqlite::OperationInterrupted | Sqlite::OperationAborted) => unavailable("could not be used; try again"),
        Some(Sqlite::NotADatabase) => failure(ErrorCode::StoreCorrupt, path, "is not a database and was left alone; give another path"),
        _ => failure(ErrorCode::StoreCorrupt, path, "is damaged and was left as it is; put back a copy, or move it away to start with an empty one"),
    }
    .with_cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::store::testing::TemporaryDirectory;

    #[test]
    fn a_commit_waits_for_the_disk_and_leaves_one_file() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        drop(Sqlite::open(&path).unwrap());
        let mut database = Database::open(&path, true, Instant::now()).unwrap();
        let transaction = database.begin().unwrap();
        let setting = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(setting("synchronous"), 3.into());
        assert_eq!(setting("secure_delete"), 1.into());
        assert_eq!(setting("journal_mode"), "delete".to_owned().into());
    }
}
