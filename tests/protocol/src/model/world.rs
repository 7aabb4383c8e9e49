//! A state of the world.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;
use sipgate_oauth2_protocol::openid::identity::Identity;
use sipgate_oauth2_protocol::refresh::action::Observation;
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, LocalState};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{Account, Record, State, Stored};
use sipgate_oauth2_protocol::secret::{IdToken, RefreshToken};
use sipgate_oauth2_protocol::time::Moment;

use super::invariants::{Invariant, UnavoidableLoss};
use super::server::Server;
use super::setup::{Budget, IdTokens, Setup};
use crate::mistakes::{BeforeClaim, Watching};

/// Time passes in leaps of this many seconds: longer than any lease, wait or backoff.
pub(super) const LEAP: u32 = 80;

/// After each leap it passes in beats of this many seconds: the longest gap between two loads of a
/// claim that is waited for, and longer than the wait before a failed write is retried. Half of the
/// beats cover the time that a claim must be watched without a gap, and the other half the wait
/// after a takeover.
pub(super) const BEAT: u32 = 2;
pub(super) const BEATS: u8 = 6;

/// The lifetime of an access token: due for a refresh after one leap, expired after two.
pub(super) const LIFETIME: u32 = 100;

/// How long before its end it counts as expired.
pub(super) const MARGIN: u32 = 10;

/// The age of the first token in worlds where it is still usable at the start.
const DUE_AGE: u32 = 85;

const BEGINNING: i64 = 1_700_000_000_000;

/// The user.
pub(super) const SUBJECT: &str = "u";

/// The slots for a process's operations.
pub(super) const REFRESHING: usize = 0;
pub(super) const LOGGING_IN: usize = 1;
pub(super) const RELOADING: usize = 2;
pub(super) const LOGGING_OUT: usize = 3;
pub(super) const JUDGING: usize = 4;
const SLOTS: usize = 5;

/// One world.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// Since the start, in seconds.
    pub(super) time: u32,
    pub(super) store: Store,
    pub(super) server: Server,
    pub(super) processes: Vec<Arc<Process>>,
    /// Abandoned requests that the server may still process, with their owners.
    pub(super) abandoned: Vec<(Purpose, String)>,
    /// The holders of the lock: process and slot. More than one only with siblings.
    pub(super) locks: Vec<(u8, usize)>,
    pub(super) budget: Budget,
    /// The processes have the server's keys.
    pub(super) has_keys: bool,
    /// The token of a login that is exchanged and not judged yet, and its grant.
    pub(super) held: Option<(u8, String)>,
    /// The tokens whose ID token was refused, and when that was stored.
    pub(super) refused: Vec<(u8, u32)>,
    /// The token sets that were ever stored, as bits.
    pub(super) durable: u64,
    /// The grants that have ended in the store, and when.
    pub(super) ended: Vec<(String, u32)>,
    /// What happened that may end a login unavoidably.
    pub(super) unavoidable: Option<UnavoidableLoss>,
    /// A fault has happened.
    pub(super) had_fault: bool,
    /// The invariant that the last step violated.
    pub(super) violated: Option<Invariant>,
}

/// The store, with one key.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) entry: Option<Entry>,
    /// The entry before the last write, while that can still be lost.
    pub(super) before: Option<Option<Entry>>,
    /// It was written since the last leap.
    pub(super) is_new: bool,
    pub(super) state: StoreState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StoreState {
    Up,
    ReadOnly,
    Down,
}

/// What is stored, with its digest.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stored: Arc<Stored>,
    pub(super) digest: u64,
}

impl From<Stored> for Entry {
    fn from(stored: Stored) -> Self {
        Self { digest: digest(&stored), stored: Arc::new(stored) }
    }
}

/// A process, with its operations.
#[derive(Clone, Debug, Hash)]
pub(super) struct Process {
    pub(super) local: LocalState,
    pub(super) operations: [Option<RunningOperation>; SLOTS],
    pub(super) caller: Option<Caller>,
    /// How many times it was killed and started again.
    pub(super) incarnation: u8,
    /// How many operations it has started, without reloads.
    pub(super) operations_started: u8,
    /// As by SIGSTOP.
    pub(super) stopped: bool,
    /// For `Planted::CountOutageAsWatched`.
    pub(super) watching: Watching,
    pub(super) digest: u64,
}

/// An operation, with its pending action.
#[derive(Clone, Debug, Hash)]
pub(super) struct RunningOperation {
    pub(super) operation: Operation,
    pub(super) owner: String,
    pub(super) pending: Pending,
    pub(super) swaps: u8,
    /// It has obtained tokens that are not stored yet.
    pub(super) unstored: bool,
    /// The token of a login, once it was obtained.
    pub(super) obtained: Option<u8>,
    /// Its claim, as it was written.
    pub(super) claimed: Option<Stored>,
    /// It loads only what it has written itself: for `Planted::NoReload` and
    /// `Planted::RevokeWithoutReload`.
    pub(super) stale_reads: bool,
    /// For `Planted::ClaimDatedLate`.
    pub(super) before_claim: BeforeClaim,
}

#[derive(Clone, Debug, Hash)]
pub(super) enum Pending {
    Load,
    TryLock,
    Swap {
        expected: Option<String>,
        record: Arc<Record>,
    },
    /// The store is slow to report a write.
    Confirming {
        observation: Observation,
    },
    /// A wait from one time until at least the other.
    Wait {
        since: u32,
        until: u32,
    },
    /// For a permit, which may be free at once.
    Permit,
    /// For the server's keys, to judge the ID token of this record.
    Keys {
        record: Arc<Record>,
    },
    /// Other operations get their permit first.
    Queued,
    /// The same under a claim: for `Planted::ClaimBeforePermit`.
    ClaimedWhileQueued {
        record: Arc<Record>,
    },
    /// A request is in flight, or its response is.
    Request {
        purpose: Purpose,
        sent: Moment,
        response: Option<Response>,
    },
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Purpose {
    /// A refresh with this token.
    Refresh(u8),
    /// A login.
    Exchange,
    /// The revocation of this token.
    Revoke(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Response {
    Tokens(u8),
    InvalidGrant,
    Revoked,
}

/// A caller that needs an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller {
    pub(super) attempted: Attempted,
    /// The slot of the operation that it waits for.
    pub(super) awaits: usize,
    /// It needs a new token.
    pub(super) force: bool,
}

impl World {
    /// One login, whose token has expired or is due for a refresh.
    pub(super) fn new(setup: &Setup) -> Self {
        let server = Server::new(setup.rotation);
        let sent = BEGINNING - i64::from(first_age(setup)) * 1000;
        let record = Record {
            grant_id: "g".into(),
            generation: 1,
            state: State::Active,
            refresh_token: Some(refresh_token(0)),
            tokens: Some(tokens(0, sent)),
            sent_at: sent,
            identity: (setup.id_tokens != IdTokens::None).then(|| identity(&server, 0).into()),
            unjudged: (setup.id_tokens == IdTokens::Unjudged).then(|| id_token(0)),
            ..Record::empty(account())
        };
        let mut world = Self {
            time: 0,
            store: Store { entry: Some(Stored::new("first".into(), record).into()), before: None, is_new: false, state: StoreState::Up },
            server,
            processes: (0..setup.processes).map(|_| Arc::new(Process::new(0))).collect(),
            abandoned: Vec::new(),
            locks: Vec::new(),
            budget: setup.budget,
            has_keys: setup.id_tokens != IdTokens::Unjudged,
            held: None,
            refused: Vec::new(),
            durable: 1,
            ended: Vec::new(),
            unavoidable: None,
            had_fault: false,
            violated: None,
        };
        world.processes.iter_mut().for_each(|process| Arc::make_mut(process).update_digest());
        world
    }

    pub(super) fn now(&self, setup: &Setup, process: usize) -> Moment {
        let passed = i64::from(self.time) * 1000;
        let skew = if process == 1 { setup.skew } else { 0 };
        Moment { wall: BEGINNING + passed + skew, mono: u64::try_from(passed).expect("time does not go back") }
    }

    /// Whether the access token issued with `token` has expired.
    pub(super) fn is_expired(&self, setup: &Setup, token: u8) -> bool {
        let age = if token == 0 { self.time + first_age(setup) } else { self.time - self.server.notes(token).issued };
        age >= LIFETIME
    }

    /// What the store holds.
    pub(super) fn stored(&self) -> Option<&Stored> {
        self.store.entry.as_ref().map(|entry| &*entry.stored)
    }

    pub(super) fn process_mut(&mut self, process: usize) -> &mut Process {
        Arc::make_mut(&mut self.processes[process])
    }

    /// The operations of processes that are not stopped.
    pub(super) fn awake(&self) -> impl Iterator<Item = &RunningOperation> {
        self.processes.iter().filter(|process| !process.stopped).flat_map(|process| process.operations.iter().flatten())
    }

    /// Whether no request is in flight, and no tokens wait to be stored.
    pub(super) fn is_quiescent(&self) -> bool {
        self.abandoned.is_empty() && self.processes.iter().all(|process| !process.could_lose_login() && !process.local.is_unsaved())
    }
}

impl Process {
    pub(super) fn new(incarnation: u8) -> Self {
        Self {
            local: LocalState::default(),
            operations: [const { None }; SLOTS],
            caller: None,
            incarnation,
            operations_started: 0,
            stopped: false,
            watching: None,
            digest: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.operations.iter().all(Option::is_none)
    }

    /// Whether killing the process now may lose the login: the server may have spent the token, and
    /// the next one is not stored.
    pub(super) fn could_lose_login(&self) -> bool {
        self.operations[REFRESHING].as_ref().is_some_and(RunningOperation::could_lose_login)
    }

    /// The same for a login in progress.
    pub(super) fn is_logging_in(&self) -> bool {
        self.operations[LOGGING_IN].as_ref().is_some_and(RunningOperation::could_lose_login)
    }

    /// Updates the digest, once the state is complete.
    pub(super) fn update_digest(&mut self) {
        self.digest = 0;
        self.digest = digest(&*self);
    }
}

impl RunningOperation {
    /// Whether it waits for time or for others, and has acted since the last leap.
    pub(super) fn is_waiting(&self, time: u32) -> bool {
        match self.pending {
            Pending::Wait { since, until } => since == time || until > time,
            Pending::Confirming { .. } | Pending::Keys { .. } | Pending::Queued | Pending::ClaimedWhileQueued { .. } => true,
            _ => false,
        }
    }

    fn could_lose_login(&self) -> bool {
        self.unstored || matches!(self.pending, Pending::Request { purpose: Purpose::Refresh(_) | Purpose::Exchange, .. })
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let entry = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.digest);
        (self.time, entry(&self.store.entry), self.store.before.as_ref().map(entry), self.store.is_new, self.store.state).hash(state);
        self.server.hash(state);
        self.processes.iter().for_each(|process| process.digest.hash(state));
        (self.has_keys, &self.held, &self.refused).hash(state);
        (&self.abandoned, &self.locks, &self.budget, self.durable, &self.ended, self.unavoidable, self.had_fault, self.violated)
            .hash(state);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        digest(self) == digest(other)
    }
}

pub(super) fn digest(thing: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

fn first_age(setup: &Setup) -> u32 {
    if setup.refresh_due { DUE_AGE } else { LIFETIME }
}

pub(super) fn account() -> Account {
    Account { issuer: "i".into(), client_id: "c".into(), account: "a".into() }
}

pub(super) fn refresh_token(token: u8) -> RefreshToken {
    format!("r{token}").into()
}

pub(super) fn id_token(token: u8) -> IdToken {
    format!("i{token}").into()
}

/// What the ID token beside this refresh token says.
pub(super) fn identity(server: &Server, token: u8) -> Identity {
    Identity {
        subject: SUBJECT.into(),
        session: Some(format!("s{}", server.session(token))),
        nonce: None,
        authorized_party: None,
        auth_time: None,
        issued_at: i64::from(server.first(token)),
    }
}

/// The number of a token.
pub(super) fn number(text: &str) -> u8 {
    text[1..].parse().expect("a token of this server")
}

/// The number of a record's refresh token.
pub(super) fn token_of(record: &Record) -> Option<u8> {
    record.refresh_token.as_ref().map(|token| number(token.reveal()))
}

/// The tokens of a request that was sent at `sent` on the sender's wall clock.
pub(super) fn tokens(token: u8, sent: i64) -> TokenSet {
    let ends = sent.div_euclid(1000) + i64::from(LIFETIME);
    TokenSet::restore(&format!(r#"{{"access_token":"a{token}","refresh_token":"r{token}","expires_at":{ends}}}"#)).expect("good tokens")
}

pub(super) fn store_failed() -> Observation {
    Observation::StoreFailed(Error::new(ErrorCode::StoreUnavailable, "no response"))
}
