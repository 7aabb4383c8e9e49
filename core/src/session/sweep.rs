//! Looks through the logins of a store, shard by shard, and refreshes those that nobody uses.
//!
//! Each shard is swept by one process at a time, under a claim with a lease. That saves work, and
//! is all that the claim is for: two processes that sweep one shard do no harm, because each
//! refresh is the ordinary one.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, Result};
use protocol::refresh::action::Goal;
use protocol::refresh::local_state::TokenRequirements;
use protocol::refresh::record::{Record, State};
use protocol::time::Moment;

use super::entry::{MOST_CONFLICTS, keeps_conflicting};
use super::pace::{Pace, Turn};
use super::session::Session;
use super::shard::{LONGEST_INTERVAL_SECONDS, Shard, ShardState};
use super::single_flight::{Completion, Waiter};
use super::store::Store;
use super::stored_accounts::{Found, find};
use crate::context::Context;
use crate::store::StoreKey;
use crate::sys::random;
use crate::sys::sync::{Mutex, MutexGuard};
use crate::task::call_options::CallOptions;
use crate::task::task::Completer;
use crate::worker::semaphore::Permit;
use crate::worker::timer;

/// How long another process's claim must be seen unchanged before it is taken over, and how often
/// the owner writes it again.
const LEASE_MILLISECONDS: u64 = 60_000;
const HEARTBEAT_MILLISECONDS: u64 = 15_000;

/// How often the claims of others are looked at.
const POLL_MILLISECONDS: u64 = 1_000;

/// After so many failures in a row, there is something wrong with the server or the client.
const MAX_FAILURES: u32 = 5;

/// How long the next refresh waits after a failure. Doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How often a login is looked at within the time after which it counts as idle.
const LOOKS_PER_IDLE: i64 = 7;

/// What [`Client::keep_alive`](crate::Client::keep_alive) has done.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// # use sipgate_oauth2::KeepAlive;
/// let report = client.keep_alive(&KeepAlive::new())?;
/// println!("{} of {} logins were refreshed", report.renewed, report.seen);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeepAliveReport {
    /// How many logins of this client it looked at.
    pub seen: u64,
    /// How many of them it refreshed.
    pub renewed: u64,
    /// How many it could not refresh now, and how many entries it could not read.
    pub failed: u64,
    /// The accounts whose users must log in again.
    pub login_required: Vec<String>,
    /// How many shards it left out, because another call had looked at them a short time before.
    pub(crate) not_due: u64,
    /// How many it left to another process.
    pub(crate) elsewhere: u64,
}

pub(super) struct Sweep {
    context: Arc<Context>,
    store: Store,
    owner: String,
    /// Milliseconds.
    idle: i64,
    /// By the monotonic clock.
    deadline: u64,
    /// In random order, so that processes that start together rarely want the same one.
    shards: VecDeque<Shard>,
    /// Those that others sweep.
    watched: Vec<Watched>,
    current: Option<Current>,
    /// A login that waits for its turn.
    waiting: Option<Idle>,
    pace: Pace,
    failures: u32,
    /// How many claims in a row were rejected because of another version.
    conflicts: u32,
    /// What was done so far.
    report: Arc<Mutex<KeepAliveReport>>,
    completer: Completer<KeepAliveReport>,
}

/// A shard under the claim of another process.
struct Watched {
    shard: Shard,
    version: String,
    since: u64,
}

/// The shard under our claim.
struct Current {
    shard: Shard,
    version: String,
    /// When the claim was written.
    written: u64,
    keys: VecDeque<StoreKey>,
    after: Option<StoreKey>,
    is_last_page: bool,
}

/// A login that nobody has used.
struct Idle {
    session: Session,
    generation: u64,
}

enum Next {
    /// After so many milliseconds.
    Renew(Idle, u64),
    Wait(u64),
    End,
}

impl Sweep {
    pub(super) fn new(
        context: &Arc<Context>,
        store: &Store,
        idle: u64,
        time: u64,
        report: Arc<Mutex<KeepAliveReport>>,
        completer: Completer<KeepAliveReport>,
    ) -> Result<Box<Self>> {
        let [owner] = random::tokens(&*context.random)?;
        Ok(Box::new(Self {
            context: Arc::clone(context),
            store: store.clone(),
            owner,
            idle: i64::try_from(idle).unwrap_or(i64::MAX),
            deadline: context.clock.mono().saturating_add(time),
            shards: shuffled(context)?,
            watched: Vec::new(),
            current: None,
            waiting: None,
            pace: Pace::default(),
            failures: 0,
            conflicts: 0,
            report,
            completer,
        }))
    }

    /// Continues on a thread of the pool once the store has a permit.
    pub(super) fn start(self: Box<Self>) {
        let semaphore = Arc::clone(&self.store.accounts().shared().store);
        if let Some((sweep, permit)) = semaphore.acquire(self, Self::resume) {
            sweep.resume(permit);
        }
    }

    fn resume(self: Box<Self>, permit: Permit) {
        let completer = self.completer.clone();
        completer.run("a sweep", move || self.run(permit));
    }

    fn run(mut self: Box<Self>, permit: Permit) {
        let next = self.next();
        drop(permit);
        match next {
            Ok(Next::Renew(idle, milliseconds)) => timer::after(Duration::from_millis(milliseconds), move || self.renew(idle)),
            Ok(Next::Wait(milliseconds)) => self.start_after(Duration::from_millis(milliseconds)),
            Ok(Next::End) => {
                let report = self.report().clone();
                self.completer.complete(Ok(report));
            }
            Err(error) => self.completer.complete(Err(error)),
        }
    }

    fn start_after(self: Box<Self>, wait: Duration) {
        timer::after(wait, move || self.start());
    }

    /// Does what needs only the store.
    fn next(&mut self) -> Result<Next> {
        loop {
            let now = self.context.clock.moment();
            if now.mono >= self.deadline || self.failures >= MAX_FAILURES || self.completer.is_complete() {
                self.report().elsewhere += self.watched.len() as u64;
                self.give_back();
                return Ok(Next::End);
            }
            if let Some(idle) = self.waiting.take() {
                match self.pace.turn(&self.context, &self.store, now)? {
                    Turn::In(milliseconds) => return Ok(Next::Renew(idle, milliseconds)),
                    Turn::AskAgainIn(milliseconds) => {
                        self.waiting = Some(idle);
                        return Ok(Next::Wait(milliseconds));
                    }
                }
            }
            if self.current.is_none() {
                match self.shards.pop_front() {
                    Some(shard) => self.take(shard, now)?,
                    None if self.watched.is_empty() => return Ok(Next::End),
                    None if self.watch(now)? => {}
                    None => return Ok(Next::Wait(POLL_MILLISECONDS)),
                }
            } else if let Some(key) = self.next_key(now)? {
                self.waiting = self.look_at(&key, now)?;
            }
        }
    }

    /// Claims a shard that is due.
    fn take(&mut self, shard: Shard, now: Moment) -> Result<()> {
        let found = shard.load(&self.context, &self.store)?;
        let expected = match found {
            Some((version, ShardState { owner: Some(_), .. })) => {
                self.conflicts = 0;
                self.watched.push(Watched { shard, version, since: now.mono });
                return Ok(());
            }
            Some((_, state)) if !state.is_due(now) => {
                self.report().not_due += 1;
                return Ok(());
            }
            Some((version, _)) => Some(version),
            None => None,
        };
        // A shard without keys needs no claim.
        if shard.keys(&self.store, None)?.0.is_empty() {
            return Ok(());
        }
        self.claim(shard, expected.as_deref(), now)
    }

    fn claim(&mut self, shard: Shard, expected: Option<&str>, now: Moment) -> Result<()> {
        match shard.write(&self.context, &self.store, expected, &self.claimed())? {
            Some(version) => {
                self.conflicts = 0;
                self.current = Some(Current { shard, version, written: now.mono, keys: VecDeque::new(), after: None, is_last_page: false });
            }
            None if self.conflicts >= MOST_CONFLICTS => return Err(keeps_conflicting()),
            // Another process was faster.
            None => {
                self.conflicts += 1;
                self.shards.push_back(shard);
            }
        }
        Ok(())
    }

    fn claimed(&self) -> ShardState {
        ShardState { next_at: 0, owner: Some(self.owner.clone()) }
    }

    /// Looks at the shards that others sweep. Whether there is anything to do now.
    fn watch(&mut self, now: Moment) -> Result<bool> {
        for watched in std::mem::take(&mut self.watched) {
            match watched.shard.load(&self.context, &self.store)? {
                Some((version, _)) if version == watched.version && now.mono.saturating_sub(watched.since) < LEASE_MILLISECONDS => {
                    self.watched.push(watched);
                }
                // Its owner has ended. One is claimed at a time.
                Some((version, _)) if version == watched.version => {
                    if self.current.is_none() {
                        self.claim(watched.shard, Some(&version), now)?;
                    } else {
                        self.watched.push(watched);
                    }
                }
                // Its owner is alive, and does the work.
                Some((_, ShardState { owner: Some(_), .. })) => self.report().elsewhere += 1,
                _ => self.shards.push_back(watched.shard),
            }
        }
        Ok(self.current.is_some() || !self.shards.is_empty() || self.watched.is_empty())
    }

    /// The next key of the current shard, if there is one and the shard is still ours.
    fn next_key(&mut self, now: Moment) -> Result<Option<StoreKey>> {
        let claimed = self.claimed();
        let Some(current) = &mut self.current else { return Ok(None) };
        if now.mono.saturating_sub(current.written) >= HEARTBEAT_MILLISECONDS {
            match current.shard.write(&self.context, &self.store, Some(&current.version), &claimed)? {
                Some(version) => (current.version, current.written) = (version, now.mono),
                None => {
                    self.current = None;
                    return Ok(None);
                }
            }
        }
        if current.keys.is_empty() && !current.is_last_page {
            let (keys, is_last_page) = current.shard.keys(&self.store, current.after.as_ref())?;
            (current.keys, current.is_last_page) = (keys.into(), is_last_page);
        }
        current.after = current.keys.pop_front();
        let key = current.after.clone();
        if key.is_none() {
            let interval = (self.idle / 1000 / LOOKS_PER_IDLE).min(LONGEST_INTERVAL_SECONDS);
            self.release(now.wall.div_euclid(1000) + interval)?;
        }
        Ok(key)
    }

    fn release(&mut self, next_at: i64) -> Result<()> {
        if let Some(Current { shard, version, .. }) = self.current.take() {
            // If the claim was taken over, the shard belongs to another process.
            shard.write(&self.context, &self.store, Some(&version), &ShardState { next_at, owner: None })?;
        }
        Ok(())
    }

    /// The shard stays due for the next call. If the store fails, its lease expires.
    fn give_back(&mut self) {
        let _ = self.release(0);
    }

    fn report(&self) -> MutexGuard<'_, KeepAliveReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_at(&mut self, key: &StoreKey, now: Moment) -> Result<Option<Idle>> {
        let record = match find(&self.context, &self.store, key)? {
            Found::Login(record) => record,
            Found::Unreadable(_) => {
                self.report().failed += 1;
                return Ok(None);
            }
            Found::Other => return Ok(None),
        };
        self.report().seen += u64::from(!record.is_logged_out());
        match record.state {
            State::Active if self.is_idle(&record, now) => {
                let session = Session::new(&self.context, Some(&self.store), record.account.account.clone())?;
                Ok(Some(Idle { session, generation: record.generation }))
            }
            State::Rejected { .. } => {
                self.report().login_required.push(record.account.account.clone());
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn is_idle(&self, record: &Record, now: Moment) -> bool {
        record.refresh_token.is_some() && now.wall.saturating_sub(record.sent_at) > self.idle
    }

    fn renew(self: Box<Self>, idle: Idle) {
        let Idle { session, generation } = idle;
        let requirements = TokenRequirements { due: Some(generation), ..session.requirements(Duration::ZERO) };
        let (account_state, driver) = (session.state(), session.driver(CallOptions::DEFAULT_TIMEOUT));
        let report = Box::new(move |completion| {
            let outcome = match completion {
                Completion::Finished { outcome, .. } => outcome,
                Completion::Delayed => Ok(false),
            };
            // Not within the report of another operation.
            timer::after(Duration::ZERO, move || self.renewed(&session, generation, &outcome));
        });
        account_state.join(Goal::Refresh(requirements), Waiter { while_in_time: false, report }, |goal, report| driver.run(goal, report));
    }

    fn renewed(mut self: Box<Self>, session: &Session, generation: u64, outcome: &Result<bool>) {
        let (is_rejected, is_newer) = session.state().read(|local| {
            local.record().map_or((false, false), |record| {
                (matches!(record.state, State::Rejected { .. }), record.is_logged_out() || record.generation > generation)
            })
        });
        let mut pause = Duration::ZERO;
        match outcome {
            _ if is_rejected => self.report().login_required.push(session.account.account.clone()),
            Ok(true) => {
                self.report().renewed += 1;
                self.failures = 0;
            }
            // Somebody else has refreshed it, or logged out.
            Ok(false) if is_newer => {}
            Ok(false) => self.report().failed += 1,
            Err(error) => {
                self.report().failed += 1;
                self.failures += 1;
                pause = self.pause_after(error);
            }
        }
        self.start_after(pause);
    }

    fn pause_after(&self, error: &Error) -> Duration {
        let left = Duration::from_millis(self.deadline.saturating_sub(self.context.clock.mono()));
        let pause = error.retry_after().unwrap_or_default().max(FIRST_PAUSE * (1 << self.failures.min(5)) / 2);
        pause.min(left)
    }
}

/// All shards, in random order.
fn shuffled(context: &Context) -> Result<VecDeque<Shard>> {
    let mut keys = [0; 256];
    context.random.fill(&mut keys)?;
    let mut shards: Vec<_> = (0..=u8::MAX).map(Shard).collect();
    shards.sort_by_key(|shard| keys[usize::from(shard.0)]);
    Ok(shards.into())
}

#[cfg(test)]
mod tests;
