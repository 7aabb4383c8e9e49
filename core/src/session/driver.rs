//! Carries out the actions of an operation: on the store, on the lock, over the network, and
//! waiting.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::token_set::TokenSet;
use protocol::openid::identity::Identity;
use protocol::refresh::action::{Action, Goal, Judgement, Observation, OperationContext};
use protocol::refresh::local_state::LocalState;
use protocol::refresh::login_end::RefreshTokenEnd;
use protocol::refresh::operation::Operation;
use protocol::refresh::record::{Account, Claim, Record, State, Stored};
use protocol::refresh::reply::{Received, ReceivedIdToken, Reply};
use protocol::time::{Moment, milliseconds};

use super::accounts_of_sessions;
use super::entry::{MOST_CONFLICTS, ask_store, keeps_conflicting, stored, version};
use super::in_flight::InFlight;
use super::single_flight::{AccountState, Report, WaitsFor};
use super::store::Store;
use crate::context::Context;
use crate::event::Event;
use crate::exchange::{self, Exchanged};
use crate::logout_outcome::LogoutOutcome;
use crate::openid::unjudged::{Outcome, UnjudgedIdToken, quarantined};
use crate::store::{StoreEntry, StoreLock, SwapOutcome};
use crate::sys::process::ProcessIdentity;
use crate::sys::random;
use crate::sys::sync::Instant;
use crate::task::progress::Progress;
use crate::worker::semaphore::Permit;
use crate::worker::{pool, timer};

/// How long the record of a user who was forgotten stays: longer than a refresh that began before
/// can take. A process that finds it stores no tokens of that login.
const ERASED_SECONDS: i64 = 3600;

/// What an operation needs to be carried out.
pub(crate) struct Driver {
    pub(crate) context: Arc<Context>,
    pub(crate) store: Store,
    pub(crate) account_state: Arc<AccountState>,
    /// How long the operation waits for other processes.
    pub(crate) patience: Duration,
    /// The code of a login.
    pub(crate) code: Option<LoginCode>,
    /// Counted before the operation moves to another thread.
    pub(super) _in_flight: InFlight,
}

/// A code, and where its tokens go if they cannot be stored as a login.
pub(crate) struct LoginCode {
    pub(crate) request: TokenRequest,
    /// Told of tokens whose ID token is bad, or cannot be judged yet, before anything else happens.
    pub(crate) hold: Box<dyn Fn(TokenSet, Moment, Outcome) + Send>,
}

impl Driver {
    /// Runs the operation to its end, on threads of the pool.
    pub(crate) fn run(self, goal: Goal, mut report: Report) {
        let log = OperationLog::begin(&goal, &self.account_state);
        let logout = matches!(goal, Goal::LogOut | Goal::Forget).then_some(LogoutOutcome::LocalOnly);
        let operation_context = match self.operation_context() {
            Ok(operation_context) => operation_context,
            Err(error) => return report(&Err(error), true),
        };
        let operation = Operation::new(goal, operation_context, self.context.clock.moment());
        let running = RunningOperation {
            driver: self,
            operation,
            report: Some(report),
            events: Vec::new(),
            log,
            lock: None,
            store_permit: None,
            server_permit: None,
            logout,
            next: Next::Decide(Observation::Begun),
            conflicts: 0,
            if_dropped: Error::caught_panic("a refresh"),
        };
        Box::new(running).resume_with_store();
    }

    fn operation_context(&self) -> Result<OperationContext> {
        let shared = &self.account_state.shared;
        let random = &*self.context.random;
        let [owner] = random::tokens(random)?;
        let mut jitter = [0];
        random.fill(&mut jitter)?;
        Ok(OperationContext {
            account: Account::clone(&self.account_state.account),
            owner,
            process: shared.process.id,
            started: shared.process.started.clone(),
            instance: shared.instance(random)?.to_owned(),
            jitter: jitter[0],
            patience: milliseconds(self.patience),
            credentials: self.context.fingerprint,
            request_timeout: milliseconds(self.context.request_timeout),
        })
    }
}

/// An operation in progress. It occupies a thread only while there is something to do, and holds no
/// permit while it waits.
struct RunningOperation {
    driver: Driver,
    operation: Operation,
    /// Until the last report.
    report: Option<Report>,
    /// Emitted at the end.
    events: Vec<Event>,
    log: OperationLog,
    lock: Option<Box<dyn Any + Send>>,
    store_permit: Option<Permit>,
    server_permit: Option<Permit>,
    /// Of a logout: whether the server was told.
    logout: Option<LogoutOutcome>,
    next: Next,
    /// How many writes in a row were rejected because of another version.
    conflicts: u32,
    /// What is reported if this is dropped before its end.
    if_dropped: Error,
}

enum Next {
    Decide(Observation),
    Act(Action),
}

const CONFLICT_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_CONFLICT_PAUSE: Duration = Duration::from_millis(500);

impl RunningOperation {
    /// Resumes on a thread of the pool, once the store has a permit.
    fn resume_with_store(self: Box<Self>) {
        let semaphore = Arc::clone(&self.driver.account_state.shared.store);
        if let Some((running, permit)) = semaphore.acquire(self, Self::resume) {
            running.resume(permit);
        }
    }

    fn resume(mut self: Box<Self>, store_permit: Permit) {
        self.store_permit = Some(store_permit);
        self.if_dropped = Error::new(ErrorCode::Busy, "no thread could be started; try again when the machine is less busy");
        // On an error the job was dropped, which has reported it.
        let _ = pool::run(move || self.run());
    }

    fn resume_at_server(mut self: Box<Self>, server_permit: Permit) {
        self.server_permit = Some(server_permit);
        self.resume_with_store();
    }

    fn run(mut self: Box<Self>) {
        self.if_dropped = Error::caught_panic("a refresh");
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
                Action::AcquirePermit | Action::Refresh(_) | Action::Exchange | Action::Revoke(_) | Action::Judge(_) => WaitsFor::Server,
                _ => WaitsFor::Store,
            });
            let seen = match action {
                Action::Load | Action::TryLock | Action::Swap { .. } if self.store_permit.is_none() => {
                    self.next = Next::Act(action);
                    let semaphore = Arc::clone(&self.driver.account_state.shared.store);
                    let Some((running, permit)) = semaphore.acquire(self, Self::resume) else { return };
                    self = running;
                    self.store_permit = Some(permit);
                    continue;
                }
                Action::Load => self.driver.load(),
                Action::TryLock => self.driver.try_lock(&mut self.lock),
                Action::Swap { expected, record } => match self.driver.swap(expected.as_deref(), &record) {
                    Observation::Conflict => match self.pause_after_conflict() {
                        Some(pause) if pause.is_zero() => Observation::Conflict,
                        Some(pause) => {
                            self.release_permits();
                            self.next = Next::Decide(Observation::Conflict);
                            return timer::after(pause, move || self.resume_with_store());
                        }
                        None => Observation::StoreFailed(keeps_conflicting()),
                    },
                    seen => {
                        self.conflicts = 0;
                        seen
                    }
                },
                Action::AcquirePermit => {
                    self.store_permit = None;
                    self.next = Next::Decide(Observation::PermitAcquired { waited: true });
                    let semaphore = self.driver.account_state.shared.servers.semaphore(&self.driver.context.server);
                    let Some((running, permit)) = semaphore.acquire(self, Self::resume_at_server) else { return };
                    self = running;
                    self.server_permit = Some(permit);
                    Observation::PermitAcquired { waited: false }
                }
                Action::Refresh(record) => {
                    self.store_permit = None;
                    Observation::Replied(self.driver.refresh(&record, &mut self.events))
                }
                Action::Exchange => {
                    self.store_permit = None;
                    Observation::Replied(self.driver.exchange(&mut self.events))
                }
                Action::Revoke(token) => {
                    self.store_permit = None;
                    Observation::Revoked(exchange::revoke(&self.driver.context, &token).map(|outcome| self.logout = Some(outcome)))
                }
                Action::Judge(record) => {
                    self.release_permits();
                    let Some(unjudged) = UnjudgedIdToken::stored(&record) else {
                        self.next = Next::Decide(Observation::Judged(Judgement::NotYet(Error::caught_panic("a judgement"))));
                        continue;
                    };
                    let context = Arc::clone(&self.driver.context);
                    return unjudged.judge(&context, move |outcome| {
                        self.next = Next::Decide(Observation::Judged(judgement(outcome)));
                        self.resume_with_store();
                    });
                }
                Action::Wait(milliseconds) => {
                    self.release_permits();
                    self.next = Next::Decide(Observation::Waited);
                    return timer::after(Duration::from_millis(milliseconds), move || self.resume_with_store());
                }
                Action::Report(outcome) => {
                    self.release_permits();
                    if outcome.is_ok() {
                        self.driver.context.events.emit(&Event::Unsaved { account: self.driver.account_state.account_hash() });
                    }
                    if let Some(report) = &mut self.report {
                        report(&outcome.map(|()| true), false);
                    }
                    Observation::Reported
                }
                // For a logout, the outcome says whether the server was told.
                Action::Finish(outcome) => {
                    let told = self.logout.map(|outcome| outcome == LogoutOutcome::Revoked);
                    return self.finish(&outcome.map(|refreshed| told.unwrap_or(refreshed)));
                }
            };
            self.next = Next::Decide(seen);
        }
    }

    fn finish(&mut self, outcome: &Result<bool>) {
        let Some(mut report) = self.report.take() else { return };
        self.lock = None;
        self.release_permits();
        if outcome.is_ok() && !self.log.had_identity && matches!(self.log.kind, Kind::Refresh | Kind::Judgement) {
            accounts_of_sessions::remember(&self.driver.context, &self.driver.store, &self.driver.account_state);
        }
        // If an application's code panics here, events are emitted all the same, and a drop during
        // a panic does not abort.
        let _ = catch_unwind(AssertUnwindSafe(|| report(outcome, true)));
        self.judge_later();
        self.events.extend(self.log.end(&self.driver.account_state, outcome));
        let now = self.driver.context.clock.unix_seconds();
        self.events.extend(self.log.login_ends(&self.driver.account_state, outcome, now));
        self.events.iter().for_each(|event| self.driver.context.events.emit(event));
    }

    /// A refresh does not wait for the keys to judge its ID token: that is an operation of its own.
    fn judge_later(&self) {
        let Driver { context, store, account_state, patience, .. } = &self.driver;
        let is_unjudged = account_state.read(|local| local.record().is_some_and(|record| record.unjudged.is_some()));
        if is_unjudged && self.log.kind != Kind::Judgement && context.keys.may_fetch(context.clock.mono()) {
            let (context, store, patience) = (Arc::clone(context), store.clone(), *patience);
            let state = Arc::clone(account_state);
            account_state.begin(Goal::JudgeIdToken, move |goal, report| {
                Driver { context, store, account_state: state, patience, code: None, _in_flight: InFlight::begin() }.run(goal, report);
            });
        }
    }

    /// The first conflicts are no reason to wait: another process was faster. Then a pause grows,
    /// and in the end there is none, because the store is at fault.
    fn pause_after_conflict(&mut self) -> Option<Duration> {
        self.conflicts = (self.conflicts + 1).min(MOST_CONFLICTS);
        match self.conflicts {
            0..=3 => Some(Duration::ZERO),
            MOST_CONFLICTS => None,
            more => Some((CONFLICT_PAUSE * (1 << (more - 4).min(6))).min(LONGEST_CONFLICT_PAUSE)),
        }
    }

    fn release_permits(&mut self) {
        self.store_permit = None;
        self.server_permit = None;
    }
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        let dropped = Err(self.if_dropped.clone());
        self.finish(&dropped);
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

    /// Whether the process that made this claim has ended. If the system does not say, the process
    /// counts as alive, except on Windows, where nothing but the end of its process releases a
    /// lock.
    fn is_gone(&self, claim: &Claim) -> bool {
        let here = &self.account_state.shared.process;
        let is_here = claim.process == here.id && claim.started == here.started;
        !is_here && !ProcessIdentity { id: claim.process, started: claim.started.clone() }.is_alive().unwrap_or(!cfg!(windows))
    }

    fn try_lock(&self, lock: &mut Option<Box<dyn Any + Send>>) -> Observation {
        let tried = ask_store(|| self.store.token_store().try_lock(&self.account_state.key));
        if let Ok(store_lock) = &tried {
            self.store.learn_locks(!matches!(store_lock, StoreLock::Unsupported));
        }
        match tried {
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
        let is_erased = record.is_erased();
        if is_erased && let Err(error) = accounts_of_sessions::forget(&self.context, &self.store, &self.account_state) {
            return Observation::StoreFailed(error);
        }
        let expires_at = is_erased.then(|| self.context.clock.unix_seconds() + ERASED_SECONDS);
        let entry = record.encode().and_then(|data| Ok(StoreEntry { version: version(&*self.context.random)?, data, expires_at }));
        let swapped = entry.and_then(|entry| {
            let outcome = ask_store(|| self.store.token_store().swap(&self.account_state.key, expected, &entry))?;
            Ok((outcome, entry.version))
        });
        match swapped {
            Ok((SwapOutcome::Stored, version)) => Observation::Stored(version),
            Ok((SwapOutcome::Conflict, _)) => Observation::Conflict,
            Err(error) => Observation::StoreFailed(error),
        }
    }

    fn refresh(&self, record: &Record, events: &mut Vec<Event>) -> Reply {
        let request = record.refresh_token.as_ref().map_or_else(
            || Err(Error::caught_panic("a refresh")),
            |refresh_token| TokenRequest::stored(refresh_token, record.tokens.as_ref()),
        );
        let previous = record.identity.as_deref().cloned();
        request.map_or_else(Reply::Refused, |request| self.send(&request, previous, events))
    }

    fn exchange(&self, events: &mut Vec<Event>) -> Reply {
        match &self.code {
            Some(code) => self.send(&code.request, None, events),
            None => Reply::Refused(Error::caught_panic("a login")),
        }
    }

    fn send(&self, request: &TokenRequest, previous: Option<Identity>, events: &mut Vec<Event>) -> Reply {
        let Exchanged { response, sent } = match exchange::send(&self.context, request, &Arc::new(Progress::default()), events) {
            Ok(exchanged) => exchanged,
            Err(none) => return Reply::failed(none.error, none.connection_lost),
        };
        let refresh_token = response.refresh_token().cloned();
        match request.complete(response, sent.wall.div_euclid(1000)) {
            // A JSON object with nothing in it that could be used.
            Err(error) if refresh_token.is_none() && error.code() == ErrorCode::BadResponse => Reply::OutcomeUnknown(error),
            // Without a judged ID token it is not certain who has logged in.
            Err(error) if request.wants_id_token() => Reply::Refused(error),
            Err(error) => Reply::Tokens(Box::new(Received { tokens: Err(error), refresh_token, sent, id_token: ReceivedIdToken::Absent })),
            Ok(tokens) => {
                let (tokens, id_token) = self.judged(request, tokens, previous, sent);
                Reply::Tokens(Box::new(Received { tokens, refresh_token, sent, id_token }))
            }
        }
    }

    /// Judges the ID token of a response with the keys that are known. The tokens of a login whose
    /// ID token is not good are held.
    fn judged(
        &self,
        request: &TokenRequest,
        tokens: TokenSet,
        previous: Option<Identity>,
        sent: Moment,
    ) -> (Result<TokenSet>, ReceivedIdToken) {
        let Some(unjudged) = UnjudgedIdToken::of(request, &tokens, previous) else { return (Ok(tokens), ReceivedIdToken::Absent) };
        let outcome = unjudged.judge_at_once(&self.context);
        if let (Some(code), false) = (&self.code, matches!(outcome, Outcome::Accepted(_))) {
            (code.hold)(tokens.clone(), sent, outcome.clone());
        }
        match outcome {
            Outcome::Accepted(claims) => (Ok(tokens.verified()), ReceivedIdToken::Accepted(Identity::of(&claims))),
            Outcome::Refused(error) if self.code.is_some() => (Err(error), ReceivedIdToken::Absent),
            Outcome::Refused(error) => (Err(quarantined(&error)), ReceivedIdToken::Absent),
            Outcome::KeyUnknown(_) | Outcome::NotYet(_) => {
                (Ok(request.with_previous_id_token(tokens)), ReceivedIdToken::Unjudged(unjudged.id_token))
            }
        }
    }
}

fn judgement(outcome: Outcome) -> Judgement {
    match outcome {
        Outcome::Accepted(claims) => Judgement::Accepted(Identity::of(&claims)),
        Outcome::Refused(error) => Judgement::Refused(quarantined(&error)),
        Outcome::KeyUnknown(error) | Outcome::NotYet(error) => Judgement::NotYet(error),
    }
}

/// What an operation was about, for the event at its end.
struct OperationLog {
    kind: Kind,
    started: Instant,
    was_rejected: bool,
    /// Whether the login had an ID token. If not, its first one comes with a refresh.
    had_identity: bool,
    token_end: Option<RefreshTokenEnd>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reload,
    Refresh,
    Login,
    Judgement,
    Logout,
    SessionEnd,
}

impl OperationLog {
    fn begin(goal: &Goal, account_state: &AccountState) -> Self {
        let kind = match goal {
            Goal::Reload => Kind::Reload,
            Goal::Refresh { .. } | Goal::ForceRefresh => Kind::Refresh,
            Goal::LogIn { .. } | Goal::Save { .. } => Kind::Login,
            Goal::JudgeIdToken => Kind::Judgement,
            Goal::LogOut | Goal::Forget => Kind::Logout,
            Goal::EndSession(_) => Kind::SessionEnd,
        };
        let had_identity = account_state.read(|local| local.record().is_some_and(|record| record.identity.is_some()));
        let token_end = account_state.read(token_end);
        Self { kind, started: Instant::now(), was_rejected: account_state.read(is_rejected), had_identity, token_end }
    }

    fn end(&self, account_state: &AccountState, outcome: &Result<bool>) -> Option<Event> {
        let account = account_state.account_hash();
        let generation = account_state.read(|local| local.record().map_or(0, |record| record.generation));
        match (self.kind, outcome) {
            (Kind::Login, Ok(true)) => Some(Event::LoggedIn { account, generation }),
            (Kind::Refresh, Ok(true)) => Some(Event::Refreshed { account, generation, duration: self.started.elapsed() }),
            (Kind::Refresh, Err(error)) => Some(Event::RefreshFailed { account, error: error.code() }),
            (Kind::Refresh, Ok(false)) if !self.was_rejected && account_state.read(is_rejected) => Some(Event::LoginRejected { account }),
            (Kind::Judgement, Err(error)) if error.code() == ErrorCode::Quarantined => {
                Some(Event::RefreshFailed { account, error: error.code() })
            }
            // The server has ended the session itself.
            (Kind::SessionEnd, Ok(true)) => Some(Event::LoggedOut { account, outcome: LogoutOutcome::Revoked }),
            (Kind::Logout, Ok(revoked)) => Some(Event::LoggedOut { account, outcome: LogoutOutcome::of(*revoked) }),
            _ => None,
        }
    }

    fn login_ends(&self, account_state: &AccountState, outcome: &Result<bool>, now: i64) -> Option<Event> {
        let before = self.token_end.as_ref().filter(|_| self.kind == Kind::Refresh && matches!(outcome, Ok(true)))?;
        let end = account_state.read(token_end)?;
        let remaining = end.remaining(before, now)?;
        account_state.is_first_told_of_end(end.grant_id()).then(|| Event::LoginEnds { account: account_state.account_hash(), remaining })
    }
}

fn token_end(local: &LocalState) -> Option<RefreshTokenEnd> {
    local.record().and_then(RefreshTokenEnd::of)
}

fn is_rejected(local: &LocalState) -> bool {
    local.record().is_some_and(|record| matches!(record.state, State::Rejected { .. }))
}
