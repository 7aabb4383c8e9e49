//! The steps of an operation.

use std::sync::Arc;

use crate::error::Error;
use crate::refresh::action::Judgement;
use crate::refresh::record::{Record, Stored};
use crate::refresh::reply::Received;
use crate::time::Age;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lock {
    Untried,
    Held,
    /// The store has no locks, or a login could not wait for the lock any longer.
    Without,
}

/// What the operation is waiting for.
#[derive(Clone, Debug, Hash)]
pub(super) enum Step {
    Starting,
    Loading,
    Locking,
    Pausing,
    /// Writing again what the store lost.
    Restoring(Arc<Record>),
    /// Replacing a claim whose lease has expired by our own.
    TakingOver(Arc<Record>),
    /// Waiting for a permit before claiming: a claim must not age in a queue.
    AwaitingPermit(Option<Stored>),
    /// Writing our claim. Its age counts from before the write, as others may see it from then on.
    Claiming(Arc<Record>, Age),
    /// Loading just before the first byte is sent.
    VerifyingClaim(Claimed),
    /// Removing our claim from a tombstone.
    ReleasingTombstone(Arc<Record>),
    Requesting(Claimed),
    /// Loading the record that the verdict is to be applied to.
    Reloading(Claimed, Verdict),
    Writing(Claimed, Verdict, Arc<Record>),
    /// Waiting before a failed write is retried.
    RetryingWrite(Claimed, Verdict),
    /// Waiting for the former owner of our claim to store tokens.
    AwaitingFormerOwner(Claimed, Verdict),
    WritingTombstone(Arc<Record>),
    /// Waiting until no refresh of the login that was logged out can be in flight.
    AwaitingRefresh,
    AwaitingRevocationPermit,
    /// Loading just before the revocation is sent.
    VerifyingTombstone,
    Revoking(Stored),
    /// Removing the refresh token from the tombstone.
    ClearingToken,
    /// Erasing the user from the tombstone.
    Erasing(Arc<Record>),
    /// Writing the tombstone of a session that has ended at the server.
    EndingSession(Arc<Record>),
    /// Judging the ID token of this record.
    Judging(Arc<Record>),
    /// Loading the record that the judgement is about.
    ReloadingJudged(Arc<Record>, Judgement),
    WritingJudgement(Arc<Record>, Judgement, Arc<Record>),
    Done,
}

/// The claim that a request is sent under.
#[derive(Clone, Debug, Hash)]
pub(super) struct Claimed {
    pub(super) version: String,
    pub(super) record: Arc<Record>,
    pub(super) age: Age,
    /// The request repeats one whose connection was lost.
    pub(super) is_replay: bool,
}

/// What a reply calls for.
#[derive(Clone, Debug, Hash)]
pub(super) enum Verdict {
    /// Store the tokens.
    Commit(Box<Received>),
    /// Mark the login as rejected: the server gave a reason, or refused repeatedly without one.
    MarkRejected { error: Error, explained: bool },
    /// Keep the tokens, and store when to try again.
    ReleaseClaim(Error),
}
