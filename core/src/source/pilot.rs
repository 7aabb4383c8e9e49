//! Carries a flight's actions out: the store, the lock, the network, and the waiting.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::lanes::{Lane, WaitsFor};
use super::under_way::UnderWay;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Event;
use crate::logout_outcome::LogoutOutcome;
use crate::oauth::grant::Grant;
use crate::process::ProcessIdentity;
use crate::random;
use crate::refresh::answer::{Received, Reply};
use crate::refresh::flight::Flight;
use crate::refresh::known::Known;
use crate::refresh::record::{Account, Claim, Record, State, Stored};
use crate::refresh::step::{Action, Goal, Observation, Ticket};
use crate::running::Progress;
use crate::store::{Store, StoreEntry, StoreFailure, StoreLock, Swapped};
use crate::sync::Instant;
use crate::token_request::{self, Answered};
use crate::worker::turns::Turn;
use crate::worker::{pool, timer};

/// What a flight needs of the world.
pub(crate) struct Pilot {
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) lane: Arc<Lane>,
    /// How long to wait for others.
    pub(crate) patience: Duration,
    /// Of a login: its code.
    pub(crate) code: Option<Grant>,
    /// From before the flight is handed to another thread.
    pub(super) _under_way: UnderWay,
}

/// Told the outcome, at the end or before it; with `true`, nothing follows.
type Tell = Box<dyn FnMut(&Result<bool>, bool) + Send>;

impl Pilot {
    /// Flies to the end, on threads of the pool. `tell` has the outcome, at the end or before it; with `true`, nothing follows.
    pub(crate) fn fly(self, goal: Goal, mut tell: impl FnMut(&Result<bool>, bool) + Send + 'static) {
        let story = Story::begin(&goal, &self.lane);
        let logout = matches!(goal, Goal::LogOut).then_some(LogoutOutcome::LocalOnly);
        let ticket = match self.ticket() {
            Ok(ticket) => ticket,
            Err(error) => return tell(&Err(error), true),
        };
        let flight = Flight::new(goal, ticket, self.client.0.clock.moment());
        let voyage = Voyage {
            pilot: self,
            flight,
            tell: Some(Box::new(tell)),
            happened: Vec::new(),
            story,
            lock: None,
            store_turn: None,
            server_turn: None,
            logout,
            next: Next::Decide(Observation::Begun),
            dropped: Error::caught_panic("a refresh"),
        };
        Box::new(voyage).set_out();
    }

    fn ticket(&self) -> Result<Ticket> {
        let random = &*self.client.0.random;
        let [owner] = random::tokens(random)?;
        let mut dice = [0];
        random.fill(&mut dice)?;
        Ok(Ticket {
            account: Account::clone(&self.lane.account),
            owner,
            process: self.lane.home.process.id,
            started: self.lane.home.process.started.clone(),
            instance: self.lane.home.instance(random)?.to_owned(),
            dice: dice[0],
            patience: milliseconds(self.patience),
            credentials: self.client.0.fingerprint,
            request_timeout: milliseconds(self.client.0.request_timeout),
        })
    }
}

/// A flight under way. It holds a thread only while there is something to do, and no turn while it waits.
struct Voyage {
    pilot: Pilot,
    flight: Flight,
    /// Until it was told the end.
    tell: Option<Tell>,
    happened: Vec<Event>,
    story: Story,
    lock: Option<Box<dyn Any + Send>>,
    store_turn: Option<Turn>,
    server_turn: Option<Turn>,
    /// Of a logout: whether the server was told.
    logout: Option<LogoutOutcome>,
    next: Next,
    /// What who waits is told when the voyage is dropped on its way.
    dropped: Error,
}

enum Next {
    Decide(Observation),
    Act(Action),
}

impl Voyage {
    /// Goes on, on a thread of the pool, as soon as the store has a turn.
    fn set_out(self: Box<Self>) {
        let turns = Arc::clone(&self.pilot.lane.home.store);
        if let Some((voyage, turn)) = turns.take(self, Self::go_on) {
            voyage.go_on(turn);
        }
    }

    fn go_on(mut self: Box<Self>, turn: Turn) {
        self.store_turn = Some(turn);
        self.dropped = Error::new(ErrorCode::Busy, "no thread could be started; try again when the machine is less busy");
        // Otherwise it was dropped, and who waits was told.
        let _ = pool::run(move || self.run());
    }

    fn at_the_server(mut self: Box<Self>, turn: Turn) {
        self.server_turn = Some(turn);
        self.set_out();
    }

    fn run(mut self: Box<Self>) {
        self.dropped = Error::caught_panic("a refresh");
        loop {
            let action = match std::mem::replace(&mut self.next, Next::Decide(Observation::Begun)) {
                Next::Act(action) => action,
                Next::Decide(seen) => {
                    let (flight, client) = (&mut self.flight, &self.pilot.client);
                    self.pilot.lane.with(|known| flight.decide(known, seen, client.0.clock.moment()))
                }
            };
            self.pilot.lane.wait_for(match action {
                Action::Wait(_) => WaitsFor::Others,
                Action::TakeTurn | Action::Refresh(_) | Action::Exchange | Action::Revoke(_) => WaitsFor::Server,
                _ => WaitsFor::Store,
            });
            let seen = match action {
                Action::Load | Action::TryLock | Action::Swap { .. } if self.store_turn.is_none() => {
                    self.next = Next::Act(action);
                    let turns = Arc::clone(&self.pilot.lane.home.store);
                    let Some((voyage, turn)) = turns.take(self, Self::go_on) else { return };
                    self = voyage;
                    self.store_turn = Some(turn);
                    continue;
                }
                Action::Load => self.pilot.load(),
                Action::TryLock => self.pilot.try_lock(&mut self.lock),
                Action::Swap { expected, record } => self.pilot.swap(expected.as_deref(), &record),
                Action::TakeTurn => {
                    self.store_turn = None;
                    self.next = Next::Decide(Observation::Turn { waited: true });
                    let turns = self.pilot.lane.home.servers.turns(&self.pilot.client.0.server);
                    let Some((voyage, turn)) = turns.take(self, Self::at_the_server) else { return };
                    self = voyage;
                    self.server_turn = Some(turn);
                    Observation::Turn { waited: false }
                }
                Action::Refresh(record) => {
                    self.store_turn = None;
                    Observation::Answered(self.pilot.refresh(&record, &mut self.happened))
                }
                Action::Exchange => {
                    self.store_turn = None;
                    Observation::Answered(self.pilot.exchange(&mut self.happened))
                }
                Action::Revoke(token) => {
                    self.store_turn = None;
                    Observation::Revoked(self.pilot.client.revoke(&token).map(|outcome| self.logout = Some(outcome)))
                }
                Action::Wait(milliseconds) => {
                    self.store_turn = None;
                    self.server_turn = None;
                    self.next = Next::Decide(Observation::Waited);
                    return timer::after(Duration::from_millis(milliseconds), move || self.set_out());
                }
                Action::Tell(outcome) => {
                    self.store_turn = None;
                    self.server_turn = None;
                    if outcome.is_ok() {
                        self.pilot.client.0.events.emit(&Event::Unsaved { account: self.pilot.lane.account_hash() });
                    }
                    if let Some(tell) = &mut self.tell {
                        tell(&outcome.map(|()| true), false);
                    }
                    Observation::Told
                }
                // A logout is asked whether the server was told.
                Action::End(outcome) => {
                    let told = self.logout.map(|outcome| outcome == LogoutOutcome::Revoked);
                    return self.end(&outcome.map(|renewed| told.unwrap_or(renewed)));
                }
            };
            self.next = Next::Decide(seen);
        }
    }

    fn end(&mut self, outcome: &Result<bool>) {
        let Some(mut tell) = self.tell.take() else { return };
        self.lock = None;
        self.store_turn = None;
        self.server_turn = None;
        // What panics here must not keep the rest from being told, nor panic while this is dropped in a panic.
        let _ = catch_unwind(AssertUnwindSafe(|| tell(outcome, true)));
        self.happened.extend(self.story.end(&self.pilot.lane, outcome));
        self.happened.iter().for_each(|event| self.pilot.client.0.events.emit(event));
    }
}

impl Drop for Voyage {
    fn drop(&mut self) {
        let dropped = Err(self.dropped.clone());
        self.end(&dropped);
    }
}

impl Pilot {
    fn load(&self) -> Observation {
        let loaded = ask_store(|| self.store.register().load(&self.lane.key))
            .and_then(|entry| entry.map(|entry| stored(entry, &self.lane.account)).transpose());
        let loaded = loaded.map(|found| {
            found.map(|found| {
                let owner_is_gone = found.record.claim.as_ref().is_some_and(|claim| self.is_gone(claim));
                Stored { owner_is_gone, ..found }
            })
        });
        loaded.map_or_else(Observation::StoreFailed, Observation::Loaded)
    }

    /// Whether the process that made this claim has ended. Where the system does not tell, it is not known to have; but on Windows nothing else ends a lock.
    fn is_gone(&self, claim: &Claim) -> bool {
        let home = &self.lane.home.process;
        let is_here = claim.process == home.id && claim.started == home.started;
        !is_here && !ProcessIdentity { id: claim.process, started: claim.started.clone() }.is_alive().unwrap_or(!cfg!(windows))
    }

    fn try_lock(&self, lock: &mut Option<Box<dyn Any + Send>>) -> Observation {
        let asked = ask_store(|| self.store.register().try_lock(&self.lane.key));
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
        let entry = record.encode().and_then(|data| Ok(StoreEntry { version: version(&self.client)?, data, ends: None }));
        let swapped = entry.and_then(|entry| {
            let swapped = ask_store(|| self.store.register().swap(&self.lane.key, expected, &entry))?;
            Ok((swapped, entry.version))
        });
        match swapped {
            Ok((Swapped::Stored, version)) => Observation::Stored(version),
            Ok((Swapped::Conflict, _)) => Observation::Conflict,
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
        let answered = token_request::answer(&self.client, grant, &Arc::new(Progress::default()), happened);
        let Answered { tokens, sent, status } = match answered {
            Ok(answered) => answered,
            Err(none) => return Reply::failed(none.error, none.broken),
        };
        let refresh_token = tokens.refresh_token.clone();
        let judged = grant.complete(tokens, sent.wall.div_euclid(1000)).map_err(|error| error.with_status(status));
        match judged {
            // A good JSON object that holds nothing of use.
            Err(error) if refresh_token.is_none() && error.code() == ErrorCode::BadResponse => Reply::InDoubt(error),
            tokens => Reply::Tokens(Box::new(Received { tokens, refresh_token, sent })),
        }
    }
}

/// What a flight was about, for the events that tell of it.
struct Story {
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

impl Story {
    fn begin(goal: &Goal, lane: &Lane) -> Self {
        let kind = match goal {
            Goal::Look => Kind::Look,
            Goal::Renew { .. } | Goal::Force => Kind::Renewal,
            Goal::LogIn { .. } | Goal::Save { .. } => Kind::Login,
            Goal::LogOut => Kind::Logout,
        };
        Self { kind, started: Instant::now(), was_refused: lane.read(is_refused) }
    }

    fn end(&self, lane: &Lane, outcome: &Result<bool>) -> Option<Event> {
        let account = lane.account_hash();
        let generation = lane.read(|known| known.record().map_or(0, |record| record.generation));
        match (self.kind, outcome) {
            (Kind::Login, Ok(true)) => Some(Event::LoggedIn { account, generation }),
            (Kind::Renewal, Ok(true)) => Some(Event::Renewed { account, generation, duration: self.started.elapsed() }),
            (Kind::Renewal, Err(error)) => Some(Event::RenewalFailed { account, error: error.code() }),
            (Kind::Renewal, Ok(false)) if !self.was_refused && lane.read(is_refused) => Some(Event::LoginEnded { account }),
            (Kind::Logout, Ok(revoked)) => Some(Event::LoggedOut { account, outcome: LogoutOutcome::of(*revoked) }),
            _ => None,
        }
    }
}

fn is_refused(known: &Known) -> bool {
    known.record().is_some_and(|record| matches!(record.state, State::Dead { .. }))
}

/// A version that was never there before.
pub(super) fn version(client: &Client) -> Result<String> {
    random::tokens(&*client.0.random).map(|[token]| token[..22].to_owned())
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn stored(entry: StoreEntry, account: &Arc<Account>) -> Result<Stored> {
    Ok(Stored::new(entry.version, Record::decode(&entry.data)?.sharing(account)))
}

/// What the store says. One that panics has failed like one that errs: what it was to keep must not be lost.
pub(super) fn ask_store<T>(ask: impl FnOnce() -> Result<T, StoreFailure>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| Err("it panicked".into())).map_err(store_error)
}

fn store_error(failure: StoreFailure) -> Error {
    match failure.downcast::<Error>() {
        Ok(error) => *error,
        Err(failure) => Error::new(ErrorCode::StoreUnavailable, "the store failed; see the cause, and try again when the store works")
            .with_cause(Cause(failure)),
    }
}

/// The store's own error, kept as the cause.
#[derive(Debug)]
struct Cause(StoreFailure);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
