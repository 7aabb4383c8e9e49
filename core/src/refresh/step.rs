//! The words between a flight and the world: what it is for, what it has done, and what came of that.

use std::sync::Arc;

use super::answer::{Received, Reply};
use super::known::Demand;
use super::record::{Account, Record, Stored};
use crate::error::{Error, Result};
use crate::secret::RefreshToken;

/// What a flight is drawn for: who it is, before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) account: Account,
    /// Random.
    pub(crate) owner: String,
    pub(crate) process: u32,
    /// When this process started, where the system tells.
    pub(crate) started: Option<String>,
    /// Random, of this copy of the library in this process.
    pub(crate) instance: String,
    /// Random: spreads those who wait.
    pub(crate) dice: u8,
    /// How long to wait for others, in milliseconds.
    pub(crate) patience: u64,
    /// Stands for the client's credentials.
    pub(crate) credentials: u64,
    /// How long a request may take, in milliseconds.
    pub(crate) request_timeout: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Goal {
    /// See what is there.
    Look,
    /// Renew the tokens, when they need it.
    Renew(Demand),
    /// Renew the tokens also when they are fresh, or the server refused them before.
    Force,
    /// Put a new login in the place of what is there, by exchanging a code.
    LogIn { grant_id: String },
    /// Put these tokens there, as a new login.
    Save { grant_id: String, received: Box<Received> },
    /// End the login, here and at the server.
    LogOut,
}

/// What came of the last action.
#[derive(Clone, Debug)]
pub(crate) enum Observation {
    Begun,
    Loaded(Option<Stored>),
    /// It was stored, under this version.
    Stored(String),
    /// Something else was there.
    Conflict,
    /// The store failed: a write may have happened or not.
    StoreFailed(Error),
    Locked,
    LockBusy,
    /// The store has no locks.
    NoLocks,
    Waited,
    /// It is our turn at the server; `waited`: others had theirs first.
    Turn {
        waited: bool,
    },
    Answered(Reply),
    Revoked(Result<()>),
    Told,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Load,
    TryLock,
    /// Put the record where `expected` is the version that is there.
    Swap {
        expected: Option<String>,
        record: Arc<Record>,
    },
    /// Wait for a turn at the server. A wait or a word to those who wait gives it back.
    TakeTurn,
    /// Refresh with this token.
    Refresh(Arc<Record>),
    /// Exchange the code that this flight is for.
    Exchange,
    Revoke(RefreshToken),
    /// Wait for so many milliseconds.
    Wait(u64),
    /// Tell who waits, and go on.
    Tell(Result<()>),
    /// Tell who waits, and be done. `true`: there are new tokens.
    End(Result<bool>),
}
