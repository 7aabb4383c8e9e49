//! The database as one operation sees it: settings, format, statements.

use std::path::Path;
use std::time::Instant;

use protocol::error::{ErrorCode, Result};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::error::{configuration_error, from_sqlite, store_error, write_ahead_logging};
use crate::store::token_store::{StoreEntry, StoreKey, SwapOutcome};

/// "sgOA": identifies the file as a store of this library, in the field that SQLite has for that.
const APPLICATION_ID: i32 = 0x7367_4F41;
/// Only raised by a change that an older version of the library cannot read.
const FORMAT: i32 = 2;

/// EXTRA: a commit is the deletion of the journal, durable only once the directory is synced.
/// Without secure_delete, replaced tokens stay in the file until their pages are used again.
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

/// How many expired entries one swap deletes.
const SWEEP: i64 = 16;

/// An entry to be stored. It replaces the one with the version `expected`; without that, it is
/// stored only if there is none.
pub(super) struct Swap {
    pub(super) key: StoreKey,
    pub(super) expected: Option<String>,
    pub(super) entry: StoreEntry,
    /// In seconds since 1970: earlier entries have expired.
    pub(super) now: i64,
}

pub(super) struct Database<'a> {
    path: &'a Path,
    connection: Connection,
}

impl<'a> Database<'a> {
    /// Opens the file, which the caller has locked.
    pub(super) fn open(path: &'a Path, writable: bool, deadline: Instant) -> Result<Self> {
        let mode = if writable { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // Without SQLite's own locks: a forked child inherits SQLite's list of them, but not the
        // locks. The caller's lock excludes every other SQLite.
        let opened = if cfg!(unix) {
            Connection::open_with_flags_and_vfs(path, flags, "unix-none")
        } else {
            Connection::open_with_flags(path, flags)
        };
        let connection = opened.map_err(|cause| from_sqlite(path, cause))?;
        let database = Self { path, connection };
        database.run(|connection| connection.busy_timeout(deadline.saturating_duration_since(Instant::now())))?;
        Ok(database)
    }

    /// Creates the tables in an empty file. A file with content is only checked.
    pub(super) fn create_or_check(&mut self) -> Result<()> {
        let path = self.path;
        let transaction = self.begin()?;
        if is_empty(&transaction).map_err(|cause| from_sqlite(path, cause))? {
            transaction
                .execute_batch(TABLES)
                .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION_ID))
                .and_then(|()| transaction.pragma_update(None, "user_version", FORMAT))
                .and_then(|()| transaction.commit())
                .map_err(|cause| from_sqlite(path, cause))
        } else {
            drop(transaction);
            self.check_format()
        }
    }

    /// Refuses a file that this version of the library did not write. Checked in each operation,
    /// because a newer version may have changed the file since.
    pub(super) fn check_format(&self) -> Result<()> {
        if cfg!(windows) && self.is_in_wal_mode()? {
            return Err(write_ahead_logging(self.path));
        }
        let number = |pragma| self.run(|connection| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)));
        match (number("application_id")?, number("user_version")?) {
            (APPLICATION_ID, FORMAT) => Ok(()),
            (APPLICATION_ID, newer) if newer > FORMAT => {
                let problem = format!(
                    "was written by a newer version of this library (format {newer}; this version knows format \
                     {FORMAT}); update the library"
                );
                Err(store_error(ErrorCode::StoreFormat, self.path, &problem))
            }
            (APPLICATION_ID, older) => {
                let problem = format!("was written before the first release (format {older}); move it away to start with an empty one");
                Err(store_error(ErrorCode::StoreFormat, self.path, &problem))
            }
            (0, 0) if self.run(is_empty)? => Err(configuration_error(
                self.path,
                "was emptied while it was in use; restore it, or open the store again to start with an empty one",
            )),
            _ => Err(store_error(
                ErrorCode::StoreCorrupt,
                self.path,
                "is the database of another program and was not changed; give another path",
            )),
        }
    }

    /// Without its own locks, SQLite does not even open such a database.
    fn is_in_wal_mode(&self) -> Result<bool> {
        self.run(|connection| connection.pragma_query_value(None, "journal_mode", |row| Ok(row.get::<_, String>(0)? == "wal")))
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

    pub(super) fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<String>> {
        self.run(|connection| {
            let mut statement = connection.prepare("SELECT key FROM entries WHERE key > ?1 ORDER BY key LIMIT ?2")?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            statement.query_map(params![after.map_or("", StoreKey::as_str), limit], |row| row.get(0))?.collect()
        })
    }

    /// Commits the swaps together, and returns the outcome of each. A swap sees those before it. If
    /// the commit fails, any of them may be stored or not.
    pub(super) fn swap(&mut self, swaps: &[&Swap]) -> Result<Vec<Result<SwapOutcome>>> {
        let path = self.path;
        let transaction = self.begin()?;
        let outcomes: rusqlite::Result<Vec<_>> = swaps.iter().map(|swap| carry_out(&transaction, swap)).collect();
        match outcomes {
            Ok(outcomes) => {
                if outcomes.contains(&SwapOutcome::Stored) {
                    transaction.commit().map_err(|cause| from_sqlite(path, cause))?;
                }
                Ok(outcomes.into_iter().map(Ok).collect())
            }
            Err(cause) if swaps.len() == 1 => Err(from_sqlite(path, cause)),
            // SQLite may have undone the whole transaction, or a part of the statement. So each is
            // tried alone, and only those that fail alone have failed.
            Err(_) => {
                drop(transaction);
                Ok(swaps.iter().map(|swap| self.swap(&[swap])?.remove(0)).collect())
            }
        }
    }

    /// Writes what is there already, so that a file that cannot be written is noticed.
    pub(super) fn try_to_write(&mut self) -> Result<()> {
        let path = self.path;
        let transaction = self.begin()?;
        let written = transaction.pragma_update(None, "user_version", FORMAT).and_then(|()| transaction.commit());
        written.map_err(|cause| from_sqlite(path, cause))
    }

    /// Limits the size of this database, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: i64) {
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    /// Lets each commit fail, as a disk does.
    #[cfg(test)]
    pub(super) fn refuse_commits(&self) {
        let planted = "
            PRAGMA foreign_keys = ON;
            CREATE TABLE one (number INTEGER PRIMARY KEY);
            CREATE TABLE other (number REFERENCES one DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER planted AFTER INSERT ON entries BEGIN INSERT INTO other VALUES (1); END;
        ";
        self.connection.execute_batch(planted).unwrap();
    }

    fn begin(&mut self) -> Result<Transaction<'_>> {
        let path = self.path;
        self.run(|connection| connection.execute_batch(SETTINGS))?;
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|cause| from_sqlite(path, cause))
    }

    fn run<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        act(&self.connection).map_err(|cause| from_sqlite(self.path, cause))
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn carry_out(transaction: &Transaction<'_>, swap: &Swap) -> rusqlite::Result<SwapOutcome> {
    let Swap { key, expected, entry, now } = swap;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::store::testing::TemporaryDirectory;

    #[test]
    fn a_commit_is_durable_and_leaves_one_file() {
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
