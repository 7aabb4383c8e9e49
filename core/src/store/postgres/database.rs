//! Round trips to a database, on connections that are kept.

use std::io;
use std::time::Instant;

use protocol::error::{Error, Result};

use super::connection::{Connection, was_closed};
use super::exchange::{Failure, Outcome};
use super::pipeline::Pipeline;
use super::server::{Server, standby};
use super::sql_error::{Place, SqlError};
use super::table::Table;
use crate::store::remote::address::Address;
use crate::store::remote::failure::connection_failed;
use crate::store::remote::limits::Limits;
use crate::store::remote::pool::{Pool, Repeat};

pub(super) struct Database {
    pub(super) server: Server,
    pub(super) table: Table,
    pub(super) limits: Limits,
    pool: Pool<Connection>,
}

/// The results of a round trip, and whose they are.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) address: Address,
}

/// A round trip without results.
#[derive(Debug)]
pub(super) struct Failed {
    /// If the server said so.
    pub(super) sql: Option<SqlError>,
    pub(super) error: Error,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { sql: None, error }
    }
}

impl Database {
    pub(super) fn new(server: Server, table: Table, limits: Limits) -> Self {
        let pool = Pool::new(server.place(), limits.connections);
        Self { server, table, limits, pool }
    }

    /// Makes a round trip with what `build` makes when there is a connection.
    pub(super) fn run(&self, deadline: Instant, repeat: Repeat, build: &dyn Fn() -> io::Result<Pipeline>) -> Result<Answer, Failed> {
        let mut may_repeat = repeat == Repeat::Once;
        loop {
            let mut connection = self.pool.get(deadline, || self.server.connect(&self.table, deadline))?;
            connection.set_deadline(deadline);
            let address = connection.address().clone();
            let pipeline = build().map_err(|cause| connection_failed(&address, cause))?;
            let result = connection.run(&pipeline);
            let (was_idle, is_clean) = (connection.was_idle(), connection.is_clean());
            if is_clean {
                connection.give_back();
            } else {
                drop(connection);
            }
            let failure = match result {
                Ok(outcomes) => return Ok(Answer { outcomes, address }),
                Err(failure) => failure,
            };
            let is_usable = matches!(&failure, Failure::Sql(error) if !error.is_about_the_server());
            let repeats = may_repeat && was_idle && was_closed(&failure);
            let failed = self.failed(&address, failure);
            if !is_usable {
                self.pool.clear();
            }
            if !is_usable && !was_idle {
                self.pool.back_off(&failed.error);
            }
            if !repeats {
                return Err(failed);
            }
            may_repeat = false;
        }
    }

    /// The server has become a standby, or another one has its name: all connections are closed.
    pub(super) fn is_standby(&self, address: &Address) -> Error {
        let error = standby(address);
        self.pool.clear();
        self.pool.back_off(&error);
        error
    }

    pub(super) fn place<'a>(&'a self, address: &'a Address) -> Place<'a> {
        Place { address, table: &self.table, role: self.server.role() }
    }

    fn failed(&self, address: &Address, failure: Failure) -> Failed {
        match failure {
            Failure::Sql(sql) => Failed { error: sql.at(self.place(address)), sql: Some(sql) },
            Failure::Io(cause) => connection_failed(address, cause).into(),
        }
    }
}
