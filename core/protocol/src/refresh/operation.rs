//! Every decision of a refresh, a login and a logout: the last observation in, the next action out.
//!
//! The state machine knows no clock, socket or file. `docs/refresh-protocol.md` shows its steps and
//! transitions, and explains the invariants that the comments name by number.

mod judgement;
mod logout;
mod step;
mod verdict;

use std::sync::Arc;

use self::judgement::outcome_of;
use self::step::{Claimed, Lock, Step, Verdict};
use super::action::{Action, Goal, Observation, OperationContext};
use super::local_state::{LocalState, TokenRequirements, no_refresh_token};
use super::record::{CLAIM_MAX_AGE_MILLISECONDS, Claim, Record, Stored, lease};
use crate::error::{Error, ErrorCode, Result};
use crate::time::{Age, Moment};

/// How long a login waits for another process's refresh: authorization codes expire quickly.
const LOGIN_PATIENCE_MILLISECONDS: u64 = 10_000;

/// After the takeover of a claim, how long the former owner has to store the tokens that it may
/// hold: it retries every second, and the takeover has shown that the store accepts writes.
const TAKEOVER_MILLISECONDS: u64 = 5_000;

/// How often a lock is tried: at first, and after a while.
const LOCK_POLL_MILLISECONDS: u64 = 20;
const LONGEST_LOCK_POLL_MILLISECONDS: u64 = 160;

/// How often another process's claim is loaded while waiting for its end.
const CLAIM_POLL_MILLISECONDS: u64 = 250;

/// One operation on one key, from its start to its end.
#[derive(Clone, Debug, Hash)]
pub struct Operation {
    goal: Goal,
    context: OperationContext,
    step: Step,
    started_at: u64,
    /// When `decide` was last called.
    now: Moment,
    lock: Lock,
    /// When to stop waiting for other processes.
    deadline: u64,
    /// The generation that a forced refresh is to replace.
    forced_generation: Option<u64>,
    /// A claim was taken over whose owner may have been about to succeed.
    took_over: bool,
    /// The claim that a login stopped waiting for. Its owner may still have a request in flight.
    overtaken_claim: Option<Claim>,
    /// We hold a permit for a request to the server, which limits how many run at once.
    has_permit: bool,
    /// A write has failed in this operation.
    has_write_failed: bool,
    refreshed: bool,
}

impl Operation {
    /// An operation that begins now.
    pub fn new(goal: Goal, context: OperationContext, now: Moment) -> Self {
        let patience = match goal {
            Goal::LogIn { .. } | Goal::Save { .. } => context.patience.min(LOGIN_PATIENCE_MILLISECONDS),
            _ => context.patience,
        };
        Self {
            goal,
            context,
            step: Step::Starting,
            started_at: now.mono,
            now,
            lock: Lock::Untried,
            deadline: now.mono.saturating_add(patience),
            forced_generation: None,
            took_over: false,
            overtaken_claim: None,
            has_permit: false,
            has_write_failed: false,
            refreshed: false,
        }
    }

    /// The next action. Updates `local`, the state that this process holds of the key.
    pub fn decide(&mut self, local: &mut LocalState, observation: Observation, now: Moment) -> Action {
        self.now = now;
        let action = self.next(local, observation, now);
        if matches!(action, Action::Wait(_) | Action::Report(_)) {
            self.has_permit = false;
        }
        action
    }

    fn next(&mut self, local: &mut LocalState, observation: Observation, now: Moment) -> Action {
        match (std::mem::replace(&mut self.step, Step::Done), observation) {
            (Step::Starting, Observation::Begun) => self.load(),
            (Step::Loading, Observation::Loaded(found)) => self.evaluate(local, found, now),
            (Step::Locking, Observation::Locked) => {
                self.lock = Lock::Held;
                self.load()
            }
            (Step::Locking, Observation::NoLocks) => {
                self.lock = Lock::Without;
                self.load()
            }
            (Step::Locking, Observation::LockBusy) => self.lock_busy(local, now),
            (Step::Pausing, Observation::Waited) => self.load(),
            (Step::Restoring(record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.load()
            }
            (Step::TakingOver(record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.pause(TAKEOVER_MILLISECONDS)
            }
            (Step::AwaitingPermit(found), Observation::PermitAcquired { waited }) => {
                self.has_permit = true;
                if waited { self.load() } else { self.claim(local, found, now) }
            }
            (Step::Restoring(_) | Step::TakingOver(_) | Step::Claiming(..) | Step::WritingTombstone(_), Observation::Conflict) => {
                self.load()
            }
            (Step::Claiming(record, age), Observation::Stored(version)) => {
                local.wrote(Stored::new(version.clone(), Arc::clone(&record)), now);
                self.verify_claim(Claimed { version, record, age, is_replay: false })
            }
            // The next load shows whether the write was carried out.
            (Step::Claiming(..), Observation::StoreFailed(_)) if self.is_first_write_failure() => self.load(),
            (Step::VerifyingClaim(claimed), Observation::Loaded(found)) => self.send_if_still_ours(claimed, local, found, now),
            (Step::ReleasingTombstone(record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.finish(local, Ok(()))
            }
            (Step::ReleasingTombstone(_), Observation::Conflict) => self.load(),
            (Step::Requesting(claimed), Observation::Replied(reply)) => self.replied(claimed, reply),
            (Step::Reloading(claimed, verdict), Observation::Loaded(found)) => self.apply(claimed, verdict, local, found, now),
            (Step::Writing(claimed, verdict, record), Observation::Stored(version)) => {
                self.written(&claimed, verdict, Stored::new(version, record), local, now)
            }
            (Step::Writing(claimed, verdict, _), Observation::Conflict) => self.reload(claimed, verdict),
            (Step::Writing(claimed, verdict, _), Observation::StoreFailed(_)) if self.is_first_write_failure() => {
                self.reload(claimed, verdict)
            }
            (Step::Reloading(claimed, verdict) | Step::Writing(claimed, verdict, _), Observation::StoreFailed(error)) => {
                self.write_failed(claimed, verdict, error, local, now)
            }
            (Step::RetryingWrite(claimed, verdict), Observation::Reported) => self.wait_to_retry(claimed, verdict),
            (Step::RetryingWrite(claimed, verdict) | Step::AwaitingFormerOwner(claimed, verdict), Observation::Waited) => {
                self.reload(claimed, verdict)
            }
            (Step::WritingTombstone(record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.await_refresh()
            }
            (Step::AwaitingRefresh, Observation::Locked) => {
                self.lock = Lock::Held;
                self.verify_tombstone()
            }
            (Step::AwaitingRefresh, Observation::NoLocks) => {
                self.lock = Lock::Without;
                self.verify_tombstone()
            }
            (Step::AwaitingRefresh, Observation::LockBusy) => {
                let poll = self.lock_poll_interval(now);
                self.wait_for_refresh(now, poll)
            }
            (Step::AwaitingRefresh, Observation::Waited) => self.await_refresh(),
            (Step::AwaitingRevocationPermit, Observation::PermitAcquired { .. }) => {
                self.has_permit = true;
                self.verify_tombstone()
            }
            (Step::VerifyingTombstone, Observation::Loaded(found)) => self.revoke(local, found, now),
            (Step::Revoking(tombstone), Observation::Revoked(outcome)) => self.revoked(&tombstone, outcome, local),
            (Step::ClearingToken, Observation::Stored(_)) => self.finish(local, Ok(())),
            // There is a new login or a newer token.
            (Step::ClearingToken, Observation::Conflict) => self.verify_tombstone(),
            (Step::Erasing(record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.finish(local, Ok(()))
            }
            (Step::Erasing(_), Observation::Conflict) => self.await_refresh(),
            (Step::EndingSession(record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.refreshed = true;
                self.finish(local, Ok(()))
            }
            (Step::EndingSession(_), Observation::Conflict) => self.load(),
            (Step::Judging(record), Observation::Judged(judgement)) => self.judged(record, judgement, local),
            (Step::ReloadingJudged(judged, judgement), Observation::Loaded(found)) => {
                self.apply_judgement(judged, judgement, local, found, now)
            }
            (Step::WritingJudgement(_, judgement, record), Observation::Stored(version)) => {
                local.wrote(Stored::new(version, record), now);
                self.finish(local, outcome_of(judgement))
            }
            (Step::WritingJudgement(judged, judgement, _), Observation::Conflict) => self.reload_judged(judged, judgement),
            (_, Observation::StoreFailed(error)) => {
                local.store_failed(&error, now, self.context.jitter);
                self.finish(local, Err(error))
            }
            (step, observation) => {
                debug_assert!(false, "{observation:?} does not follow {step:?}");
                self.finish(local, Err(Error::caught_panic("a refresh")))
            }
        }
    }

    fn is_first_write_failure(&mut self) -> bool {
        !std::mem::replace(&mut self.has_write_failed, true)
    }

    fn load(&mut self) -> Action {
        self.step = Step::Loading;
        Action::Load
    }

    /// Decides what to do about the record that was found: finish, wait, or claim.
    fn evaluate(&mut self, local: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        // I3, I9: a store that lost a write does not bring back an older token set or an ended
        // login.
        if let Some(record) = local.record_to_restore(found.as_ref().map(|found| &*found.record)) {
            return self.restore(record, found);
        }
        local.loaded(found.as_ref(), now);
        match &self.goal {
            Goal::Reload => return self.finish(local, Ok(())),
            Goal::JudgeIdToken => return self.begin_judgement(local, found),
            Goal::LogOut | Goal::Forget => return self.begin_logout(local, found),
            Goal::EndSession(_) => return self.end_session(local, found),
            Goal::Refresh { .. } | Goal::ForceRefresh => {
                if let Some(action) = self.finish_if_unneeded(local, found.as_ref(), now) {
                    return action;
                }
            }
            Goal::LogIn { .. } | Goal::Save { .. } => {}
        }
        if self.lock == Lock::Untried {
            self.step = Step::Locking;
            return Action::TryLock;
        }
        if let Some(action) = self.wait_for_claim(local, found.as_ref(), now) {
            return action;
        }
        if !self.has_permit && !matches!(self.goal, Goal::Save { .. }) {
            self.step = Step::AwaitingPermit(found);
            return Action::AcquirePermit;
        }
        self.claim(local, found, now)
    }

    fn restore(&mut self, record: Record, found: Option<Stored>) -> Action {
        let record = Arc::new(record);
        self.step = Step::Restoring(Arc::clone(&record));
        Action::Swap { expected: found.map(|found| found.version), record }
    }

    /// For a refresh, what the record found calls for instead of a request: an end or a wait.
    fn finish_if_unneeded(&mut self, local: &mut LocalState, found: Option<&Stored>, now: Moment) -> Option<Action> {
        let Some(record) = found.map(|found| &*found.record) else { return Some(self.finish(local, Ok(()))) };
        let requirements = self.requirements();
        let forced = requirements.is_none() && *self.forced_generation.get_or_insert(record.generation) == record.generation;
        let is_rejected = !record.is_active() && !record.may_be_retried(self.context.credentials, now);
        // I10: a token that another operation has refreshed meanwhile is not refreshed again.
        if record.is_logged_out() || (!forced && (is_rejected || local.is_fresh(requirements.unwrap_or_default(), now))) {
            return Some(self.finish(local, Ok(())));
        }
        if record.refresh_token.is_none() {
            let outcome = if forced { Err(no_refresh_token()) } else { Ok(()) };
            return Some(self.finish(local, outcome));
        }
        // I7: a request that may still be in flight is not repeated before its wait is over, even
        // by force.
        let failure = record.failure.as_ref().filter(|failure| !forced || failure.outcome_unknown);
        let (failure, left) = failure.and_then(|failure| Some((failure, failure.wait_left(self.context.credentials, now)?)))?;
        if !forced && local.is_usable(requirements.unwrap_or_default(), now) {
            return Some(self.finish(local, Ok(())));
        }
        if failure.needs_correction() || now.mono.saturating_add(left) > self.deadline {
            let error = failure.reason.error();
            return Some(self.finish(local, Err(error)));
        }
        Some(self.pause(left))
    }

    /// The requirements of a refresh that is not forced.
    fn requirements(&self) -> Option<TokenRequirements> {
        match &self.goal {
            Goal::Refresh(requirements) => Some(*requirements),
            _ => None,
        }
    }

    /// The wait for another operation's claim, while it counts (I7).
    fn wait_for_claim(&mut self, local: &mut LocalState, found: Option<&Stored>, now: Moment) -> Option<Action> {
        let found = found?;
        let claim = found.record.claim.as_ref().filter(|claim| claim.owner != self.context.owner)?;
        let is_orphan = self.is_orphan(found, claim, local);
        if is_orphan || local.has_watched(&found.version, claim.lease_milliseconds, now) {
            self.took_over = true;
            // A login does not depend on the tokens that the owner may still store.
            return (!is_orphan && !self.is_login()).then(|| self.take_over(local, found));
        }
        if self.is_login() && now.mono >= self.deadline {
            self.overtaken_claim = Some(claim.clone());
            return None;
        }
        Some(self.wait_until_deadline(local, CLAIM_POLL_MILLISECONDS, now))
    }

    /// Replaces the claim of an owner that may still be alive. If it holds tokens that it could not
    /// store, it now stores them over our claim (I4).
    fn take_over(&mut self, local: &mut LocalState, found: &Stored) -> Action {
        let record = self.with_our_claim((*found.record).clone(), true, local);
        self.step = Step::TakingOver(Arc::clone(&record));
        Action::Swap { expected: Some(found.version.clone()), record }
    }

    /// Whether the owner of a claim has certainly ended (I8).
    ///
    /// The claims of this instance are known. For one made under the lock, we must hold the lock
    /// and its process must have exited: a process can lose a lock and live on. A claim that took
    /// over another stands for that one's owner, too.
    fn is_orphan(&self, found: &Stored, claim: &Claim, local: &LocalState) -> bool {
        if claim.took_over {
            return false;
        }
        if claim.instance == self.context.instance {
            return !local.has_open_claim(&claim.owner);
        }
        self.lock == Lock::Held && claim.locked && found.owner_has_exited
    }

    fn lock_busy(&mut self, local: &mut LocalState, now: Moment) -> Action {
        if self.is_login() && now.mono >= self.deadline {
            self.lock = Lock::Without;
            return self.load();
        }
        let poll = self.lock_poll_interval(now);
        self.wait_until_deadline(local, poll, now)
    }

    /// Grows with the wait, as each try also loads from the store.
    fn lock_poll_interval(&self, now: Moment) -> u64 {
        (now.mono.saturating_sub(self.started_at) / 4).clamp(LOCK_POLL_MILLISECONDS, LONGEST_LOCK_POLL_MILLISECONDS)
    }

    fn wait_until_deadline(&mut self, local: &mut LocalState, poll: u64, now: Moment) -> Action {
        // I13: nobody waits for another process while the token at hand will do.
        if let Some(requirements) = self.requirements()
            && local.is_usable(requirements, now)
        {
            return self.finish(local, Ok(()));
        }
        if now.mono >= self.deadline {
            return self.finish(local, Err(busy()));
        }
        self.pause(self.with_jitter(poll).min(self.deadline - now.mono))
    }

    fn pause(&mut self, milliseconds: u64) -> Action {
        self.step = Step::Pausing;
        Action::Wait(milliseconds)
    }

    fn with_jitter(&self, milliseconds: u64) -> u64 {
        milliseconds + milliseconds * u64::from(self.context.jitter) / 512
    }

    /// Stores that we are about to spend the refresh token. This also proves that the store accepts
    /// writes before a single-use token is spent (I4).
    fn claim(&mut self, local: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        let expected = found.as_ref().map(|found| found.version.clone());
        let record = found.map_or_else(|| Record::empty(self.context.account.clone()), |found| (*found.record).clone());
        if let Goal::Save { received, .. } = &self.goal {
            let verdict = Verdict::Commit(received.clone());
            let claimed =
                Claimed { version: expected.clone().unwrap_or_default(), record: record.into(), age: Age::new(now), is_replay: false };
            let found = expected.map(|version| Stored::new(version, Arc::clone(&claimed.record)));
            return self.apply(claimed, verdict, local, found, now);
        }
        let record = self.with_our_claim(record, false, local);
        self.step = Step::Claiming(Arc::clone(&record), Age::new(now));
        Action::Swap { expected, record }
    }

    fn with_our_claim(&self, mut record: Record, took_over: bool, local: &mut LocalState) -> Arc<Record> {
        record.claim = Some(Claim {
            owner: self.context.owner.clone(),
            process: self.context.process,
            started: self.context.started.clone(),
            instance: self.context.instance.clone(),
            locked: self.lock == Lock::Held,
            login: self.is_login(),
            took_over,
            lease_milliseconds: lease(self.context.request_timeout),
        });
        local.open_claim(&self.context.owner);
        Arc::new(record)
    }

    fn verify_claim(&mut self, claimed: Claimed) -> Action {
        self.step = Step::VerifyingClaim(claimed);
        Action::Load
    }

    /// Sends the request if the store still has our claim and it is young enough (I1). Called just
    /// before the first byte, also of a replay.
    fn send_if_still_ours(&mut self, mut claimed: Claimed, local: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        if let Some(judged) = found.as_ref().filter(|found| was_judged(&claimed.record, &found.record)) {
            claimed.version.clone_from(&judged.version);
            claimed.record = Arc::clone(&judged.record);
        }
        let is_ours = found.as_ref().is_some_and(|found| found.version == claimed.version);
        if !claimed.is_replay
            && !self.is_login()
            && let Some(tombstone) =
                found.as_ref().filter(|found| found.record.is_logged_out() && found.record.claimed_by(&self.context.owner))
        {
            return self.release_tombstone(tombstone);
        }
        if !is_ours || claimed.age.at(now) > CLAIM_MAX_AGE_MILLISECONDS {
            return self.evaluate(local, found, now);
        }
        let action = match &self.goal {
            Goal::LogIn { .. } => Action::Exchange,
            _ => Action::Refresh(Arc::clone(&claimed.record)),
        };
        self.step = Step::Requesting(claimed);
        action
    }

    /// Removes our claim from a tombstone that was written before we sent anything, so that the
    /// logout need not wait for us.
    fn release_tombstone(&mut self, tombstone: &Stored) -> Action {
        let record = Arc::new(Record { claim: None, ..(*tombstone.record).clone() });
        self.step = Step::ReleasingTombstone(Arc::clone(&record));
        Action::Swap { expected: Some(tombstone.version.clone()), record }
    }

    fn is_login(&self) -> bool {
        matches!(self.goal, Goal::LogIn { .. } | Goal::Save { .. })
    }

    fn finish(&mut self, local: &mut LocalState, outcome: Result<()>) -> Action {
        self.step = Step::Done;
        if self.requirements().is_some() && !self.refreshed {
            local.delay_next_refresh(self.now, self.context.jitter);
        }
        local.close_claim(&self.context.owner);
        Action::Finish(outcome.map(|()| self.refreshed))
    }
}

/// Whether an ID token was judged under the claim, and nothing else has changed.
fn was_judged(claimed: &Record, stored: &Record) -> bool {
    claimed.unjudged.is_some()
        && stored.unjudged.is_none()
        && stored.is_active()
        && stored.claim == claimed.claim
        && stored.same_revision(claimed)
}

fn busy() -> Error {
    Error::new(
        ErrorCode::Busy,
        "another process's refresh of this login, or an interrupted one, did not finish in time; \
         nothing was sent, try again",
    )
}

#[cfg(test)]
mod tests;
