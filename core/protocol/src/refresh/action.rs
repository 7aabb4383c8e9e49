//! The inputs and outputs of the refresh state machine.

use std::sync::Arc;

use super::local_state::TokenRequirements;
use super::record::{Account, Record, Stored};
use super::reply::{Received, Reply};
use crate::error::{Error, Result};
use crate::openid::identity::{EndedSession, Identity};
use crate::secret::RefreshToken;

/// Who carries out an operation, with the random values that it needs.
#[derive(Clone, Debug, Hash)]
pub struct OperationContext {
    /// Whose login it is.
    pub account: Account,
    /// Random: the owner of the operation's claims.
    pub owner: String,
    /// The id of this process.
    pub process: u32,
    /// When this process started, if the system tells.
    pub started: Option<String>,
    /// Random: this copy of the library in this process.
    pub instance: String,
    /// Random: spreads the retries of processes that wait.
    pub jitter: u8,
    /// How long to wait for other processes, in milliseconds.
    pub patience: u64,
    /// The fingerprint of the client's credentials.
    pub credentials: u64,
    /// How long a request may take, in milliseconds.
    pub request_timeout: u64,
}

/// What an operation is for.
#[derive(Clone, Debug, Hash)]
pub enum Goal {
    /// Read the store.
    Reload,
    /// Refresh the tokens if the requirements call for it.
    Refresh(TokenRequirements),
    /// Refresh the tokens even if they are fresh, or the server rejected them before.
    ForceRefresh,
    /// Exchange an authorization code, and store the new login in place of the old one.
    LogIn {
        /// Random: names the new login.
        grant_id: String,
    },
    /// Store these tokens as a new login.
    Save {
        /// Random: names the new login.
        grant_id: String,
        /// The tokens.
        received: Box<Received>,
    },
    /// Judge the ID token of the last refresh, which was stored without that.
    JudgeIdToken,
    /// End the login, here and at the server.
    LogOut,
    /// End the login here and at the server, and erase its user.
    Forget,
    /// End the login here if its session at the server has ended.
    EndSession(EndedSession),
}

/// The result of the last action.
#[derive(Clone, Debug, Hash)]
pub enum Observation {
    /// The operation begins.
    Begun,
    /// What the store holds.
    Loaded(Option<Stored>),
    /// The record was stored, under this version.
    Stored(String),
    /// The store holds another version than the one expected.
    Conflict,
    /// The store failed; a write may have been carried out.
    StoreFailed(Error),
    /// We hold the lock.
    Locked,
    /// Another process holds the lock.
    LockBusy,
    /// The store has no locks.
    NoLocks,
    /// The wait is over.
    Waited,
    /// We may send a request to the server.
    PermitAcquired {
        /// Other operations were first.
        waited: bool,
    },
    /// The token endpoint's reply.
    Replied(Reply),
    /// The outcome of a revocation.
    Revoked(Result<()>),
    /// What came of the ID token.
    Judged(Judgement),
    /// The waiting callers were told.
    Reported,
}

/// What came of an ID token that was stored before it could be judged.
#[derive(Clone, Debug, Hash)]
pub enum Judgement {
    /// It is good.
    Accepted(Identity),
    /// It is not: the access token beside it must not be handed out.
    Refused(Error),
    /// It still cannot be judged.
    NotYet(Error),
}

/// What to do next.
#[derive(Clone, Debug, Hash)]
pub enum Action {
    /// Read the record.
    Load,
    /// Try to take the lock.
    TryLock,
    /// Store the record if the store still holds the expected version.
    Swap {
        /// The version to replace; `None` if there must be no record.
        expected: Option<String>,
        /// The new record.
        record: Arc<Record>,
    },
    /// Wait for a permit for a request to the server. A wait or a report gives it back.
    AcquirePermit,
    /// Refresh with the token of this record.
    Refresh(Arc<Record>),
    /// Exchange the code of the login.
    Exchange,
    /// Revoke this token.
    Revoke(RefreshToken),
    /// Fetch the server's keys if they are not at hand, and judge the ID token of this record.
    Judge(Arc<Record>),
    /// Wait for this many milliseconds.
    Wait(u64),
    /// Tell the waiting callers, and continue.
    Report(Result<()>),
    /// Tell the waiting callers, and stop. `true` if there are new tokens.
    Finish(Result<bool>),
}
