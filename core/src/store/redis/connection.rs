//! A connection to one server, which has said who it is.

use std::io;
use std::time::{Duration, Instant};

use ::redis::{Cmd, Value};
use protocol::error::Error;

use super::commands;
use super::refusal::Refusal;
use super::server_info::{Proof, ServerInfo};
use super::wire::{Reply, Wire, not_redis, number};
use crate::store::remote::address::Address;
use crate::store::remote::pool;
use crate::store::remote::socket::Socket;

/// Time for the reply of a server that stops waiting for its disk or its replicas. It looks at its
/// clock ten times a second.
const MARGIN: Duration = Duration::from_millis(200);

pub(super) struct Connection {
    pub(super) address: Address,
    pub(super) info: ServerInfo,
    pub(super) proof: Proof,
    pub(super) looked_at: Instant,
    pub(super) wire: Wire<Socket>,
    deadline: Instant,
    is_asking: bool,
}

/// Why an operation on a connection failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection is of no use any more. What was sent may have been carried out.
    Broken(io::Error),
    Refused(Refusal),
    /// The server did what it was told, but has not proved in time that it keeps it.
    NotProved,
    /// Anything else, in words.
    Told(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Connection {
    pub(super) fn new(address: Address, wire: Wire<Socket>, info: ServerInfo, deadline: Instant) -> Self {
        Self { address, info, proof: Proof::Reply, looked_at: Instant::now(), wire, deadline, is_asking: false }
    }

    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.wire.stream().set_deadline(deadline);
    }

    /// Whether the commands of this operation are about a key that is moving to this node.
    pub(super) fn set_asking(&mut self, is_asking: bool) {
        self.is_asking = is_asking;
    }

    /// Sends the commands together, and returns their replies.
    pub(super) fn ask<const N: usize>(&mut self, commands: [&Cmd; N]) -> io::Result<[Reply; N]> {
        if !self.is_asking {
            return self.wire.ask(commands);
        }
        // A server takes it for one command only.
        let asking = commands::asking();
        let all: Vec<_> = commands.into_iter().flat_map(|command| [&asking, command]).collect();
        let replies: Vec<_> = self.wire.ask_all(&all)?.into_iter().skip(1).step_by(2).collect();
        Ok(replies.try_into().expect("there is a reply to each command"))
    }

    /// Sends a command that writes, and waits for the proof that the server keeps what it wrote,
    /// unless `has_written` says that it wrote nothing.
    pub(super) fn write(&mut self, write: &Cmd, has_written: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
        let time = self.deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN);
        let wait = match self.proof {
            Proof::Reply => return Ok(self.ask([write])?[0].clone()?),
            Proof::Disk { replicas } => commands::wait_aof(replicas, time),
            Proof::Replicas { replicas } => commands::wait(replicas, time),
        };
        let [written, proved] = self.ask([write, &wait])?;
        let written = written?;
        if has_written(&written) && !self.is_proved(&proved?)? {
            return Err(Failure::NotProved);
        }
        Ok(written)
    }

    fn is_proved(&self, reply: &Value) -> io::Result<bool> {
        match (self.proof, reply) {
            (Proof::Disk { replicas }, Value::Array(counts)) => match counts[..] {
                [Value::Int(disk), Value::Int(others)] => Ok(disk >= 1 && others >= i64::from(replicas)),
                _ => Err(not_redis()),
            },
            (Proof::Replicas { replicas }, reply) => Ok(number(reply).ok_or_else(not_redis)? >= i64::from(replicas)),
            _ => Err(not_redis()),
        }
    }
}

impl pool::Connection for Connection {
    fn is_usable(&mut self) -> bool {
        self.wire.is_even() && self.wire.stream().is_silent()
    }
}
