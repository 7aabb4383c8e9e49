//! A store in PostgreSQL, for any number of machines.
//!
//! Each operation is one round trip of statements without names, which work behind poolers. It has
//! one deadline, which includes connecting. A swap whose result did not arrive is an error, and is
//! not repeated: the caller reads the entry again.

mod channel_binding;
mod check;
mod connection;
mod database;
mod exchange;
mod fuzzing;
mod pipeline;
mod recording;
mod server;
mod sql_error;
mod startup;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod url;
mod wire;

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use protocol::error::{Error, ErrorCode, Remedy, Result};

use self::database::{Answer, Database, Failed};
use self::exchange::Outcome;
pub use self::fuzzing::answered_by;
use self::pipeline::{Pipeline, Value};
use self::server::Server;
use self::sql_error::{NO_RIGHT, NO_SCHEMA, NO_TABLE};
use self::table::{MARKER, SETTINGS, Statements, Table};
use self::url::DatabaseUrl;
use super::options::StoreOptions;
use super::remote::address::Address;
use super::remote::failure::{connection_failed, malformed, misconfigured, unavailable};
use super::remote::limits::Limits;
use super::remote::marker::{Marker, emptied};
use super::remote::pool::Repeat;
use super::token_store::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock as _, SystemClock};
use crate::sys::random::{Random as _, SystemRandomness, tokens};

/// One swap in this many also deletes expired entries.
const SWEEP_EVERY: u64 = 256;
/// How long an entry is kept after it expired, because the clocks of machines differ.
const SWEEP_AFTER_SECONDS: i64 = 300;

/// What a check writes expires after this.
const SCRATCH_SECONDS: i64 = 60;

/// Processes that create the table at the same time wait for each other. Any number will do.
const CREATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7471932851)";

/// A store in a table of a PostgreSQL database.
pub(crate) struct Postgres {
    database: Database,
    statements: Statements,
    create_table: bool,
    only_reads: bool,
    /// Whether there was no table, and none was created.
    is_missing: AtomicBool,
    marker: Marker,
    swaps: AtomicU64,
}

/// The SQL script that creates the table of this name.
pub(crate) fn schema(table: Option<&str>) -> Result<String> {
    Ok(Table::parse(table)?.schema_script())
}

impl Postgres {
    /// Does not connect.
    pub(crate) fn open(url: &str, options: &StoreOptions) -> Result<Self> {
        let environment = |name: &str| env::var(name).ok();
        let (limits, table) = (Limits::new(options)?, Table::parse(options.table.as_deref())?);
        let server = Server::new(DatabaseUrl::parse(url, &environment)?, options, &environment)?;
        let mut first = [0];
        // A random start, so that processes that end after a few swaps sweep too.
        SystemRandomness.fill(&mut first)?;
        Ok(Self {
            statements: Statements::new(&table),
            database: Database::new(server, table, limits),
            create_table: options.create_table.unwrap_or(true),
            only_reads: options.only_reads,
            is_missing: AtomicBool::new(false),
            marker: Marker::new(),
            swaps: AtomicU64::new(first[0].into()),
        })
    }

    /// Runs an operation. If there is no table, creates it and runs the operation again.
    fn with_table<T>(&self, deadline: Instant, act: impl Fn() -> Result<T, Failed>) -> Result<T> {
        match act() {
            Err(Failed { sql: Some(sql), error }) if sql.code == NO_TABLE => {
                if self.marker.is_known() {
                    return Err(self.emptied());
                }
                if !self.create_table {
                    return Err(error);
                }
                match self.create(deadline) {
                    // Then an administrator must create the table.
                    Err(Failed { sql: Some(sql), .. }) if matches!(sql.code.as_str(), NO_RIGHT | NO_SCHEMA) => return Err(error),
                    created => created.map_err(|failed| failed.error)?,
                }
                act().map_err(|failed| failed.error)
            }
            result => result.map_err(|failed| failed.error),
        }
    }

    /// As [`with_table`](Self::with_table). For a program that only reads, there is nothing in a
    /// table that does not exist.
    fn read<T: Default>(&self, deadline: Instant, act: impl Fn() -> Result<T, Failed>) -> Result<T> {
        if !self.only_reads {
            return self.with_table(deadline, act);
        }
        match act() {
            Err(Failed { sql: Some(sql), .. }) if sql.code == NO_TABLE && !self.marker.is_known() => {
                self.is_missing.store(true, Ordering::Relaxed);
                Ok(T::default())
            }
            result => result.map_err(|failed| failed.error),
        }
    }

    fn create(&self, deadline: Instant) -> Result<(), Failed> {
        let build = || {
            let mut pipeline = Pipeline::new().then("BEGIN", &[])?.then(CREATION_LOCK, &[])?;
            for statement in self.database.table.creation() {
                pipeline = pipeline.then(&statement, &[])?;
            }
            pipeline.then("COMMIT", &[])
        };
        self.database.run(deadline, Repeat::Never, &build).map(|_| ())
    }

    fn try_load(&self, deadline: Instant, key: &StoreKey) -> Result<Option<StoreEntry>, Failed> {
        let now = SystemClock.unix_seconds();
        let asks = !self.marker.is_known();
        let build =
            || Pipeline::new().then(&self.statements.load, &[Value::Text(key.as_str()), Value::Number(Some(now)), Value::Flag(asks)]);
        let Answer { outcomes, address } = self.database.run(deadline, Repeat::Once, &build)?;
        let row = row(&outcomes, &address)?;
        let column = |column| row.text(column).map_err(|cause| connection_failed(&address, cause));
        if flag(&outcomes, &address)? {
            return Err(self.database.is_standby(&address).into());
        }
        let version = column(1)?;
        if (asks || version.is_none()) && !self.marker.is_still(column(4)?) {
            return Err(self.emptied().into());
        }
        let Some(version) = version else { return Ok(None) };
        let entry = row.bytes(2).and_then(|data| Ok((data.unwrap_or_default().to_vec(), row.number(3)?)));
        let (data, expires_at) = entry.map_err(|cause| connection_failed(&address, cause))?;
        Ok(Some(StoreEntry { version, data, expires_at }))
    }

    fn try_swap(&self, deadline: Instant, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, Failed> {
        let now = Value::Number(Some(SystemClock.unix_seconds()));
        let marker = if self.marker.is_known() { None } else { Some(new_marker()?) };
        let mut values =
            vec![Value::Text(key.as_str()), now, Value::Text(&entry.version), Value::Bytes(&entry.data), Value::Number(entry.expires_at)];
        values.extend(expected.map(Value::Text));
        let swap = if expected.is_some() { &self.statements.update } else { &self.statements.insert };
        let build = || {
            // The rest of the time is for the way there and back.
            let wait = deadline.saturating_duration_since(Instant::now()) * 3 / 4;
            let wait = format!("{}ms", wait.as_millis().max(1));
            let mut pipeline = Pipeline::new().then("BEGIN ISOLATION LEVEL READ COMMITTED", &[])?.then(SETTINGS, &[Value::Text(&wait)])?;
            if let Some(marker) = &marker {
                pipeline = pipeline.then(&self.statements.mark, &[Value::Text(marker)])?;
            }
            pipeline.then(swap, &values)?.then("COMMIT", &[])
        };
        let Answer { outcomes, address } = match self.database.run(deadline, Repeat::Never, &build) {
            Err(Failed { sql: Some(sql), .. }) if sql.is_conflict() => return Ok(SwapOutcome::Conflict),
            result => result?,
        };
        let [_, _, marked @ .., swapped, committed] = outcomes.as_slice() else { return Err(unknown(&address).into()) };
        if committed.tag != "COMMIT" || committed.warned {
            return Err(unknown(&address).into());
        }
        if let (Some(marker), [marked]) = (marker, marked)
            && marked.changed() == 1
            && !self.marker.is_still(Some(marker))
        {
            return Err(self.emptied().into());
        }
        Ok(if swapped.changed() == 1 { SwapOutcome::Stored } else { SwapOutcome::Conflict })
    }

    /// Deletes some of the entries that have expired. Others do so too, so it may fail.
    fn sweep(&self, deadline: Instant) {
        let before = Value::Number(Some(SystemClock.unix_seconds() - SWEEP_AFTER_SECONDS));
        let build = || Pipeline::new().then(&self.statements.sweep, &[before]);
        let _ = self.database.run(deadline, Repeat::Never, &build);
    }

    fn try_keys(&self, deadline: Instant, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, Failed> {
        let after = after.map_or(MARKER, StoreKey::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let build = || {
            let values = [Value::Text(after), Value::Number(Some(limit))];
            Pipeline::new().then("SELECT pg_is_in_recovery()", &[])?.then(&self.statements.keys, &values)
        };
        let Answer { outcomes, address } = self.database.run(deadline, Repeat::Once, &build)?;
        if flag(&outcomes, &address)? {
            return Err(self.database.is_standby(&address).into());
        }
        let rows = outcomes.get(1).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        let keys = rows.iter().map(|row| {
            let key = row.text(0).map_err(|cause| connection_failed(&address, cause))?;
            StoreKey::parse(&key.unwrap_or_default()).map_err(|_| {
                let table = self.database.table.quoted();
                misconfigured(&address, &format!("the table {table} has a key that this library did not write; delete that row"))
            })
        });
        Ok(keys.collect::<Result<_>>()?)
    }

    /// Reads and writes as a login does, and returns what is wrong. The row is deleted once it has
    /// expired.
    fn try_out(&self) -> Result<Option<String>> {
        let (key, version) = (scratch_key()?, new_marker()?);
        let entry = StoreEntry { version, data: b"{}".to_vec(), expires_at: Some(SystemClock.unix_seconds() + SCRATCH_SECONDS) };
        let deadline = self.database.limits.deadline();
        let tried = self.with_table(deadline, || {
            self.try_load(deadline, &key)?;
            self.try_swap(deadline, &key, None, &entry)
        });
        Ok(match tried {
            Ok(SwapOutcome::Stored) => None,
            Ok(SwapOutcome::Conflict) => {
                let (place, table) = (self.database.server.place(), self.database.table.quoted());
                Some(format!("store {place}: the table {table} does not keep what is written; remove the trigger or rule that discards it"))
            }
            Err(error) => Some(error.to_string()),
        })
    }

    fn emptied(&self) -> Error {
        let (place, problem) = (self.database.server.place(), emptied(&format!("the table {}", self.database.table.quoted())));
        Error::new(ErrorCode::StoreUnavailable, format!("store {place}: {problem}")).with_remedy(Remedy::FixConfiguration)
    }
}

impl TokenStore for Postgres {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let deadline = self.database.limits.deadline();
        Ok(self.read(deadline, || self.try_load(deadline, key))?)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let deadline = self.database.limits.deadline();
        let outcome = self.with_table(deadline, || self.try_swap(deadline, key, expected, entry))?;
        if self.swaps.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            self.sweep(deadline);
        }
        Ok(outcome)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let deadline = self.database.limits.deadline();
        let keys = self.read(deadline, || self.try_keys(deadline, after, limit))?;
        if keys.is_empty() && after.is_none() {
            // Fails if the table was emptied, which must not look as if nobody were logged in.
            self.load(&scratch_key()?)?;
        }
        Ok(keys)
    }

    fn check(&self) -> Result<Vec<String>, BoxError> {
        let deadline = self.database.limits.deadline();
        let build = || check::look(&self.database.table);
        match self.database.run(deadline, Repeat::Once, &build) {
            Ok(Answer { outcomes, address }) => {
                let row = row(&outcomes, &address)?;
                let findings = check::findings(row, self.database.place(&address), self.create_table);
                let mut findings = findings.map_err(|cause| connection_failed(&address, cause))?;
                let has_table = row.flag(check::HAS_TABLE).map_err(|cause| connection_failed(&address, cause))?;
                self.is_missing.store(!has_table, Ordering::Relaxed);
                if findings.is_empty() && has_table {
                    findings.extend(self.try_out()?);
                }
                Ok(findings)
            }
            // The role may not even look.
            Err(Failed { sql: Some(sql), error }) if sql.code == NO_RIGHT => Ok(vec![error.to_string()]),
            Err(failed) => Err(failed.error.into()),
        }
    }

    fn is_missing(&self) -> bool {
        self.is_missing.load(Ordering::Relaxed)
    }
}

/// The only row of the first statement.
fn row<'a>(outcomes: &'a [Outcome], address: &Address) -> Result<&'a exchange::Row> {
    let row = outcomes.first().ok_or_else(|| malformed("no result")).and_then(Outcome::row);
    row.map_err(|cause| connection_failed(address, cause))
}

/// Its first column.
fn flag(outcomes: &[Outcome], address: &Address) -> Result<bool> {
    row(outcomes, address)?.flag(0).map_err(|cause| connection_failed(address, cause))
}

/// With synchronous replication, a commit that no longer waits for its standby is on one machine
/// only.
fn unknown(address: &Address) -> Error {
    unavailable(address, "the server committed without its synchronous standby, so it is not known whether the login stays; try again")
}

/// A key that no login has.
fn scratch_key() -> Result<StoreKey> {
    let mut digest = [0; 32];
    SystemRandomness.fill(&mut digest)?;
    Ok(StoreKey::new(&digest))
}

fn new_marker() -> Result<String> {
    tokens(&SystemRandomness).map(|[token]| token[..22].to_owned())
}
