//! One process, a store of one key, and a script for whatever else happens.

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::refresh::action::{Action, Goal, Observation, OperationContext};
use crate::refresh::local_state::{LocalState, TokenRequirements};
use crate::refresh::operation::Operation;
use crate::refresh::record::{Account, Claim, LEASE_MILLISECONDS, Record, State, Stored};
use crate::refresh::reply::{Received, Reply};
use crate::time::Moment;

pub(super) const START: i64 = 1_700_000_000_000;

/// The tokens of the rig live five minutes.
pub(super) const LIFE_MILLISECONDS: u64 = 300_000;

pub(super) struct Rig {
    pub(super) stored: Option<Stored>,
    pub(super) known: LocalState,
    pub(super) now: Moment,
    pub(super) locks: bool,
    pub(super) jitter: u8,
    /// The process of other owners has certainly ended.
    pub(super) gone: bool,
    pub(super) credentials: u64,
    /// Others have their turn at the server first.
    pub(super) queue: bool,
    /// What was done, one word each.
    pub(super) log: Vec<String>,
    writes: u32,
    flights: u32,
}

impl Rig {
    /// With one login, `g` at generation 1 with the refresh token `r1`, whose access token has run out.
    pub(super) fn new() -> Self {
        let now = Moment { wall: START, mono: 1_000_000 };
        let mut rig = Self {
            stored: None,
            known: LocalState::default(),
            now,
            locks: true,
            jitter: 0,
            gone: true,
            credentials: 0,
            queue: false,
            log: Vec::new(),
            writes: 0,
            flights: 0,
        };
        rig.put(login("g", 1, START - 300_000));
        rig
    }

    /// The same once more, with nothing done yet.
    pub(super) fn twin(&self) -> Self {
        Self { stored: self.stored.clone(), known: self.known.clone(), now: self.now, ..Self::new() }
    }

    pub(super) fn leasing() -> Self {
        Self { locks: false, ..Self::new() }
    }

    /// Somebody writes.
    pub(super) fn put(&mut self, record: Record) {
        self.writes += 1;
        self.stored = Some(Stored::new(format!("v{}", self.writes), record));
    }

    /// Somebody changes what is there.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) {
        let mut record = self.record().clone();
        change(&mut record);
        self.put(record);
    }

    pub(super) fn record(&self) -> &Record {
        &self.stored.as_ref().expect("something is stored").record
    }

    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.now.mono += milliseconds;
        self.now.wall += i64::try_from(milliseconds).unwrap();
    }

    pub(super) fn renew(&mut self, reply: impl Fn(&Self) -> Reply) -> Result<bool> {
        self.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
            Action::Refresh(_) => Some(Observation::Replied(reply(rig))),
            _ => None,
        })
    }

    pub(super) fn force(&mut self, reply: impl Fn(&Self) -> Reply) -> Result<bool> {
        self.fly(Goal::ForceRefresh, |rig, action| match action {
            Action::Refresh(_) => Some(Observation::Replied(reply(rig))),
            _ => None,
        })
    }

    pub(super) fn look(&mut self) {
        self.fly(Goal::Reload, |_, _| None).unwrap();
    }

    pub(super) fn log_out(&mut self) -> Result<bool> {
        self.fly(Goal::LogOut, |_, action| matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Ok(()))))
    }

    /// Flies to the end. The script may do something before an action is carried out, or say what came of it.
    pub(super) fn fly(&mut self, goal: Goal, mut script: impl FnMut(&mut Self, &Action) -> Option<Observation>) -> Result<bool> {
        self.flights += 1;
        let mut flight = Operation::new(goal, self.ticket(), self.now);
        let mut seen = Observation::Begun;
        for _ in 0..5_000 {
            let mut known = std::mem::take(&mut self.known);
            let action = flight.decide(&mut known, seen, self.now);
            self.known = known;
            if !matches!(action, Action::AcquirePermit) {
                self.log.push(word(&action));
            }
            let scripted = script(self, &action);
            seen = match (scripted, action) {
                (_, Action::Finish(outcome)) => return outcome,
                (Some(seen), _) => seen,
                (None, Action::Load) => {
                    Observation::Loaded(self.stored.clone().map(|stored| Stored { owner_is_gone: self.gone, ..stored }))
                }
                (None, Action::TryLock) if self.locks => Observation::Locked,
                (None, Action::TryLock) => Observation::NoLocks,
                (None, Action::Swap { expected, record }) => self.swap(expected.as_deref(), &record),
                (None, Action::Wait(milliseconds)) => {
                    self.pass(milliseconds);
                    Observation::Waited
                }
                (None, Action::AcquirePermit) => Observation::PermitAcquired { waited: self.queue },
                (None, Action::Report(_)) => Observation::Reported,
                (None, action) => panic!("nothing was said about {action:?}"),
            };
        }
        panic!("it goes on for ever: {:?}", self.log.last_chunk::<12>());
    }

    fn ticket(&self) -> OperationContext {
        OperationContext {
            account: account(),
            owner: format!("o{}", self.flights),
            process: 7,
            started: Some("then".into()),
            instance: "here".into(),
            jitter: self.jitter,
            patience: 30_000,
            credentials: self.credentials,
            request_timeout: 30_000,
        }
    }

    fn swap(&mut self, expected: Option<&str>, record: &Arc<Record>) -> Observation {
        if self.stored.as_ref().map(|stored| stored.version.as_str()) != expected {
            return Observation::Conflict;
        }
        self.put((**record).clone());
        Observation::Stored(format!("v{}", self.writes))
    }

    /// How often something was done.
    pub(super) fn times(&self, word: &str) -> usize {
        self.log.iter().filter(|done| *done == word).count()
    }

    /// Good tokens of a request that was sent now.
    pub(super) fn tokens(&self, number: u64) -> Reply {
        Reply::Tokens(Box::new(self.received(number)))
    }

    pub(super) fn received(&self, number: u64) -> Received {
        let tokens = tokens(number, self.now.wall);
        Received { refresh_token: tokens.refresh_token().cloned(), tokens: Ok(tokens), sent: self.now }
    }
}

fn word(action: &Action) -> String {
    let word = match action {
        Action::Load => "load",
        Action::TryLock => "lock",
        Action::Swap { record, .. } if record.claim.is_some() => "claim",
        Action::Swap { .. } => "swap",
        Action::AcquirePermit => "turn",
        Action::Refresh(record) => return format!("refresh {}", record.refresh_token.as_ref().unwrap().reveal()),
        Action::Exchange => "exchange",
        Action::Revoke(token) => return format!("revoke {}", token.reveal()),
        Action::Wait(_) => "wait",
        Action::Report(_) => "tell",
        Action::Finish(_) => "end",
    };
    word.into()
}

fn account() -> Account {
    Account { issuer: "https://issuer.example".into(), client_id: "client".into(), account: "user-42".into() }
}

pub(super) fn tokens(number: u64, sent: i64) -> TokenSet {
    let ends = sent.div_euclid(1000) + i64::try_from(LIFE_MILLISECONDS / 1000).unwrap();
    TokenSet::restore(&format!(r#"{{"access_token":"a{number}","refresh_token":"r{number}","expires_at":{ends}}}"#)).unwrap()
}

/// The record of a login whose tokens have the number of their generation.
pub(super) fn login(grant_id: &str, generation: u64, sent_at: i64) -> Record {
    let tokens = tokens(generation, sent_at);
    Record {
        grant_id: grant_id.into(),
        generation,
        state: State::Active,
        refresh_token: tokens.refresh_token().cloned(),
        tokens: Some(tokens),
        sent_at,
        ..Record::vacant(account())
    }
}

pub(super) fn tomb(grant_id: &str, generation: u64) -> Record {
    Record { state: State::LoggedOut, tokens: None, ..login(grant_id, generation, START) }
}

/// A claim of another process.
pub(super) fn claim(locked: bool) -> Option<Claim> {
    Some(Claim {
        owner: "theirs".into(),
        process: 8,
        started: Some("then".into()),
        instance: "there".into(),
        locked,
        login: false,
        lease_milliseconds: LEASE_MILLISECONDS,
    })
}

pub(super) fn error(code: ErrorCode) -> Error {
    Error::new(code, "as the script says")
}
