//! Carries a flight's actions out: the store, the lock, the network, and the waiting.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::lanes::Lane;
use super::under_way::UnderWay;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Event;
use crate::logout_outcome::LogoutOutcome;
use crate::oauth::grant::Grant;
use crate::random;
use crate::refresh::answer::{Received, Reply};
use crate::refresh::flight::Flight;
use crate::refresh::known::Known;
use crate::refresh::record::{Account, Record, State, Stored};
use crate::refresh::step::{Action, Goal, Observation, Ticket};
use crate::running::Progress;
use crate::store::{Store, StoreEntry, StoreFailure, StoreLock, Swapped};
use crate::sync::{Instant, thread};
use crate::token_request::{self, Answered};

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

impl Pilot {
    /// Flies to the end, on this thread. `tell` has the outcome, at the end or before it; with `true`, nothing follows.
    pub(crate) fn fly(self, goal: Goal, mut tell: impl FnMut(&Result<bool>, bool)) {
        let mut happened = Vec::new();
        let story = Story::begin(&goal, &self.lane);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run(goal, &mut happened, &mut tell)))
            .unwrap_or_else(|_| Err(Error::caught_panic("a refresh")));
        tell(&outcome, true);
        happened.extend(story.end(&self.lane, &outcome));
        happened.iter().for_each(|event| self.client.0.events.emit(event));
    }

    fn run(&self, goal: Goal, happened: &mut Vec<Event>, tell: &mut impl FnMut(&Result<bool>, bool)) -> Result<bool> {
        let clock = &self.client.0.clock;
        let is_logout = matches!(goal, Goal::LogOut);
        let mut flight = Flight::new(goal, self.ticket()?, clock.moment());
        let mut seen = Observation::Begun;
        let mut lock = None;
        let mut logout = LogoutOutcome::LocalOnly;
        loop {
            let action = self.lane.with(|known| flight.decide(known, seen, clock.moment()));
            seen = match action {
                Action::Load => self.load(),
                Action::TryLock => self.try_lock(&mut lock),
                Action::Swap { expected, record } => self.swap(expected.as_deref(), &record),
                Action::Refresh(record) => Observation::Answered(self.refresh(&record, happened)),
                Action::Exchange => Observation::Answered(self.exchange(happened)),
                Action::Revoke(token) => Observation::Revoked(self.client.revoke(&token).map(|outcome| logout = outcome)),
                Action::Wait(milliseconds) => {
                    thread::sleep(Duration::from_millis(milliseconds));
                    Observation::Waited
                }
                Action::Tell(outcome) => {
                    if outcome.is_ok() {
                        self.client.0.events.emit(&Event::Unsaved { account: self.lane.account_hash() });
                    }
                    tell(&outcome.map(|()| true), false);
                    Observation::Told
                }
                // A logout is asked whether the server was told.
                Action::End(outcome) if is_logout => return outcome.map(|_| logout == LogoutOutcome::Revoked),
                Action::End(outcome) => return outcome,
            };
        }
    }

    fn ticket(&self) -> Result<Ticket> {
        let [owner] = random::tokens(&*self.client.0.random)?;
        let mut dice = [0];
        self.client.0.random.fill(&mut dice)?;
        Ok(Ticket {
            account: Account::clone(&self.lane.account),
            owner,
            process: self.lane.process,
            instance: self.lane.instance.clone(),
            dice: dice[0],
            patience: u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn load(&self) -> Observation {
        let loaded = ask_store(|| self.store.register().load(&self.lane.key))
            .and_then(|entry| entry.map(|entry| stored(entry, &self.lane.account)).transpose());
        loaded.map_or_else(Observation::StoreFailed, Observation::Loaded)
    }

    fn try_lock(&self, lock: &mut Option<Box<dyn Any + Send>>) -> Observation {
        match ask_store(|| self.store.register().try_lock(&self.lane.key)) {
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

    fn end(self, lane: &Lane, outcome: &Result<bool>) -> Option<Event> {
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

pub(super) fn stored(entry: StoreEntry, account: &Arc<Account>) -> Result<Stored> {
    Ok(Stored { version: entry.version, record: Record::decode(&entry.data)?.sharing(account).into() })
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
