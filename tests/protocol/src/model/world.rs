//! One state of the world.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::rules::{Nature, Rule};
use super::server::Server;
use super::setup::{Left, Setup};
use crate::mistakes::{Claiming, Watching};
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

/// A token should be renewed one leap after its issue, and is over after two.
pub(super) const LIFE: u32 = 100;

/// What it must still live to be handed out.
pub(super) const MARGIN: u32 = 10;

/// How old the first token is at the beginning, where it may still be handed out.
const AGING: u32 = 85;

const BEGINNING: i64 = 1_700_000_000_000;

/// The places of a process's flights: one that refreshes, one that puts a login there, one that
/// looks, and one that logs out.
pub(super) const REFRESHING: usize = 0;
pub(super) const ARRIVING: usize = 1;
pub(super) const LOOKING: usize = 2;
pub(super) const LEAVING: usize = 3;
const PLACES: usize = 4;

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
    pub(super) orphans: Vec<(Ask, String)>,
    /// Who holds the lock: process and place. More than one only as siblings.
    pub(super) locks: Vec<(u8, usize)>,
    pub(super) left: Left,
    /// Token sets that were in the store at some time, as bits.
    pub(super) durable: u64,
    /// Grants that the store saw end, and when.
    pub(super) ended: Vec<(String, u32)>,
    /// What happened that can end a login by nature.
    pub(super) nature: Option<Nature>,
    /// A fault has happened.
    pub(super) disturbed: bool,
    /// The rule that the last step broke.
    pub(super) broken: Option<Rule>,
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
    pub(super) known: LocalState,
    pub(super) flights: [Option<Running>; PLACES],
    pub(super) caller: Option<Caller>,
    /// How often it was killed and started again.
    pub(super) life: u8,
    /// How many of its flights could write.
    pub(super) flown: u8,
    /// By SIGSTOP.
    pub(super) stopped: bool,
    /// The claim that it last loaded, and when: see `Planted::OutageWatched`.
    pub(super) watching: Watching,
    pub(super) digest: u64,
}

/// A flight, and the action that it waits for.
#[derive(Clone, Debug, Hash)]
pub(super) struct Running {
    pub(super) flight: Operation,
    pub(super) owner: String,
    pub(super) pending: Pending,
    pub(super) swaps: u8,
    /// Tokens that it got and has not stored yet.
    pub(super) unstored: bool,
    /// Of a login: what it is to put there, as soon as it has it.
    pub(super) brought: Option<u8>,
    /// What it has claimed, as it wrote it.
    pub(super) claimed: Option<Stored>,
    /// It does not look any more: see `Planted::NoReload`.
    pub(super) blind: bool,
    /// How it came to ask for its claim: see `Planted::AgeTakenLate`.
    pub(super) claiming: Claiming,
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
        seen: Observation,
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
    /// The same, where the claim is made before the turn: see `Planted::ClaimBeforeTurn`.
    Held {
        record: Arc<Record>,
    },
    /// A request is under way, or its answer.
    Request {
        ask: Ask,
        sent: Moment,
        answer: Option<Answer>,
    },
}

/// What the server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ask {
    /// The tokens that follow.
    Refresh(u8),
    /// Those of a login.
    Exchange,
    /// The end of the session that the token belongs to.
    Revoke(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Tokens(u8),
    InvalidGrant,
    Revoked,
}

/// Somebody who wants an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller {
    pub(super) done: Attempted,
    /// The place of the flight that it waits for.
    pub(super) awaits: usize,
    /// What it wants is a new one.
    pub(super) force: bool,
}

impl World {
    /// One login, whose token is over or is to be renewed.
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
            orphans: Vec::new(),
            locks: Vec::new(),
            left: setup.left,
            durable: 1,
            ended: Vec::new(),
            nature: None,
            disturbed: false,
            broken: None,
        };
        world.processes.iter_mut().for_each(|process| Arc::make_mut(process).seal());
        world
    }

    pub(super) fn now(&self, setup: &Setup, process: usize) -> Moment {
        let passed = i64::from(self.time) * 1000;
        let skew = if process == 1 { setup.skew } else { 0 };
        Moment { wall: BEGINNING + passed + skew, mono: u64::try_from(passed).expect("time goes on") }
    }

    /// Whether the access token that came with `token` must not be handed out any more.
    pub(super) fn is_over(&self, setup: &Setup, token: u8) -> bool {
        let age = if token == 0 { self.time + first_age(setup) } else { self.time - self.server.token(token).issued };
        age >= LIFE
    }

    /// What the store has.
    pub(super) fn stored(&self) -> Option<&Stored> {
        self.store.entry.as_ref().map(|entry| &*entry.stored)
    }

    pub(super) fn process_mut(&mut self, process: usize) -> &mut Process {
        Arc::make_mut(&mut self.processes[process])
    }

    /// The flights of processes that are not stopped.
    pub(super) fn awake(&self) -> impl Iterator<Item = &Running> {
        self.processes.iter().filter(|process| !process.stopped).flat_map(|process| process.flights.iter().flatten())
    }

    /// Whether nobody has a request under way or tokens that are not stored.
    pub(super) fn is_settled(&self) -> bool {
        self.orphans.is_empty() && self.processes.iter().all(|process| !process.is_exposed() && !process.known.is_unsaved())
    }
}

impl Process {
    pub(super) fn new(life: u8) -> Self {
        Self {
            known: LocalState::default(),
            flights: [const { None }; PLACES],
            caller: None,
            life,
            flown: 0,
            stopped: false,
            watching: None,
            digest: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.flights.iter().all(Option::is_none)
    }

    /// Whether being killed now can cost the login: the server may have spent the token, and the
    /// store does not have the next one.
    pub(super) fn is_exposed(&self) -> bool {
        self.flights[REFRESHING].as_ref().is_some_and(Running::is_exposed)
    }

    /// The same for a login that is being made.
    pub(super) fn is_logging_in(&self) -> bool {
        self.flights[ARRIVING].as_ref().is_some_and(Running::is_exposed)
    }

    /// Notes what this state looks like, once it is complete.
    pub(super) fn seal(&mut self) {
        self.digest = 0;
        self.digest = digest(&*self);
    }
}

impl Running {
    /// Whether it waits for time to pass, or for others, and has looked around since time last
    /// passed.
    pub(super) fn is_at_rest(&self, time: u32) -> bool {
        match self.pending {
            Pending::Wait { since, until } => since == time || until > time,
            Pending::Confirming { .. } | Pending::Queued | Pending::Held { .. } => true,
            _ => false,
        }
    }

    fn is_exposed(&self) -> bool {
        self.unstored || matches!(self.pending, Pending::Request { ask: Ask::Refresh(_) | Ask::Exchange, .. })
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let entry = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.digest);
        (self.time, entry(&self.store.entry), self.store.before.as_ref().map(entry), self.store.is_new, self.store.state).hash(state);
        self.server.hash(state);
        self.processes.iter().for_each(|process| process.digest.hash(state));
        (&self.orphans, &self.locks, &self.left, self.durable, &self.ended, self.nature, self.disturbed, self.broken).hash(state);
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
    if setup.aging { AGING } else { LIFE }
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

/// What a request that was sent at `sent`, by the wall clock of whoever sent it, brought.
pub(super) fn tokens(token: u8, sent: i64) -> TokenSet {
    let ends = sent.div_euclid(1000) + i64::from(LIFE);
    TokenSet::restore(&format!(r#"{{"access_token":"a{token}","refresh_token":"r{token}","expires_at":{ends}}}"#)).expect("good tokens")
}
