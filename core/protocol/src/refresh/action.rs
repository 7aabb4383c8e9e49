//! The words between a flight and the world: what it is for, what it has done, and what came of that.

use std::sync::Arc;

use super::local_state::TokenRequirements;
use super::record::{Account, Record, Stored};
use super::reply::{Received, Reply};
use crate::error::{Error, Result};
use crate::secret::RefreshToken;

/// What a flight is drawn for: who it is, before it begins.
#[derive(Clone, Debug, Hash)]
pub struct OperationContext {
    pub account: Account,
    /// Random.
    pub owner: String,
    pub process: u32,
    /// When this process started, where the system tells.
    pub started: Option<String>,
    /// Random, of this copy of the library in this process.
    pub instance: String,
    /// Random: spreads those who wait.
    pub jitter: u8,
    /// How long to wait for others, in milliseconds.
    pub patience: u64,
    /// Stands for the client's credentials.
    pub credentials: u64,
    /// How long a request may take, in milliseconds.
    pub request_timeout: u64,
}

#[derive(Clone, Debug, Hash)]
pub enum Goal {
    /// See what is there.
    Reload,
    /// Renew the tokens, when they need it.
    Refresh(TokenRequirements),
    /// Renew the tokens also when they are fresh, or the server refused them before.
    ForceRefresh,
    /// Put a new login in the place of what is there, by exchanging a code.
    LogIn { grant_id: String },
    /// Put these tokens there, as a new login.
    Save { grant_id: String, received: Box<Received> },
    /// End the login, here and at the server.
    LogOut,
}

/// What came of the last action.
#[derive(Clone, Debug, Hash)]
pub enum Observation {
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
    PermitAcquired {
        waited: bool,
    },
    Replied(Reply),
    Revoked(Result<()>),
    Reported,
}

#[derive(Clone, Debug, Hash)]
pub enum Action {
    Load,
    TryLock,
    /// Put the record where `expected` is the version that is there.
    Swap {
        expected: Option<String>,
        record: Arc<Record>,
    },
    /// Wait for a turn at the server. A wait or a word to those who wait gives it back.
    AcquirePermit,
    /// Refresh with this token.
    Refresh(Arc<Record>),
    /// Exchange the code that this flight is for.
    Exchange,
    Revoke(RefreshToken),
    /// Wait for so many milliseconds.
    Wait(u64),
    /// Tell who waits, and go on.
    Report(Result<()>),
    /// Tell who waits, and be done. `true`: there are new tokens.
    Finish(Result<bool>),
}
