//! From the server's reply to the stored record.

use std::sync::Arc;

use super::Operation;
use super::step::{Claimed, Step, Verdict};
use crate::error::{Error, ErrorCode};
use crate::refresh::action::{Action, Goal};
use crate::refresh::commit::{committed, rejected};
use crate::refresh::local_state::LocalState;
use crate::refresh::record::{Failure, Record, State, Stored, UNEXPLAINED_REFUSALS};
use crate::refresh::reply::{Received, ReceivedIdToken, Reply};
use crate::time::Moment;

/// How long the former owner of a claim has to store tokens before a rejection counts.
const GRACE_MILLISECONDS: u64 = 2_000;

/// How often a failed write is retried.
const UNSAVED_POLL_MILLISECONDS: u64 = 1_000;

impl Operation {
    pub(super) fn replied(&mut self, mut claimed: Claimed, reply: Reply) -> Action {
        let verdict = match reply {
            Reply::Tokens(received) if self.is_login() => match &received.tokens {
                // A login with a usable refresh token can still obtain an access token.
                Err(error) if received.refresh_token.is_none() || is_about_the_id_token(error) => Verdict::ReleaseClaim(error.clone()),
                // I17: it is not certain who has logged in. The shell has the tokens, and saves
                // them once it is.
                _ if matches!(received.id_token, ReceivedIdToken::Unjudged(_)) => Verdict::ReleaseClaim(not_judged()),
                _ => Verdict::Commit(received),
            },
            Reply::Tokens(received) => Verdict::Commit(received),
            Reply::Rejected(error) if !self.is_login() => Verdict::MarkRejected { error, explained: true },
            Reply::Refused(error) if !self.is_login() && is_final_refusal(&claimed.record, &error) => {
                Verdict::MarkRejected { error: refused_repeatedly(&error), explained: false }
            }
            // I7: replayed once, under the same claim, after another check that it is still ours.
            Reply::ConnectionLost(_) if !self.is_login() && !claimed.is_replay => {
                claimed.is_replay = true;
                return self.verify_claim(claimed);
            }
            Reply::Rejected(error) | Reply::ConnectionLost(error) | Reply::Refused(error) | Reply::OutcomeUnknown(error) => {
                Verdict::ReleaseClaim(error)
            }
        };
        self.reload(claimed, verdict)
    }

    pub(super) fn reload(&mut self, claimed: Claimed, verdict: Verdict) -> Action {
        self.step = Step::Reloading(claimed, verdict);
        Action::Load
    }

    /// Applies the verdict to the record that is stored now.
    pub(super) fn apply(
        &mut self,
        claimed: Claimed,
        verdict: Verdict,
        local: &mut LocalState,
        found: Option<Stored>,
        now: Moment,
    ) -> Action {
        // Remembered, so that it is restored if the store loses it now.
        if found.as_ref().is_some_and(|found| found.record.is_logged_out()) && !self.is_login() {
            local.loaded(found.as_ref(), now);
        }
        match &verdict {
            // The write was carried out although the store reported a failure, or another call has
            // saved the same login. What happened to the record since then stays.
            Verdict::Commit(_) if found.as_ref().is_some_and(|found| self.has_stored_our_login(&found.record)) => {
                self.refreshed = true;
                self.discard(local, found.as_ref(), now)
            }
            Verdict::Commit(received) => {
                // The old login is worth more than one without a usable access token.
                if let Err(error) = &received.tokens
                    && self.is_login()
                    && found.as_ref().is_some_and(|found| found.record.is_active())
                {
                    let verdict = Verdict::ReleaseClaim(error.clone());
                    return self.apply(claimed, verdict, local, found, now);
                }
                match self.next_record(&claimed, received, local, found.as_ref()) {
                    Some(record) => self.write(claimed, verdict, record, found),
                    None => self.discard(local, found.as_ref(), now),
                }
            }
            Verdict::MarkRejected { error, explained } => match &found {
                // I6: only what was sent, and is still stored.
                Some(stored) if stored.record.same_revision(&claimed.record) => {
                    if std::mem::take(&mut self.took_over) {
                        self.step = Step::AwaitingFormerOwner(claimed, verdict);
                        return Action::Wait(GRACE_MILLISECONDS);
                    }
                    let before = stored.record.failure.as_ref();
                    let failure = (!explained)
                        .then(|| Failure::after_final_refusal(before, error, self.context.credentials, now, self.context.jitter));
                    let record = Record { failure, ..rejected(&stored.record, error) };
                    self.write(claimed, verdict, record, found)
                }
                // Another process was faster, or the store lost a write: start over with what is
                // stored now.
                _ => self.evaluate(local, found, now),
            },
            Verdict::ReleaseClaim(error) => match &found {
                Some(stored) if self.may_release(&claimed.record, &stored.record) => {
                    let record = self.released(&stored.record, error, now);
                    self.write(claimed, verdict, record, found)
                }
                _ => {
                    let error = error.clone();
                    local.loaded(found.as_ref(), now);
                    self.finish(local, Err(error))
                }
            },
        }
    }

    fn write(&mut self, claimed: Claimed, verdict: Verdict, record: Record, found: Option<Stored>) -> Action {
        let record = Arc::new(record);
        self.step = Step::Writing(claimed, verdict, Arc::clone(&record));
        Action::Swap { expected: found.map(|found| found.version), record }
    }

    /// The record is stored; only now are callers told (I2).
    pub(super) fn written(&mut self, claimed: &Claimed, verdict: Verdict, stored: Stored, local: &mut LocalState, now: Moment) -> Action {
        let is_logged_out = stored.record.is_logged_out();
        let is_newest = local.wrote(stored, now);
        match verdict {
            Verdict::Commit(_) if is_logged_out => self.finish(local, Ok(())),
            Verdict::Commit(received) => {
                if is_newest {
                    self.note_token_age(&received, local);
                }
                if self.forced_generation.is_some() || local.is_invalidated(&claimed.record) {
                    local.note_forced_refresh(now);
                }
                self.refreshed = received.tokens.is_ok();
                self.finish(local, received.tokens.map(|_| ()))
            }
            Verdict::MarkRejected { .. } => self.finish(local, Ok(())),
            Verdict::ReleaseClaim(error) => self.finish(local, Err(error)),
        }
    }

    /// Without usable tokens the old access token stays, with its age. Tokens that are saved may be
    /// from another process: only the wall clock tells their age (I12).
    fn note_token_age(&self, received: &Received, local: &mut LocalState) {
        if received.tokens.is_ok() && !matches!(self.goal, Goal::Save { .. }) {
            local.set_token_age(received.sent);
        }
    }

    /// The tokens arrived but the store rejected the write. They are kept in memory, handed out as
    /// unsaved, and written as soon as the store accepts them (I2, I4).
    pub(super) fn write_failed(&mut self, claimed: Claimed, verdict: Verdict, error: Error, local: &mut LocalState, now: Moment) -> Action {
        let report = match &verdict {
            Verdict::Commit(_) if local.is_unsaved() => Err(unsaved(&error)),
            Verdict::Commit(received) => {
                let found = local.stored().cloned();
                let Some(record) = self.next_record(&claimed, received, local, found.as_ref()) else {
                    return self.finish(local, Err(error));
                };
                let outcome = received.tokens.clone().map(|_| ());
                local.hold_unsaved(record, now);
                self.note_token_age(received, local);
                self.refreshed = outcome.is_ok();
                // A caller that saves tokens has them already, and must know that the store does
                // not.
                if matches!(self.goal, Goal::Save { .. }) { Err(unsaved(&error)) } else { outcome }
            }
            Verdict::MarkRejected { error: cause, .. } | Verdict::ReleaseClaim(cause) => {
                let cause = cause.clone();
                return self.finish(local, Err(cause));
            }
        };
        self.step = Step::RetryingWrite(claimed, verdict);
        Action::Report(report)
    }

    pub(super) fn wait_to_retry(&mut self, claimed: Claimed, verdict: Verdict) -> Action {
        self.step = Step::RetryingWrite(claimed, verdict);
        Action::Wait(UNSAVED_POLL_MILLISECONDS)
    }

    /// Discards the tokens: the account now holds a different login, newer tokens, or none.
    fn discard(&mut self, local: &mut LocalState, found: Option<&Stored>, now: Moment) -> Action {
        local.loaded(found, now);
        self.finish(local, Ok(()))
    }

    /// Whether the record is our login, or one that replaced it.
    fn has_stored_our_login(&self, record: &Record) -> bool {
        let (Goal::LogIn { grant_id } | Goal::Save { grant_id, .. }) = &self.goal else { return false };
        *grant_id == record.grant_id || record.previous_grant_id.as_ref() == Some(grant_id)
    }

    /// The record to store in place of the one found; `None` if that one stays.
    fn next_record(&self, claimed: &Claimed, received: &Received, local: &LocalState, found: Option<&Stored>) -> Option<Record> {
        match &self.goal {
            Goal::LogIn { grant_id } | Goal::Save { grant_id, .. } => Some(self.new_login(grant_id, received, local, found)),
            _ => committed(&claimed.record, received, local, found, &self.context),
        }
    }

    /// A login takes the place of whatever is stored, under a higher generation (I3).
    fn new_login(&self, grant_id: &str, received: &Received, local: &LocalState, found: Option<&Stored>) -> Record {
        let before = found.map(|found| &*found.record).or(local.record());
        let generation = before.map_or(0, |before| before.generation).max(local.record().map_or(0, |record| record.generation));
        let previous_grant_id = before.map(|before| before.grant_id.clone());
        Record {
            grant_id: grant_id.to_owned(),
            previous_grant_id: previous_grant_id.filter(|previous| !previous.is_empty() && previous != grant_id),
            generation: generation + 1,
            state: State::Active,
            refresh_token: received.refresh_token.clone(),
            tokens: received.tokens.clone().ok(),
            sent_at: received.sent.wall,
            identity: match &received.id_token {
                ReceivedIdToken::Accepted(identity) => Some(identity.clone().into()),
                ReceivedIdToken::Absent | ReceivedIdToken::Unjudged(_) => None,
            },
            ..Record::empty(self.context.account.clone())
        }
    }

    /// We may release the claim if it is ours, or if it is already gone and nothing else changed.
    fn may_release(&self, claimed: &Record, stored: &Record) -> bool {
        stored.claimed_by(&self.context.owner) || (stored.claim.is_none() && stored.same_revision(claimed) && stored.state == claimed.state)
    }

    /// The record without our claim, and with the failure. All credentials stay (I5).
    fn released(&self, stored: &Record, error: &Error, now: Moment) -> Record {
        let mut record = stored.clone();
        record.claim = self.overtaken_claim.clone().filter(|_| stored.claimed_by(&self.context.owner));
        if !self.is_login() && !stored.is_logged_out() {
            let mut failure = Failure::after(stored.failure.as_ref(), error, self.context.credentials, now, self.context.jitter);
            // A login that was rejected without a reason stays worth another try.
            let unexplained = stored.failure.as_ref().filter(|_| !stored.is_active()).map_or(0, |failure| failure.unexplained);
            failure.unexplained = failure.unexplained.max(unexplained);
            record.failure = Some(failure);
        }
        record
    }
}

/// Whether it is not certain who has logged in.
fn is_about_the_id_token(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::IdToken | ErrorCode::NonceMismatch | ErrorCode::IssuerMismatch | ErrorCode::Unsupported)
}

fn is_final_refusal(record: &Record, error: &Error) -> bool {
    let before = record.failure.as_ref().map_or(0, |failure| failure.unexplained);
    error.is_unexplained_refusal() && before + 1 >= UNEXPLAINED_REFUSALS
}

fn refused_repeatedly(error: &Error) -> Error {
    let message = format!("the server has refused this login {UNEXPLAINED_REFUSALS} times without a reason; log in again");
    let required = Error::new(ErrorCode::LoginRequired, message);
    match error.status() {
        Some(status) => required.with_status(status),
        None => required,
    }
}

/// What a login ends with whose ID token cannot be judged at once.
fn not_judged() -> Error {
    Error::new(ErrorCode::ServerUnavailable, "the server's keys could not be fetched, so the ID token is not verified yet; try again later")
}

fn unsaved(cause: &Error) -> Error {
    let message = format!(
        "new tokens are held in memory because they cannot be saved ({cause}); fix the store before the process exits, \
         the write is retried every second"
    );
    Error::new(ErrorCode::Unsaved, message)
}
