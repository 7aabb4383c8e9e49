//! One process, a store with one key, and a script of what else happens.

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::openid::identity::{EndedSession, Identity};
use crate::refresh::action::{Action, Goal, Observation, OperationContext};
use crate::refresh::local_state::{LocalState, TokenRequirements};
use crate::refresh::operation::Operation;
use crate::refresh::record::{Account, Claim, LEASE_MILLISECONDS, Record, State, Stored};
use crate::refresh::reply::{Received, ReceivedIdToken, Reply};
use crate::time::Moment;

pub(super) const START: i64 = 1_700_000_000_000;

/// The lifetime of the tokens in a scene.
pub(super) const LIFETIME_MILLISECONDS: u64 = 300_000;

pub(super) struct Scene {
    pub(super) stored: Option<Stored>,
    pub(super) local: LocalState,
    pub(super) now: Moment,
    pub(super) locks: bool,
    pub(super) jitter: u8,
    /// The processes of other owners have certainly exited.
    pub(super) owner_exited: bool,
    pub(super) credentials: u64,
    /// Other operations get their permit first.
    pub(super) others_first: bool,
    /// The actions, a word each.
    pub(super) log: Vec<String>,
    writes: u32,
    operations: u32,
}

impl Scene {
    /// A scene with the login `g` at generation 1, with the refresh token `r1` and an expired
    /// access token.
    pub(super) fn new() -> Self {
        let now = Moment { wall: START, mono: 1_000_000 };
        let mut scene = Self {
            stored: None,
            local: LocalState::default(),
            now,
            locks: true,
            jitter: 0,
            owner_exited: true,
            credentials: 0,
            others_first: false,
            log: Vec::new(),
            writes: 0,
            operations: 0,
        };
        scene.put(login("g", 1, START - 300_000));
        scene
    }

    /// A copy with an empty log.
    pub(super) fn twin(&self) -> Self {
        Self { stored: self.stored.clone(), local: self.local.clone(), now: self.now, ..Self::new() }
    }

    pub(super) fn leasing() -> Self {
        Self { locks: false, ..Self::new() }
    }

    /// Another process writes.
    pub(super) fn put(&mut self, record: Record) {
        self.writes += 1;
        self.stored = Some(Stored::new(format!("v{}", self.writes), record));
    }

    /// Another process changes the record.
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

    pub(super) fn refresh(&mut self, reply: impl Fn(&Self) -> Reply) -> Result<bool> {
        self.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
            Action::Refresh(_) => Some(Observation::Replied(reply(scene))),
            _ => None,
        })
    }

    pub(super) fn force(&mut self, reply: impl Fn(&Self) -> Reply) -> Result<bool> {
        self.run(Goal::ForceRefresh, |scene, action| match action {
            Action::Refresh(_) => Some(Observation::Replied(reply(scene))),
            _ => None,
        })
    }

    pub(super) fn reload(&mut self) {
        self.run(Goal::Reload, |_, _| None).unwrap();
    }

    pub(super) fn log_out(&mut self) -> Result<bool> {
        self.run(Goal::LogOut, |_, action| matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Ok(()))))
    }

    /// Runs to the end. Before an action is carried out, the script may change something, or return
    /// the observation to use instead.
    pub(super) fn run(&mut self, goal: Goal, mut script: impl FnMut(&mut Self, &Action) -> Option<Observation>) -> Result<bool> {
        self.operations += 1;
        let mut operation = Operation::new(goal, self.context(), self.now);
        let mut observation = Observation::Begun;
        for _ in 0..5_000 {
            let mut local = std::mem::take(&mut self.local);
            let action = operation.decide(&mut local, observation, self.now);
            self.local = local;
            if !matches!(action, Action::AcquirePermit) {
                self.log.push(word(&action));
            }
            let scripted = script(self, &action);
            observation = match (scripted, action) {
                (_, Action::Finish(outcome)) => return outcome,
                (Some(observation), _) => observation,
                (None, Action::Load) => {
                    Observation::Loaded(self.stored.clone().map(|stored| Stored { owner_has_exited: self.owner_exited, ..stored }))
                }
                (None, Action::TryLock) if self.locks => Observation::Locked,
                (None, Action::TryLock) => Observation::NoLocks,
                (None, Action::Swap { expected, record }) => self.swap(expected.as_deref(), &record),
                (None, Action::Wait(milliseconds)) => {
                    self.pass(milliseconds);
                    Observation::Waited
                }
                (None, Action::AcquirePermit) => Observation::PermitAcquired { waited: self.others_first },
                (None, Action::Report(_)) => Observation::Reported,
                (None, action) => panic!("the script has no observation for {action:?}"),
            };
        }
        panic!("the operation does not end: {:?}", self.log.last_chunk::<12>());
    }

    fn context(&self) -> OperationContext {
        OperationContext {
            account: account(),
            owner: format!("o{}", self.operations),
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

    /// How many times this action was carried out.
    pub(super) fn times(&self, word: &str) -> usize {
        self.log.iter().filter(|done| *done == word).count()
    }

    /// Good tokens for a request that was sent now.
    pub(super) fn tokens(&self, number: u64) -> Reply {
        Reply::Tokens(Box::new(self.received(number)))
    }

    pub(super) fn received(&self, number: u64) -> Received {
        let tokens = tokens(number, self.now.wall);
        Received { refresh_token: tokens.refresh_token().cloned(), tokens: Ok(tokens), sent: self.now, id_token: ReceivedIdToken::Absent }
    }
}

fn word(action: &Action) -> String {
    let word = match action {
        Action::Load => "load",
        Action::TryLock => "lock",
        Action::Swap { record, .. } if record.claim.is_some() => "claim",
        Action::Swap { .. } => "swap",
        Action::AcquirePermit => "permit",
        Action::Refresh(record) => return format!("refresh {}", record.refresh_token.as_ref().unwrap().reveal()),
        Action::Exchange => "exchange",
        Action::Judge(record) => return format!("judge {}", record.unjudged.as_ref().unwrap().reveal()),
        Action::Revoke(token) => return format!("revoke {}", token.reveal()),
        Action::Wait(_) => "wait",
        Action::Report(_) => "report",
        Action::Finish(_) => "finish",
    };
    word.into()
}

fn account() -> Account {
    Account { issuer: "https://issuer.example".into(), client_id: "client".into(), account: "user-42".into() }
}

pub(super) fn tokens(number: u64, sent: i64) -> TokenSet {
    let ends = sent.div_euclid(1000) + i64::try_from(LIFETIME_MILLISECONDS / 1000).unwrap();
    TokenSet::restore(&format!(r#"{{"access_token":"a{number}","refresh_token":"r{number}","expires_at":{ends}}}"#)).unwrap()
}

/// The record of a login whose tokens are numbered by their generation.
pub(super) fn login(grant_id: &str, generation: u64, sent_at: i64) -> Record {
    let tokens = tokens(generation, sent_at);
    Record {
        grant_id: grant_id.into(),
        generation,
        state: State::Active,
        refresh_token: tokens.refresh_token().cloned(),
        tokens: Some(tokens),
        sent_at,
        ..Record::empty(account())
    }
}

pub(super) fn tombstone(grant_id: &str, generation: u64) -> Record {
    Record { state: State::LoggedOut, tokens: None, ..login(grant_id, generation, START) }
}

/// What the ID tokens of a session say.
pub(super) fn identity(session: &str) -> Identity {
    Identity {
        subject: "user".into(),
        session: Some(session.into()),
        nonce: None,
        authorized_party: None,
        auth_time: None,
        issued_at: START / 1000,
    }
}

/// The end of a session, or of all sessions of the user that began before `at`.
pub(super) fn ended_session(session: Option<&str>, at: i64) -> EndedSession {
    EndedSession { session: session.map(str::to_owned), subject: Some("user".into()), issued_at: at / 1000 }
}

/// Another process's claim.
pub(super) fn claim(locked: bool) -> Option<Claim> {
    Some(Claim {
        owner: "theirs".into(),
        process: 8,
        started: Some("then".into()),
        instance: "there".into(),
        locked,
        login: false,
        took_over: false,
        lease_milliseconds: LEASE_MILLISECONDS,
    })
}

pub(super) fn error(code: ErrorCode) -> Error {
    Error::new(code, "scripted")
}
