//! One state of the world.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::invariants::{Invariant, UnavoidableLoss};
use super::server::Server;
use super::setup::{Budget, Setup};
use crate::mistakes::{BeforeClaim, Watching};
use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;
use sipgate_oauth2_protocol::refresh::action::Observation;
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, LocalState};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{Account, Record, State, Stored};
use sipgate_oauth2_protocol::secret::RefreshToken;
use sipgate_oauth2_protocol::time::Moment;

/// Time goes in leaps of so many seconds, longer than a lease, a wait and a back-off: whatever
/// waits for time to pass has waited long enough after one.
pub(super) const LEAP: u32 = 80;

/// After each leap it goes on in so many beats of so many seconds: as long as the store may be
/// silent for somebody who watches a claim, and longer than an owner waits before it tries a failed
/// write again. Half of them are as long as a claim must be watched without a gap, and the other
/// half as long as who has taken it over waits.
pub(super) const BEAT: u32 = 2;
pub(super) const BEATS: u8 = 6;

/// A token should be refreshed one leap after its issue, and is over after two.
pub(super) const LIFETIME: u32 = 100;

/// What it must still live to be handed out.
pub(super) const MARGIN: u32 = 10;

/// How old the first token is at the beginning, where it may still be handed out.
const DUE_AGE: u32 = 85;

const BEGINNING: i64 = 1_700_000_000_000;

/// The places of a process's operations: one that refreshes, one that puts a login there, one that
/// looks, and one that logs out.
pub(super) const REFRESHING: usize = 0;
pub(super) const LOGGING_IN: usize = 1;
pub(super) const RELOADING: usize = 2;
pub(super) const LOGGING_OUT: usize = 3;
const SLOTS: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// In seconds.
    pub(super) time: u32,
    pub(super) store: Store,
    pub(super) server: Server,
    pub(super) processes: Vec<Arc<Process>>,
    /// Requests that nobody waits for any more, and that the server may still work off, and whose
    /// they were.
    pub(super) abandoned: Vec<(Purpose, String)>,
    /// Who holds the lock: process and slot. More than one only as siblings.
    pub(super) locks: Vec<(u8, usize)>,
    pub(super) budget: Budget,
    /// Token sets that were in the store at some time, as bits.
    pub(super) durable: u64,
    /// Grants that the store saw end, and when.
    pub(super) ended: Vec<(String, u32)>,
    /// What happened that can end a login by unavoidable.
    pub(super) unavoidable: Option<UnavoidableLoss>,
    /// A fault has happened.
    pub(super) had_fault: bool,
    /// The invariant that the last step broke.
    pub(super) violated: Option<Invariant>,
}

/// The store: one key of it.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) entry: Option<Entry>,
    /// What was there before the last write, while that can still be lost.
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

/// What is stored, and what it looks like.
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

/// A process, and what it does.
#[derive(Clone, Debug, Hash)]
pub(super) struct Process {
    pub(super) local: LocalState,
    pub(super) operations: [Option<RunningOperation>; SLOTS],
    pub(super) caller: Option<Caller>,
    /// How often it was killed and started again.
    pub(super) incarnation: u8,
    /// How many of its operations could write.
    pub(super) operations_started: u8,
    /// By SIGSTOP.
    pub(super) stopped: bool,
    /// The claim that it last loaded, and when: see `Planted::CountOutageAsWatched`.
    pub(super) watching: Watching,
    pub(super) digest: u64,
}

/// A operation, and the action that it waits for.
#[derive(Clone, Debug, Hash)]
pub(super) struct RunningOperation {
    pub(super) operation: Operation,
    pub(super) owner: String,
    pub(super) pending: Pending,
    pub(super) swaps: u8,
    /// Tokens that it got and has not stored yet.
    pub(super) unstored: bool,
    /// Of a login: what it is to put there, as soon as it has it.
    pub(super) obtained: Option<u8>,
    /// What it has claimed, as it wrote it.
    pub(super) claimed: Option<Stored>,
    /// It does not look any more: see `Planted::NoReload`.
    pub(super) stale_reads: bool,
    /// How it came to purpose for its claim: see `Planted::ClaimDatedLate`.
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
    /// The store has written, or not, and is slow to say so.
    Confirming {
        observation: Observation,
    },
    /// Since then, and at least until then.
    Wait {
        since: u32,
        until: u32,
    },
    /// For a turn at the server: it may be there at once.
    Permit,
    /// Others have theirs first.
    Queued,
    /// The same, where the claim is made before the turn: see `Planted::ClaimBeforePermit`.
    ClaimedWhileQueued {
        record: Arc<Record>,
    },
    /// A request is under way, or its response.
    Request {
        purpose: Purpose,
        sent: Moment,
        response: Option<Response>,
    },
}

/// What the server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Purpose {
    /// The tokens that follow.
    Refresh(u8),
    /// Those of a login.
    Exchange,
    /// The end of the session that the token belongs to.
    Revoke(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Response {
    Tokens(u8),
    InvalidGrant,
    Revoked,
}

/// Somebody who wants an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller {
    pub(super) attempted: Attempted,
    /// The slot of the operation that it waits for.
    pub(super) awaits: usize,
    /// What it wants is a new one.
    pub(super) force: bool,
}

impl World {
    /// One login, whose token is over or is to be refreshed.
    pub(super) fn new(setup: &Setup) -> Self {
        let sent = BEGINNING - i64::from(first_age(setup)) * 1000;
        let record = Record {
            grant_id: "g".into(),
            generation: 1,
            state: State::Active,
            refresh_token: Some(refresh_token(0)),
            tokens: Some(tokens(0, sent)),
            sent_at: sent,
            ..Record::empty(account())
        };
        let mut world = Self {
            time: 0,
            store: Store { entry: Some(Stored::new("first".into(), record).into()), before: None, is_new: false, state: StoreState::Up },
            server: Server::new(setup.rotation),
            processes: (0..setup.processes).map(|_| Arc::new(Process::new(0))).collect(),
            abandoned: Vec::new(),
            locks: Vec::new(),
            budget: setup.budget,
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
        Moment { wall: BEGINNING + passed + skew, mono: u64::try_from(passed).expect("time goes on") }
    }

    /// Whether the access token that came with `token` must not be handed out any more.
    pub(super) fn is_expired(&self, setup: &Setup, token: u8) -> bool {
        let age = if token == 0 { self.time + first_age(setup) } else { self.time - self.server.token(token).issued };
        age >= LIFETIME
    }

    /// What the store has.
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

    /// Whether nobody has a request under way or tokens that are not stored.
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

    /// Whether being killed now can cost the login: the server may have spent the token, and the
    /// store does not have the next one.
    pub(super) fn could_lose_login(&self) -> bool {
        self.operations[REFRESHING].as_ref().is_some_and(RunningOperation::could_lose_login)
    }

    /// The same for a login that is being made.
    pub(super) fn is_logging_in(&self) -> bool {
        self.operations[LOGGING_IN].as_ref().is_some_and(RunningOperation::could_lose_login)
    }

    /// Notes what this state looks like, once it is complete.
    pub(super) fn update_digest(&mut self) {
        self.digest = 0;
        self.digest = digest(&*self);
    }
}

impl RunningOperation {
    /// Whether it waits for time to pass, or for others, and has looked around since time last
    /// passed.
    pub(super) fn is_waiting(&self, time: u32) -> bool {
        match self.pending {
            Pending::Wait { since, until } => since == time || until > time,
            Pending::Confirming { .. } | Pending::Queued | Pending::ClaimedWhileQueued { .. } => true,
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

/// Which token a text is.
pub(super) fn number(text: &str) -> u8 {
    text[1..].parse().expect("a token of this server")
}

/// The token that a record goes on with.
pub(super) fn token_of(record: &Record) -> Option<u8> {
    record.refresh_token.as_ref().map(|token| number(token.reveal()))
}

/// What a request that was sent at `sent`, by the wall clock of whoever sent it, obtained.
pub(super) fn tokens(token: u8, sent: i64) -> TokenSet {
    let ends = sent.div_euclid(1000) + i64::from(LIFETIME);
    TokenSet::restore(&format!(r#"{{"access_token":"a{token}","refresh_token":"r{token}","expires_at":{ends}}}"#)).expect("good tokens")
}

pub(super) fn store_failed() -> Observation {
    Observation::StoreFailed(Error::new(ErrorCode::StoreUnavailable, "no response"))
}
