//! A connection that has logged in.

use std::time::Instant;

use protocol::error::Error;

use super::channel_binding::server_end_point;
use super::exchange::{Failure, Outcome, exchange};
use super::pipeline::Pipeline;
use super::sql_error::{Place, SqlError};
use super::startup::{Login, Protection, Refusal, log_in, request_tls};
use super::wire::Wire;
use crate::store::remote::address::Address;
use crate::store::remote::encryption::Tls;
use crate::store::remote::failure::{connection_failed, malformed, unavailable};
use crate::store::remote::pool;
use crate::store::remote::socket::{Reach, Socket};

pub(super) struct Connection {
    wire: Wire<Socket>,
    address: Address,
    /// Between operations: in no transaction, and with nothing unread.
    is_clean: bool,
    is_standby: Option<bool>,
}

impl Connection {
    /// Connects and logs in. TLS is for other machines: a Unix socket has none.
    pub(super) fn open(place: Place<'_>, tls: Option<&Tls>, login: Login<'_>, deadline: Instant) -> Result<Self, Error> {
        Self::try_open(place.address, tls, login, deadline).map_err(|refusal| refusal.at(place, login.database))
    }

    fn try_open(address: &Address, tls: Option<&Tls>, login: Login<'_>, deadline: Instant) -> Result<Self, Refusal> {
        let (reach, tls) = match (address, tls) {
            (Address::Tcp { host, .. }, Some(tls)) => (Reach::Anywhere, Some((tls, host))),
            _ => (Reach::ThisMachine, None),
        };
        let mut socket = Socket::connect(address, reach, deadline)?;
        if let Some((tls, host)) = tls {
            request_tls(&mut socket)?;
            socket = tls.start(socket, host, deadline)?;
        }
        let hash = socket.peer_certificate().and_then(server_end_point);
        let protection = if tls.is_some() { Protection::Tls(hash.as_deref()) } else { Protection::ThisMachine };
        let login = Login { protection, ..login };
        let mut wire = Wire::new(socket);
        let is_standby = log_in(&mut wire, login)?;
        let is_clean = !wire.has_unread();
        Ok(Self { wire, address: address.clone(), is_clean, is_standby })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the server is a standby. Asks it if it has not said so at the start.
    pub(super) fn is_standby(&mut self) -> Result<bool, Error> {
        if let Some(is_standby) = self.is_standby {
            return Ok(is_standby);
        }
        let asked = Pipeline::new().then("SELECT pg_is_in_recovery()", &[]).map_err(Failure::from).and_then(|asked| self.run(&asked));
        let is_standby = asked.and_then(|outcomes| Ok(outcomes.first().ok_or_else(|| malformed("no result"))?.row()?.flag(0)?));
        is_standby.map_err(|failure| match failure {
            Failure::Io(cause) => connection_failed(&self.address, cause),
            Failure::Sql(_) => unavailable(&self.address, "the server does not say whether it is the primary; try again"),
        })
    }

    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.wire.stream().set_deadline(deadline);
    }

    pub(super) fn run(&mut self, pipeline: &Pipeline) -> Result<Vec<Outcome>, Failure> {
        let (result, is_clean) = exchange(&mut self.wire, pipeline);
        self.is_clean = is_clean;
        result
    }

    /// Whether the next operation may use it.
    pub(super) fn is_clean(&self) -> bool {
        self.is_clean
    }
}

impl pool::Connection for Connection {
    fn is_usable(&mut self) -> bool {
        self.is_clean && self.wire.stream().is_silent()
    }
}

/// Whether another connection may do better at once: this one was closed while it was idle.
pub(super) fn was_closed(failure: &Failure) -> bool {
    match failure {
        Failure::Sql(error) => is_about_the_connection(error),
        Failure::Io(error) => error.kind() != std::io::ErrorKind::TimedOut,
    }
}

fn is_about_the_connection(error: &SqlError) -> bool {
    error.code != "25006" && error.is_about_the_server()
}
