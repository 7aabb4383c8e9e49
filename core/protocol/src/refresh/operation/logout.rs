//! The end of a login: the tombstone first, then the server, then the removal of the refresh token.

use std::sync::Arc;

use super::step::{Lock, Step};
use super::{CLAIM_POLL_MILLISECONDS, Operation};
use crate::error::{Error, ErrorCode, Result};
use crate::refresh::action::{Action, Goal};
use crate::refresh::local_state::LocalState;
use crate::refresh::record::{Record, State, Stored};
use crate::time::Moment;

impl Operation {
    /// Writes the tombstone at once, even during another process's refresh. No token of the login
    /// is handed out after that (I9).
    pub(super) fn begin_logout(&mut self, local: &mut LocalState, found: Option<Stored>) -> Action {
        let Some(found) = found else { return self.finish(local, Ok(())) };
        if found.record.is_logged_out() {
            return if found.record.refresh_token.is_some() { self.await_refresh() } else { self.logged_out(&found, local) };
        }
        let tombstone = Arc::new(tombstone(&found.record));
        self.step = Step::WritingTombstone(Arc::clone(&tombstone));
        Action::Swap { expected: Some(found.version), record: tombstone }
    }

    /// The server has ended the session itself: there is nothing to revoke. A newer login, or one
    /// of another session, stays (I18).
    pub(super) fn end_session(&mut self, local: &mut LocalState, found: Option<Stored>) -> Action {
        let has_ended = |record: &Record| match (&self.goal, &record.identity) {
            (Goal::EndSession(ended), Some(identity)) => !record.is_absent() && ended.is_of(identity),
            _ => false,
        };
        let Some(found) = found.filter(|found| has_ended(&found.record)) else { return self.finish(local, Ok(())) };
        if found.record.is_logged_out() {
            // Perhaps by an earlier attempt, which could not tell its caller.
            self.refreshed = true;
            return self.finish(local, Ok(()));
        }
        // No logout has to wait for a refresh in progress. A login in progress keeps its claim.
        let claim = found.record.claim.clone().filter(|claim| claim.login);
        let tombstone = Arc::new(Record { refresh_token: None, claim, ..tombstone(&found.record) });
        self.step = Step::EndingSession(Arc::clone(&tombstone));
        Action::Swap { expected: Some(found.version), record: tombstone }
    }

    pub(super) fn await_refresh(&mut self) -> Action {
        self.step = Step::AwaitingRefresh;
        match self.lock {
            Lock::Untried => Action::TryLock,
            Lock::Held | Lock::Without => self.verify_tombstone(),
        }
    }

    pub(super) fn wait_for_refresh(&mut self, now: Moment, poll: u64) -> Action {
        if now.mono >= self.deadline {
            self.step = Step::Done;
            return Action::Finish(Err(not_finished()));
        }
        self.step = Step::AwaitingRefresh;
        Action::Wait(self.with_jitter(poll).min(self.deadline - now.mono))
    }

    pub(super) fn verify_tombstone(&mut self) -> Action {
        if !self.has_permit {
            self.step = Step::AwaitingRevocationPermit;
            return Action::AcquirePermit;
        }
        self.step = Step::VerifyingTombstone;
        Action::Load
    }

    /// Revokes the token of our tombstone, and no other: by now the record may be a new login in
    /// the same session. A refresh that may be in flight is waited for (I15).
    pub(super) fn revoke(&mut self, local: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        if let Some(record) = local.record_to_restore(found.as_ref().map(|found| &*found.record)) {
            return self.restore(record, found);
        }
        local.loaded(found.as_ref(), now);
        let Some(tombstone) = found.filter(|found| found.record.is_logged_out()) else { return self.finish(local, Ok(())) };
        let Some(token) = tombstone.record.refresh_token.clone() else { return self.logged_out(&tombstone, local) };
        if let Some(claim) = &tombstone.record.claim
            && !self.is_orphan(&tombstone, claim, local)
            && !local.has_watched(&tombstone.version, claim.lease_milliseconds, now)
        {
            return self.wait_for_refresh(now, CLAIM_POLL_MILLISECONDS);
        }
        self.step = Step::Revoking(tombstone);
        Action::Revoke(token)
    }

    /// Removes the refresh token only once the server has confirmed (I5, I14).
    pub(super) fn revoked(&mut self, tombstone: &Stored, outcome: Result<()>, local: &mut LocalState) -> Action {
        if let Err(error) = outcome {
            self.step = Step::Done;
            return Action::Finish(Err(error));
        }
        if matches!(self.goal, Goal::Forget) {
            return self.logged_out(tombstone, local);
        }
        self.step = Step::ClearingToken;
        let record = Record { refresh_token: None, claim: None, ..(*tombstone.record).clone() };
        Action::Swap { expected: Some(tombstone.version.clone()), record: record.into() }
    }

    /// Nothing is left to revoke. To forget the user, the tombstone is erased as well.
    fn logged_out(&mut self, tombstone: &Stored, local: &mut LocalState) -> Action {
        if !matches!(self.goal, Goal::Forget) || tombstone.record.is_absent() {
            return self.finish(local, Ok(()));
        }
        let record = Arc::new(tombstone.record.erased());
        self.step = Step::Erasing(Arc::clone(&record));
        Action::Swap { expected: Some(tombstone.version.clone()), record }
    }
}

/// The record of the login once it is logged out.
fn tombstone(record: &Record) -> Record {
    Record { state: State::LoggedOut, tokens: None, unjudged: None, failure: None, ..record.clone() }
}

fn not_finished() -> Error {
    Error::new(
        ErrorCode::Busy,
        "this account is logged out here, but a refresh in progress did not finish in time; \
         call logout again to end the login at the server",
    )
}
