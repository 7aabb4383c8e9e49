//! Carries a operation's actions out: the store, the lock, the network, and the waiting.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::entry::{ask_store, stored, version};
use super::in_flight::InFlight;
use super::single_flight::{AccountState, Report, WaitsFor};
use super::store::Store;
use crate::context::Context;
use crate::event::Event;
use crate::exchange::{self, Answered};
use crate::logout_outcome::LogoutOutcome;
use crate::store::{StoreEntry, StoreLock, SwapOutcome};
use crate::sys::process::ProcessIdentity;
use crate::sys::random;
use crate::sys::sync::Instant;
use crate::task::progress::Progress;
use crate::worker::semaphore::Permit;
use crate::worker::{pool, timer};
use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::grants::Grant;
use protocol::refresh::action::{Action, Goal, Observation, OperationContext};
use protocol::refresh::local_state::LocalState;
use protocol::refresh::operation::Operation;
use protocol::refresh::record::{Account, Claim, Record, State, Stored};
use protocol::refresh::reply::{Received, Reply};
use protocol::time::milliseconds;

/// What a operation needs of the world.
pub(crate) struct Driver {
    pub(crate) context: Arc<Context>,
    pub(crate) store: Store,
    pub(crate) account_state: Arc<AccountState>,
    /// How long to wait for others.
    pub(crate) patience: Duration,
    /// Of a login: its code.
    pub(crate) code: Option<Grant>,
    /// From before the operation is handed to another thread.
    pub(super) _in_flight: InFlight,
}

impl Driver {
    /// Flies to the end, on threads of the pool. `report` has the outcome, at the end or before it; with `true`, nothing follows.
    pub(crate) fn run(self, goal: Goal, mut report: Report) {
        let log = OperationLog::begin(&goal, &self.account_state);
        let logout = matches!(goal, Goal::LogOut).then_some(LogoutOutcome::LocalOnly);
        let operation_context = match self.operation_context() {
            Ok(operation_context) => operation_context,
            Err(error) => return report(&Err(error), true),
        };
        let operation = Operation::new(goal, operation_context, self.context.clock.moment());
        let running = RunningOperation {
            driver: self,
            operation,
            report: Some(report),
            happened: Vec::new(),
            log,
            lock: None,
            store_permit: None,
            server_permit: None,
            logout,
            next: Next::Decide(Observation::Begun),
            dropped: Error::caught_panic("a refresh"),
        };
        Box::new(running).set_out();
    }

    fn operation_context(&self) -> Result<OperationContext> {
        let random = &*self.context.random;
        let [owner] = random::tokens(random)?;
        let mut jitter = [0];
        random.fill(&mut jitter)?;
        Ok(OperationContext {
            account: Account::clone(&self.account_state.account),
            owner,
            process: self.account_state.shared.process.id,
            started: self.account_state.shared.process.started.clone(),
            instance: self.account_state.shared.instance(random)?.to_owned(),
            jitter: jitter[0],
            patience: milliseconds(self.patience),
            credentials: self.context.fingerprint,
            request_timeout: milliseconds(self.context.request_timeout),
        })
    }
}

/// A operation under way. It holds a thread only while there is something to do, and no turn while it waits.
struct RunningOperation {
    driver: Driver,
    operation: Operation,
    /// Until it was told the end.
    report: Option<Report>,
    happened: Vec<Event>,
    log: OperationLog,
    lock: Option<Box<dyn Any + Send>>,
    store_permit: Option<Permit>,
    server_permit: Option<Permit>,
    /// Of a logout: whether the server was told.
    logout: Option<LogoutOutcome>,
    next: Next,
    /// What who waits is told when the running is dropped on its way.
    dropped: Error,
}

enum Next {
    Decide(Observation),
    Act(Action),
}

impl RunningOperation {
    /// Goes on, on a thread of the pool, as soon as the store has a turn.
    fn set_out(self: Box<Self>) {
        let semaphore = Arc::clone(&self.driver.account_state.shared.store);
        if let Some((running, permit)) = semaphore.acquire(self, Self::go_on) {
            running.go_on(permit);
        }
    }

    fn go_on(mut self: Box<Self>, permit: Permit) {
        self.store_permit = Some(permit);
        self.dropped = Error::new(ErrorCode::Busy, "no thread could be started; try again when the machine is less busy");
        // Otherwise it was dropped, and who waits was told.
        let _ = pool::run(move || self.run());
    }

    fn at_the_server(mut self: Box<Self>, permit: Permit) {
        self.server_permit = Some(permit);
        self.set_out();
    }

    fn run(mut self: Box<Self>) {
        self.dropped = Error::caught_panic("a refresh");
        loop {
            let action = match std::mem::replace(&mut self.next, Next::Decide(Observation::Begun)) {
                Next::Act(action) => action,
                Next::Decide(seen) => {
                    let (operation, context) = (&mut self.operation, &self.driver.context);
                    self.driver.account_state.with(|local| operation.decide(local, seen, context.clock.moment()))
                }
            };
            self.driver.account_state.wait_for(match action {
                Action::Wait(_) => WaitsFor::Others,
                Action::AcquirePermit | Action::Refresh(_) | Action::Exchange | Action::Revoke(_) => WaitsFor::Server,
                _ => WaitsFor::Store,
            });
            let seen = match action {
                Action::Load | Action::TryLock | Action::Swap { .. } if self.store_permit.is_none() => {
                    self.next = Next::Act(action);
                    let semaphore = Arc::clone(&self.driver.account_state.shared.store);
                    let Some((running, permit)) = semaphore.acquire(self, Self::go_on) else { return };
                    self = running;
                    self.store_permit = Some(permit);
                    continue;
                }
                Action::Load => self.driver.load(),
                Action::TryLock => self.driver.try_lock(&mut self.lock),
                Action::Swap { expected, record } => self.driver.swap(expected.as_deref(), &record),
                Action::AcquirePermit => {
                    self.store_permit = None;
                    self.next = Next::Decide(Observation::PermitAcquired { waited: true });
                    let semaphore = self.driver.account_state.shared.servers.semaphore(&self.driver.context.server);
                    let Some((running, permit)) = semaphore.acquire(self, Self::at_the_server) else { return };
                    self = running;
                    self.server_permit = Some(permit);
                    Observation::PermitAcquired { waited: false }
                }
                Action::Refresh(record) => {
                    self.store_permit = None;
                    Observation::Replied(self.driver.refresh(&record, &mut self.happened))
                }
                Action::Exchange => {
                    self.store_permit = None;
                    Observation::Replied(self.driver.exchange(&mut self.happened))
                }
                Action::Revoke(token) => {
                    self.store_permit = None;
                    Observation::Revoked(exchange::revoke(&self.driver.context, &token).map(|outcome| self.logout = Some(outcome)))
                }
                Action::Wait(milliseconds) => {
                    self.store_permit = None;
                    self.server_permit = None;
                    self.next = Next::Decide(Observation::Waited);
                    return timer::after(Duration::from_millis(milliseconds), move || self.set_out());
                }
                Action::Report(outcome) => {
                    self.store_permit = None;
                    self.server_permit = None;
                    if outcome.is_ok() {
                        self.driver.context.events.emit(&Event::Unsaved { account: self.driver.account_state.account_hash() });
                    }
                    if let Some(report) = &mut self.report {
                        report(&outcome.map(|()| true), false);
                    }
                    Observation::Reported
                }
                // A logout is asked whether the server was told.
                Action::Finish(outcome) => {
                    let told = self.logout.map(|outcome| outcome == LogoutOutcome::Revoked);
                    return self.end(&outcome.map(|renewed| told.unwrap_or(renewed)));
                }
            };
            self.next = Next::Decide(seen);
        }
    }

    fn end(&mut self, outcome: &Result<bool>) {
        let Some(mut report) = self.report.take() else { return };
        self.lock = None;
        self.store_permit = None;
        self.server_permit = None;
        // What panics here must not keep the rest from being told, nor panic while this is dropped in a panic.
        let _ = catch_unwind(AssertUnwindSafe(|| report(outcome, true)));
        self.happened.extend(self.log.end(&self.driver.account_state, outcome));
        self.happened.iter().for_each(|event| self.driver.context.events.emit(event));
    }
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        let dropped = Err(self.dropped.clone());
        self.end(&dropped);
    }
}

impl Driver {
    fn load(&self) -> Observation {
        let loaded = ask_store(|| self.store.token_store().load(&self.account_state.key))
            .and_then(|entry| entry.map(|entry| stored(entry, &self.account_state.account)).transpose());
        let loaded = loaded.map(|found| {
            found.map(|found| {
                let owner_has_exited = found.record.claim.as_ref().is_some_and(|claim| self.is_gone(claim));
                Stored { owner_has_exited, ..found }
            })
        });
        loaded.map_or_else(Observation::StoreFailed, Observation::Loaded)
    }

    /// Whether the process that made this claim has ended. Where the system does not report, it is not known to have; but on Windows nothing else ends a lock.
    fn is_gone(&self, claim: &Claim) -> bool {
        let home = &self.account_state.shared.process;
        let is_here = claim.process == home.id && claim.started == home.started;
        !is_here && !ProcessIdentity { id: claim.process, started: claim.started.clone() }.is_alive().unwrap_or(!cfg!(windows))
    }

    fn try_lock(&self, lock: &mut Option<Box<dyn Any + Send>>) -> Observation {
        let asked = ask_store(|| self.store.token_store().try_lock(&self.account_state.key));
        if let Ok(answer) = &asked {
            self.store.learn_locks(!matches!(answer, StoreLock::Unsupported));
        }
        match asked {
            Ok(StoreLock::Held(guard)) => {
                *lock = Some(guard);
                Observation::Locked
            }
            Ok(StoreLock::Busy) => Observation::LockBusy,
            Ok(StoreLock::Unsupported) => Observation::NoLocks,
            Err(error) => Observation::StoreFailed(error),
        }
    }

    fn swap(&self, expected: Option<&str>, record: &Record) -> Observation {
        let entry = record.encode().and_then(|data| Ok(StoreEntry { version: version(&*self.context.random)?, data, ends: None }));
        let swapped = entry.and_then(|entry| {
            let swapped = ask_store(|| self.store.token_store().swap(&self.account_state.key, expected, &entry))?;
            Ok((swapped, entry.version))
        });
        match swapped {
            Ok((SwapOutcome::Stored, version)) => Observation::Stored(version),
            Ok((SwapOutcome::Conflict, _)) => Observation::Conflict,
            Err(error) => Observation::StoreFailed(error),
        }
    }

    fn refresh(&self, record: &Record, happened: &mut Vec<Event>) -> Reply {
        let grant = record
            .refresh_token
            .as_ref()
            .map_or_else(|| Err(Error::caught_panic("a refresh")), |refresh_token| Grant::stored(refresh_token, record.tokens.as_ref()));
        grant.map_or_else(Reply::Refused, |grant| self.ask(&grant, happened))
    }

    fn exchange(&self, happened: &mut Vec<Event>) -> Reply {
        match &self.code {
            Some(grant) => self.ask(grant, happened),
            None => Reply::Refused(Error::caught_panic("a login")),
        }
    }

    fn ask(&self, grant: &Grant, happened: &mut Vec<Event>) -> Reply {
        let answered = exchange::answer(&self.context, grant, &Arc::new(Progress::default()), happened);
        let Answered { tokens, sent, status } = match answered {
            Ok(answered) => answered,
            Err(none) => return Reply::failed(none.error, none.broken),
        };
        let refresh_token = tokens.refresh_token.clone();
        let judged = grant.complete(tokens, sent.wall.div_euclid(1000)).map_err(|error| error.with_status(status));
        match judged {
            // A good JSON object that holds nothing of use.
            Err(error) if refresh_token.is_none() && error.code() == ErrorCode::BadResponse => Reply::OutcomeUnknown(error),
            tokens => Reply::Tokens(Box::new(Received { tokens, refresh_token, sent })),
        }
    }
}

/// What a operation was about, for the events that report of it.
struct OperationLog {
    kind: Kind,
    started: Instant,
    was_refused: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Look,
    Renewal,
    Login,
    Logout,
}

impl OperationLog {
    fn begin(goal: &Goal, account_state: &AccountState) -> Self {
        let kind = match goal {
            Goal::Reload => Kind::Look,
            Goal::Refresh { .. } | Goal::ForceRefresh => Kind::Renewal,
            Goal::LogIn { .. } | Goal::Save { .. } => Kind::Login,
            Goal::LogOut => Kind::Logout,
        };
        Self { kind, started: Instant::now(), was_refused: account_state.read(is_refused) }
    }

    fn end(&self, account_state: &AccountState, outcome: &Result<bool>) -> Option<Event> {
        let account = account_state.account_hash();
        let generation = account_state.read(|known| known.record().map_or(0, |record| record.generation));
        match (self.kind, outcome) {
            (Kind::Login, Ok(true)) => Some(Event::LoggedIn { account, generation }),
            (Kind::Renewal, Ok(true)) => Some(Event::Refreshed { account, generation, duration: self.started.elapsed() }),
            (Kind::Renewal, Err(error)) => Some(Event::RefreshFailed { account, error: error.code() }),
            (Kind::Renewal, Ok(false)) if !self.was_refused && account_state.read(is_refused) => Some(Event::LoginEnded { account }),
            (Kind::Logout, Ok(revoked)) => Some(Event::LoggedOut { account, outcome: LogoutOutcome::of(*revoked) }),
            _ => None,
        }
    }
}

fn is_refused(known: &LocalState) -> bool {
    known.record().is_some_and(|record| matches!(record.state, State::Rejected { .. }))
}
