//! Every decision of a refresh, a login and a logout: what came of the last step in, the next step out. Knows no clock, socket or file.

use std::sync::Arc;

use super::action::{Action, Goal, Observation, OperationContext};
use super::commit::{buried, committed};
use super::local_state::{LocalState, TokenRequirements, no_refresh_token};
use super::record::{CLAIM_MILLISECONDS, Claim, Failure, Record, State, Stored, UNEXPLAINED_REFUSALS, lease};
use super::reply::{Received, Reply};
use crate::error::{Error, ErrorCode, Result};
use crate::time::{Age, Moment};

/// How long a login waits for somebody else's refresh of the grant it replaces: codes do not live long.
const LOGIN_PATIENCE_MILLISECONDS: u64 = 10_000;

/// How long the answer of an owner whose claim was taken over may still be on its way into the store.
const GRACE_MILLISECONDS: u64 = 2_000;

/// How long an owner may still take to store what it holds, once the takeover of its claim has shown that the store can be written: it tries every second.
const TAKEOVER_MILLISECONDS: u64 = 5_000;

/// How often a lock is tried, at first and after a while, a claim of somebody else's looked at, and a write tried again that failed.
const LOCK_POLL_MILLISECONDS: u64 = 20;
const LONGEST_LOCK_POLL_MILLISECONDS: u64 = 160;
const CLAIM_POLL_MILLISECONDS: u64 = 250;
const UNSAVED_POLL_MILLISECONDS: u64 = 1_000;

/// One refresh, login or logout of one key, from its start to its end.
#[derive(Clone, Debug, Hash)]
pub struct Operation {
    goal: Goal,
    ticket: OperationContext,
    step: Step,
    began: u64,
    /// When `decide` was last called.
    now: Moment,
    lock: Lock,
    /// When to stop waiting for others.
    until: u64,
    /// For a forced refresh: the generation that is to be replaced.
    forced: Option<u64>,
    /// The claim that was taken over may have been about to succeed.
    took_over: bool,
    /// The claim whose owner a login did not wait for any longer: it may still have a request under way.
    overtaken: Option<Claim>,
    /// The server bears so many requests at once, and it is our turn.
    has_turn: bool,
    /// A write has failed before in this flight.
    stumbled: bool,
    renewed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lock {
    Untried,
    Held,
    /// The store has none, or a login could not wait for it any longer.
    Without,
}

#[derive(Clone, Debug, Hash)]
enum Step {
    Starting,
    /// Reading what there is.
    Loading,
    Locking,
    Pausing,
    /// Writing again what the store lost.
    Restoring(Arc<Record>),
    /// Putting our claim in the place of one whose lease is over.
    TakingOver(Arc<Record>),
    /// Waiting for a turn at the server, with what is to be claimed: a claim that waits in a queue would grow old.
    AwaitingPermit(Option<Stored>),
    /// The claim, and its age: it can be seen by others from before it was asked for.
    Claiming(Arc<Record>, Age),
    /// Loading once more, just before the first byte.
    VerifyingClaim(Claimed),
    /// Taking the claim out of a tombstone.
    Releasing(Arc<Record>),
    Requesting(Claimed),
    /// Loading what is there now, to do to it what the answer calls for.
    Reloading(Claimed, Verdict),
    /// Doing it.
    Writing(Claimed, Verdict, Arc<Record>),
    /// Waiting before it is tried again.
    RetryingWrite(Claimed, Verdict),
    /// Waiting whether the owner that was taken over comes with tokens.
    AwaitingFormerOwner(Claimed, Verdict),
    WritingTombstone(Arc<Record>),
    /// Waiting until nobody can still be refreshing what is logged out.
    AwaitingRefresh,
    AwaitingRevocationPermit,
    /// Loading once more, just before the server is asked to end it.
    VerifyingTombstone,
    Revoking(Stored),
    ClearingToken,
    Done,
}

/// The claim that a request is made under.
#[derive(Clone, Debug, Hash)]
struct Claimed {
    version: String,
    record: Arc<Record>,
    age: Age,
    /// The request is the replay of one whose connection broke.
    replay: bool,
}

/// What an answer calls for.
#[derive(Clone, Debug, Hash)]
enum Verdict {
    /// Store the tokens.
    Commit(Box<Received>),
    /// The server refused the refresh token, with a reason or again and again without one.
    MarkRejected { error: Error, explained: bool },
    /// Leave the tokens, and say when to try again.
    ReleaseClaim(Error),
}

impl Operation {
    pub fn new(goal: Goal, ticket: OperationContext, now: Moment) -> Self {
        let patience = match goal {
            Goal::LogIn { .. } | Goal::Save { .. } => ticket.patience.min(LOGIN_PATIENCE_MILLISECONDS),
            _ => ticket.patience,
        };
        let until = now.mono.saturating_add(patience);
        Self {
            goal,
            ticket,
            step: Step::Starting,
            began: now.mono,
            now,
            lock: Lock::Untried,
            until,
            forced: None,
            took_over: false,
            overtaken: None,
            has_turn: false,
            stumbled: false,
            renewed: false,
        }
    }

    /// The next action. `known` is what the process knows of the key; it is brought up to date on the way.
    pub fn decide(&mut self, known: &mut LocalState, seen: Observation, now: Moment) -> Action {
        self.now = now;
        let action = self.next(known, seen, now);
        if matches!(action, Action::Wait(_) | Action::Report(_)) {
            self.has_turn = false;
        }
        action
    }

    fn next(&mut self, known: &mut LocalState, seen: Observation, now: Moment) -> Action {
        match (std::mem::replace(&mut self.step, Step::Done), seen) {
            (Step::Starting, Observation::Begun) => self.look(),
            (Step::Loading, Observation::Loaded(found)) => self.consider(known, found, now),
            (Step::Locking, Observation::Locked) => {
                self.lock = Lock::Held;
                self.look()
            }
            (Step::Locking, Observation::NoLocks) => {
                self.lock = Lock::Without;
                self.look()
            }
            (Step::Locking, Observation::LockBusy) => self.lock_busy(known, now),
            (Step::Pausing, Observation::Waited) => self.look(),
            (Step::Restoring(record), Observation::Stored(version)) => {
                known.wrote(Stored::new(version, record), now);
                self.look()
            }
            (Step::TakingOver(record), Observation::Stored(version)) => {
                known.wrote(Stored::new(version, record), now);
                self.pause(TAKEOVER_MILLISECONDS)
            }
            (Step::AwaitingPermit(found), Observation::PermitAcquired { waited }) => {
                self.has_turn = true;
                if waited { self.look() } else { self.claim(known, found, now) }
            }
            (Step::Restoring(_) | Step::TakingOver(_) | Step::Claiming(..) | Step::WritingTombstone(_), Observation::Conflict) => {
                self.look()
            }
            (Step::Claiming(record, age), Observation::Stored(version)) => {
                known.wrote(Stored::new(version.clone(), Arc::clone(&record)), now);
                self.aim(Claimed { version, record, age, replay: false })
            }
            (Step::VerifyingClaim(claimed), Observation::Loaded(found)) => self.fire(claimed, known, found, now),
            (Step::Releasing(record), Observation::Stored(version)) => {
                known.wrote(Stored::new(version, record), now);
                self.end(known, Ok(()))
            }
            (Step::Releasing(_), Observation::Conflict) => self.look(),
            (Step::Requesting(claimed), Observation::Replied(reply)) => self.answered(claimed, reply),
            (Step::Reloading(claimed, landing), Observation::Loaded(found)) => self.land(claimed, landing, known, found, now),
            (Step::Writing(claimed, landing, record), Observation::Stored(version)) => {
                self.settled(&claimed, landing, Stored::new(version, record), known, now)
            }
            (Step::Writing(claimed, landing, _), Observation::Conflict) => self.landing(claimed, landing),
            // Whether it was written is seen by looking.
            (Step::Claiming(..), Observation::StoreFailed(_)) if self.stumbles() => self.look(),
            (Step::Writing(claimed, landing, _), Observation::StoreFailed(_)) if self.stumbles() => self.landing(claimed, landing),
            (Step::Reloading(claimed, landing) | Step::Writing(claimed, landing, _), Observation::StoreFailed(error)) => {
                self.unsettled(claimed, landing, error, known, now)
            }
            (Step::RetryingWrite(claimed, landing), Observation::Reported) => {
                self.step = Step::RetryingWrite(claimed, landing);
                Action::Wait(UNSAVED_POLL_MILLISECONDS)
            }
            (Step::RetryingWrite(claimed, landing) | Step::AwaitingFormerOwner(claimed, landing), Observation::Waited) => {
                self.landing(claimed, landing)
            }
            (Step::WritingTombstone(record), Observation::Stored(version)) => {
                known.wrote(Stored::new(version, record), now);
                self.outlast()
            }
            (Step::AwaitingRefresh, Observation::Locked) => {
                self.lock = Lock::Held;
                self.part()
            }
            (Step::AwaitingRefresh, Observation::NoLocks) => {
                self.lock = Lock::Without;
                self.part()
            }
            (Step::AwaitingRefresh, Observation::LockBusy) => {
                let poll = self.lock_poll(now);
                self.outlasting(now, poll)
            }
            (Step::AwaitingRefresh, Observation::Waited) => self.outlast(),
            (Step::AwaitingRevocationPermit, Observation::PermitAcquired { .. }) => {
                self.has_turn = true;
                self.part()
            }
            (Step::VerifyingTombstone, Observation::Loaded(found)) => self.revoke(known, found, now),
            (Step::Revoking(tomb), Observation::Revoked(outcome)) => self.revoked(&tomb, outcome),
            (Step::ClearingToken, Observation::Stored(_)) => self.end(known, Ok(())),
            // Another login or a newer token may have come: whoever is there now decides.
            (Step::ClearingToken, Observation::Conflict) => self.part(),
            (_, Observation::StoreFailed(error)) => {
                known.store_failed(&error, now, self.ticket.jitter);
                self.end(known, Err(error))
            }
            (step, seen) => {
                debug_assert!(false, "{seen:?} does not follow {step:?}");
                self.end(known, Err(Error::caught_panic("a refresh")))
            }
        }
    }

    fn stumbles(&mut self) -> bool {
        !std::mem::replace(&mut self.stumbled, true)
    }

    fn look(&mut self) -> Action {
        self.step = Step::Loading;
        Action::Load
    }

    /// With what is there, and under the lock where there is one: is anything to be done, and may it be done now?
    fn consider(&mut self, known: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        if let Some(again) = known.lost(found.as_ref().map(|found| &*found.record)) {
            return self.restore(again, found);
        }
        known.looked(found.as_ref(), now);
        match &self.goal {
            Goal::Reload => return self.end(known, Ok(())),
            Goal::LogOut => return self.bury(known, found),
            Goal::Refresh { .. } | Goal::ForceRefresh => {
                if let Some(done) = self.needless(known, found.as_ref(), now) {
                    return done;
                }
            }
            Goal::LogIn { .. } | Goal::Save { .. } => {}
        }
        if self.lock == Lock::Untried {
            self.step = Step::Locking;
            return Action::TryLock;
        }
        if let Some(wait) = self.others(known, found.as_ref(), now) {
            return wait;
        }
        if !self.has_turn && !matches!(self.goal, Goal::Save { .. }) {
            self.step = Step::AwaitingPermit(found);
            return Action::AcquirePermit;
        }
        self.claim(known, found, now)
    }

    fn restore(&mut self, record: Record, found: Option<Stored>) -> Action {
        let record = Arc::new(record);
        self.step = Step::Restoring(Arc::clone(&record));
        Action::Swap { expected: found.map(|found| found.version), record }
    }

    /// For a refresh: the end or the wait that what is there calls for, if it does.
    fn needless(&mut self, known: &mut LocalState, found: Option<&Stored>, now: Moment) -> Option<Action> {
        let Some(record) = found.map(|found| &*found.record) else { return Some(self.end(known, Ok(()))) };
        let demand = self.demand();
        let forced = demand.is_none() && *self.forced.get_or_insert(record.generation) == record.generation;
        let dead = !record.is_active() && !record.is_worth_another_try(self.ticket.credentials, now);
        if record.is_ended() || (!forced && (dead || known.is_fresh(demand.unwrap_or_default(), now))) {
            return Some(self.end(known, Ok(())));
        }
        if record.refresh_token.is_none() {
            let ended = if forced { Err(no_refresh_token()) } else { Ok(()) };
            return Some(self.end(known, ended));
        }
        let failure = record.failure.as_ref().filter(|failure| !forced || failure.outcome_unknown);
        let (failure, left) = failure.and_then(|failure| Some((failure, failure.wait_left(self.ticket.credentials, now)?)))?;
        if !forced && known.is_usable(demand.unwrap_or_default(), now) {
            return Some(self.end(known, Ok(())));
        }
        if failure.needs_correction() || now.mono.saturating_add(left) > self.until {
            let error = failure.reason.error();
            return Some(self.end(known, Err(error)));
        }
        Some(self.pause(left))
    }

    /// What a refresh is for, unless it is forced.
    fn demand(&self) -> Option<TokenRequirements> {
        match &self.goal {
            Goal::Refresh(demand) => Some(*demand),
            _ => None,
        }
    }

    /// The wait for somebody else's claim, while there is one that counts.
    fn others(&mut self, known: &mut LocalState, found: Option<&Stored>, now: Moment) -> Option<Action> {
        let found = found?;
        let claim = found.record.claim.as_ref().filter(|claim| claim.owner != self.ticket.owner)?;
        let is_orphan = self.is_orphan(found, claim, known);
        if is_orphan || known.has_watched(&found.version, claim.lease_milliseconds, now) {
            self.took_over = true;
            // What a login brings is none of the owner's.
            return (!is_orphan && !self.is_login()).then(|| self.take_over(known, found));
        }
        if self.is_login() && now.mono >= self.until {
            self.overtaken = Some(claim.clone());
            return None;
        }
        Some(self.wait_for_others(known, CLAIM_POLL_MILLISECONDS, now))
    }

    /// Takes the place of an owner that may yet live. Where it holds tokens that could not be written, it writes them over our claim as soon as we could
    /// write that.
    fn take_over(&mut self, known: &mut LocalState, found: &Stored) -> Action {
        let record = self.claimed((*found.record).clone(), known);
        self.step = Step::TakingOver(Arc::clone(&record));
        Action::Swap { expected: Some(found.version.clone()), record }
    }

    /// Whether a claim's owner is certainly gone. Our own leftovers are known. Of what was claimed under the lock, the lock says so together with the end of
    /// the owner's process: a lock can be lost while its owner lives.
    fn is_orphan(&self, found: &Stored, claim: &Claim, known: &LocalState) -> bool {
        if claim.instance == self.ticket.instance {
            return !known.claiming.contains(&claim.owner);
        }
        self.lock == Lock::Held && claim.locked && found.owner_is_gone
    }

    fn lock_busy(&mut self, known: &mut LocalState, now: Moment) -> Action {
        if self.is_login() && now.mono >= self.until {
            self.lock = Lock::Without;
            return self.look();
        }
        let poll = self.lock_poll(now);
        self.wait_for_others(known, poll, now)
    }

    /// The longer it takes, the less often it is tried: a flight that waits also reads the store each time.
    fn lock_poll(&self, now: Moment) -> u64 {
        (now.mono.saturating_sub(self.began) / 4).clamp(LOCK_POLL_MILLISECONDS, LONGEST_LOCK_POLL_MILLISECONDS)
    }

    fn wait_for_others(&mut self, known: &mut LocalState, poll: u64, now: Moment) -> Action {
        if let Some(demand) = self.demand()
            && known.is_usable(demand, now)
        {
            return self.end(known, Ok(()));
        }
        if now.mono >= self.until {
            return self.end(known, Err(busy()));
        }
        self.pause(self.spread(poll).min(self.until - now.mono))
    }

    fn pause(&mut self, milliseconds: u64) -> Action {
        self.step = Step::Pausing;
        Action::Wait(milliseconds)
    }

    fn spread(&self, milliseconds: u64) -> u64 {
        milliseconds + milliseconds * u64::from(self.ticket.jitter) / 512
    }

    /// Says, durably, who is about to spend the refresh token. It proves the store writable, too.
    fn claim(&mut self, known: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        let expected = found.as_ref().map(|found| found.version.clone());
        let record = found.map_or_else(|| Record::vacant(self.ticket.account.clone()), |found| (*found.record).clone());
        if let Goal::Save { received, .. } = &self.goal {
            let landing = Verdict::Commit(received.clone());
            let claimed =
                Claimed { version: expected.clone().unwrap_or_default(), record: record.into(), age: Age::new(now), replay: false };
            let found = expected.map(|version| Stored::new(version, Arc::clone(&claimed.record)));
            return self.land(claimed, landing, known, found, now);
        }
        let record = self.claimed(record, known);
        self.step = Step::Claiming(Arc::clone(&record), Age::new(now));
        Action::Swap { expected, record }
    }

    fn claimed(&self, mut record: Record, known: &mut LocalState) -> Arc<Record> {
        record.claim = Some(Claim {
            owner: self.ticket.owner.clone(),
            process: self.ticket.process,
            started: self.ticket.started.clone(),
            instance: self.ticket.instance.clone(),
            locked: self.lock == Lock::Held,
            login: self.is_login(),
            lease_milliseconds: lease(self.ticket.request_timeout),
        });
        if !known.claiming.contains(&self.ticket.owner) {
            known.claiming.push(self.ticket.owner.clone());
        }
        Arc::new(record)
    }

    fn aim(&mut self, claimed: Claimed) -> Action {
        self.step = Step::VerifyingClaim(claimed);
        Action::Load
    }

    /// Just before the first byte, also of a replay: is the claim still what is there, and young enough?
    fn fire(&mut self, claimed: Claimed, known: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        let ours = found.as_ref().is_some_and(|found| found.version == claimed.version);
        if !claimed.replay
            && !self.is_login()
            && let Some(tomb) = found.as_ref().filter(|found| found.record.is_ended() && found.record.claimed_by(&self.ticket.owner))
        {
            return self.release(tomb);
        }
        if !ours || claimed.age.at(now) > CLAIM_MILLISECONDS {
            return self.consider(known, found, now);
        }
        let action = match &self.goal {
            Goal::LogIn { .. } => Action::Exchange,
            _ => Action::Refresh(Arc::clone(&claimed.record)),
        };
        self.step = Step::Requesting(claimed);
        action
    }

    /// The login was logged out before anything was sent: the logout waits for nobody.
    fn release(&mut self, tomb: &Stored) -> Action {
        let record = Arc::new(Record { claim: None, ..(*tomb.record).clone() });
        self.step = Step::Releasing(Arc::clone(&record));
        Action::Swap { expected: Some(tomb.version.clone()), record }
    }

    fn answered(&mut self, mut claimed: Claimed, reply: Reply) -> Action {
        let landing = match reply {
            Reply::Tokens(received) if self.is_login() => match &received.tokens {
                // A login of which only the refresh token is of use can still be refreshed.
                Err(error) if received.refresh_token.is_none() || error.code() == ErrorCode::IdToken => {
                    Verdict::ReleaseClaim(error.clone())
                }
                _ => Verdict::Commit(received),
            },
            Reply::Tokens(received) => Verdict::Commit(received),
            Reply::Rejected(error) if !self.is_login() => Verdict::MarkRejected { error, explained: true },
            Reply::Refused(error) if !self.is_login() && is_the_last_straw(&claimed.record, &error) => {
                Verdict::MarkRejected { error: refused_again(&error), explained: false }
            }
            Reply::ConnectionLost(_) if !self.is_login() && !claimed.replay => {
                claimed.replay = true;
                return self.aim(claimed);
            }
            Reply::Rejected(error) | Reply::ConnectionLost(error) | Reply::Refused(error) | Reply::OutcomeUnknown(error) => {
                Verdict::ReleaseClaim(error)
            }
        };
        self.landing(claimed, landing)
    }

    fn landing(&mut self, claimed: Claimed, landing: Verdict) -> Action {
        self.step = Step::Reloading(claimed, landing);
        Action::Load
    }

    fn land(&mut self, claimed: Claimed, landing: Verdict, known: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        // An end that was seen is not forgotten, should the store lose it now.
        if found.as_ref().is_some_and(|there| there.record.is_ended()) && !self.is_login() {
            known.looked(found.as_ref(), now);
        }
        match &landing {
            // It was written, though the store did not say so; what has become of it since is not undone.
            Verdict::Commit(_) if found.as_ref().is_some_and(|there| self.has_logged_in(&there.record)) => {
                self.renewed = true;
                self.stand_back(known, found.as_ref(), now)
            }
            Verdict::Commit(received) => {
                // The old login is better than one of which no access token is of use.
                if let Err(error) = &received.tokens
                    && self.is_login()
                    && found.as_ref().is_some_and(|there| there.record.is_active())
                {
                    let landing = Verdict::ReleaseClaim(error.clone());
                    return self.land(claimed, landing, known, found, now);
                }
                let next = if self.is_login() {
                    Some(self.new_login(received, known, found.as_ref()))
                } else {
                    committed(&claimed.record, received, known, found.as_ref(), &self.ticket)
                };
                match next {
                    Some(record) => self.settle(claimed, landing, record, found),
                    None => self.stand_back(known, found.as_ref(), now),
                }
            }
            Verdict::MarkRejected { error, explained } => match &found {
                Some(there) if there.record.same_lineage(&claimed.record) => {
                    if std::mem::take(&mut self.took_over) {
                        self.step = Step::AwaitingFormerOwner(claimed, landing);
                        return Action::Wait(GRACE_MILLISECONDS);
                    }
                    let before = there.record.failure.as_ref();
                    let failure =
                        (!explained).then(|| Failure::last_straw(before, error, self.ticket.credentials, now, self.ticket.jitter));
                    let dead = Record { failure, ..buried(&there.record, error) };
                    self.settle(claimed, landing, dead, found)
                }
                // Somebody was faster, or the store lost a write: with what is there now, from the beginning.
                _ => self.consider(known, found, now),
            },
            Verdict::ReleaseClaim(error) => match &found {
                Some(there) if self.may_drop(&claimed.record, &there.record) => {
                    let dropped = self.dropped(&there.record, error, now);
                    self.settle(claimed, landing, dropped, found)
                }
                _ => {
                    let error = error.clone();
                    known.looked(found.as_ref(), now);
                    self.end(known, Err(error))
                }
            },
        }
    }

    fn settle(&mut self, claimed: Claimed, landing: Verdict, record: Record, found: Option<Stored>) -> Action {
        let record = Arc::new(record);
        self.step = Step::Writing(claimed, landing, Arc::clone(&record));
        Action::Swap { expected: found.map(|found| found.version), record }
    }

    fn settled(&mut self, claimed: &Claimed, landing: Verdict, stored: Stored, known: &mut LocalState, now: Moment) -> Action {
        let ended = stored.record.is_ended();
        let newest = known.wrote(stored, now);
        match landing {
            Verdict::Commit(_) if ended => self.end(known, Ok(())),
            Verdict::Commit(received) => {
                // What is not usable leaves the old access token, as old as it is.
                if newest && received.tokens.is_ok() {
                    known.sent(received.sent);
                }
                if self.forced.is_some() || known.is_invalid(&claimed.record) {
                    known.forced(now);
                }
                self.renewed = received.tokens.is_ok();
                self.end(known, received.tokens.map(|_| ()))
            }
            Verdict::MarkRejected { .. } => self.end(known, Ok(())),
            Verdict::ReleaseClaim(error) => self.end(known, Err(error)),
        }
    }

    /// The store is gone at the worst of times. A good answer is kept in memory and handed out, and written as soon as that works.
    fn unsettled(&mut self, claimed: Claimed, landing: Verdict, error: Error, known: &mut LocalState, now: Moment) -> Action {
        let told = match &landing {
            Verdict::Commit(_) if known.is_unsaved() => Err(unsaved(&error)),
            Verdict::Commit(received) => {
                let found = known.stored().cloned();
                let record = if self.is_login() {
                    Some(self.new_login(received, known, found.as_ref()))
                } else {
                    committed(&claimed.record, received, known, found.as_ref(), &self.ticket)
                };
                let Some(record) = record else { return self.end(known, Err(error)) };
                let sent = received.sent;
                let tokens = received.tokens.clone().map(|_| ());
                known.holds(record, now);
                if tokens.is_ok() {
                    known.sent(sent);
                }
                self.renewed = tokens.is_ok();
                // A caller that saves tokens has them, and must know that nobody else does.
                if matches!(self.goal, Goal::Save { .. }) { Err(unsaved(&error)) } else { tokens }
            }
            Verdict::MarkRejected { error: refused, .. } | Verdict::ReleaseClaim(refused) => {
                let refused = refused.clone();
                return self.end(known, Err(refused));
            }
        };
        self.step = Step::RetryingWrite(claimed, landing);
        Action::Report(told)
    }

    /// What came is not wanted any more: another login stands there, or none.
    fn stand_back(&mut self, known: &mut LocalState, found: Option<&Stored>, now: Moment) -> Action {
        known.looked(found, now);
        self.end(known, Ok(()))
    }

    /// Whether this is the login that this flight brings.
    fn has_logged_in(&self, there: &Record) -> bool {
        matches!(&self.goal, Goal::LogIn { grant_id } | Goal::Save { grant_id, .. } if *grant_id == there.grant_id)
    }

    fn new_login(&self, received: &Received, known: &LocalState, found: Option<&Stored>) -> Record {
        let (Goal::LogIn { grant_id } | Goal::Save { grant_id, .. }) = &self.goal else {
            return Record::vacant(self.ticket.account.clone());
        };
        let before = found.map(|found| &*found.record).or(known.record());
        let generation = before.map_or(0, |before| before.generation).max(known.record().map_or(0, |known| known.generation));
        let tokens = received.tokens.clone().ok();
        Record {
            grant_id: grant_id.clone(),
            replaced: before.map(|before| before.grant_id.clone()).filter(|replaced| !replaced.is_empty() && replaced != grant_id),
            generation: generation + 1,
            state: State::Active,
            refresh_token: received.refresh_token.clone(),
            tokens,
            sent_at: received.sent.wall,
            ..Record::vacant(self.ticket.account.clone())
        }
    }

    /// Ours to drop: our claim, or none while nothing else has changed.
    fn may_drop(&self, claimed: &Record, there: &Record) -> bool {
        there.claimed_by(&self.ticket.owner) || (there.claim.is_none() && there.same_lineage(claimed) && there.state == claimed.state)
    }

    fn dropped(&self, there: &Record, error: &Error, now: Moment) -> Record {
        let mut dropped = there.clone();
        dropped.claim = self.overtaken.clone().filter(|_| there.claimed_by(&self.ticket.owner));
        if !self.is_login() && !there.is_ended() {
            let mut failure = Failure::after(there.failure.as_ref(), error, self.ticket.credentials, now, self.ticket.jitter);
            // What is over without a reason stays worth another try.
            let unexplained = there.failure.as_ref().filter(|_| !there.is_active()).map_or(0, |failure| failure.unexplained);
            failure.unexplained = failure.unexplained.max(unexplained);
            dropped.failure = Some(failure);
        }
        dropped
    }

    fn is_login(&self) -> bool {
        matches!(self.goal, Goal::LogIn { .. } | Goal::Save { .. })
    }

    /// A logout writes its tombstone at once, also into the middle of somebody's refresh: nothing is handed out from here on.
    fn bury(&mut self, known: &mut LocalState, found: Option<Stored>) -> Action {
        let Some(found) = found else { return self.end(known, Ok(())) };
        if found.record.is_ended() {
            return if found.record.refresh_token.is_some() { self.outlast() } else { self.end(known, Ok(())) };
        }
        let tomb = Arc::new(Record { state: State::LoggedOut, tokens: None, failure: None, ..(*found.record).clone() });
        self.step = Step::WritingTombstone(Arc::clone(&tomb));
        Action::Swap { expected: Some(found.version), record: tomb }
    }

    fn outlast(&mut self) -> Action {
        self.step = Step::AwaitingRefresh;
        match self.lock {
            Lock::Untried => Action::TryLock,
            Lock::Held | Lock::Without => self.part(),
        }
    }

    fn outlasting(&mut self, now: Moment, poll: u64) -> Action {
        if now.mono >= self.until {
            self.step = Step::Done;
            return Action::Finish(Err(not_finished()));
        }
        self.step = Step::AwaitingRefresh;
        Action::Wait(self.spread(poll).min(self.until - now.mono))
    }

    fn part(&mut self) -> Action {
        if !self.has_turn {
            self.step = Step::AwaitingRevocationPermit;
            return Action::AcquirePermit;
        }
        self.step = Step::VerifyingTombstone;
        Action::Load
    }

    /// Only what is still our tombstone is ended at the server: by now a new login could stand there, in the same session.
    fn revoke(&mut self, known: &mut LocalState, found: Option<Stored>, now: Moment) -> Action {
        if let Some(again) = known.lost(found.as_ref().map(|found| &*found.record)) {
            return self.restore(again, found);
        }
        known.looked(found.as_ref(), now);
        let Some(tomb) = found.filter(|found| found.record.is_ended()) else { return self.end(known, Ok(())) };
        let Some(token) = tomb.record.refresh_token.clone() else { return self.end(known, Ok(())) };
        if let Some(claim) = &tomb.record.claim
            && !self.is_orphan(&tomb, claim, known)
            && !known.has_watched(&tomb.version, claim.lease_milliseconds, now)
        {
            return self.outlasting(now, CLAIM_POLL_MILLISECONDS);
        }
        self.step = Step::Revoking(tomb);
        Action::Revoke(token)
    }

    fn revoked(&mut self, tomb: &Stored, outcome: Result<()>) -> Action {
        if let Err(error) = outcome {
            self.step = Step::Done;
            return Action::Finish(Err(error));
        }
        self.step = Step::ClearingToken;
        let record = Record { refresh_token: None, claim: None, ..(*tomb.record).clone() };
        Action::Swap { expected: Some(tomb.version.clone()), record: record.into() }
    }

    fn end(&mut self, known: &mut LocalState, outcome: Result<()>) -> Action {
        self.step = Step::Done;
        if self.demand().is_some() && !self.renewed {
            known.refreshed_in_vain(self.now, self.ticket.jitter);
        }
        known.claiming.retain(|owner| *owner != self.ticket.owner);
        // LocalState for as long as the process lives, and most often empty.
        known.claiming.shrink_to_fit();
        Action::Finish(outcome.map(|()| self.renewed))
    }
}

fn is_the_last_straw(record: &Record, error: &Error) -> bool {
    let before = record.failure.as_ref().map_or(0, |failure| failure.unexplained);
    error.is_unexplained_refusal() && before + 1 >= UNEXPLAINED_REFUSALS
}

fn refused_again(error: &Error) -> Error {
    let message = format!("the server has refused this login {UNEXPLAINED_REFUSALS} times without a reason; log in again");
    let ended = Error::new(ErrorCode::LoginRequired, message);
    match error.status() {
        Some(status) => ended.with_status(status),
        None => ended,
    }
}

fn busy() -> Error {
    Error::new(
        ErrorCode::Busy,
        "a refresh of this login by another process, or one that was interrupted, has not finished in time; nothing was sent, try again",
    )
}

fn not_finished() -> Error {
    Error::new(
        ErrorCode::Busy,
        "the login is over here, but a refresh that was under way has not ended in time; call logout again, so that the server ends it too",
    )
}

fn unsaved(cause: &Error) -> Error {
    Error::new(
        ErrorCode::Unsaved,
        format!("new tokens are held in memory and cannot be saved ({cause}); mend the store, it is tried every second"),
    )
}

#[cfg(test)]
mod tests;
