//! One state of the world.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::rules::{Nature, Rule};
use super::server::Server;
use super::setup::{Left, Setup};
use crate::oauth::token::TokenSet;
use crate::refresh::flight::Flight;
use crate::refresh::known::{Done, Known};
use crate::refresh::moment::Moment;
use crate::refresh::record::{Account, Record, State, Stored};
use crate::secret::RefreshToken;

/// Time goes in leaps that are longer than a lease, a wait and a back-off: whatever waits for time to pass has waited long enough after one.
const TICK_MILLISECONDS: i64 = 80_000;

/// A token should be renewed one tick after its issue, and is over after two.
const LIFE_SECONDS: i64 = 100;

const BEGINNING: i64 = 1_700_000_000_000;

/// The places of a process's flights: one that refreshes, one that puts a login there, one that looks, and one that logs out.
pub(super) const REFRESHING: usize = 0;
pub(super) const ARRIVING: usize = 1;
pub(super) const LOOKING: usize = 2;
pub(super) const LEAVING: usize = 3;
const PLACES: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) tick: u8,
    pub(super) store: Store,
    pub(super) server: Server,
    pub(super) processes: Vec<Arc<Process>>,
    /// Requests that nobody waits for any more, and that the server may still work off, and whose they were.
    pub(super) orphans: Vec<(Ask, String)>,
    /// Who holds the lock: process and place. More than one only as siblings.
    pub(super) locks: Vec<(u8, usize)>,
    pub(super) left: Left,
    /// Token sets that were in the store at some time, as bits.
    pub(super) durable: u64,
    /// Grants that the store saw end, and when.
    pub(super) ended: Vec<(String, u8)>,
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
    pub(super) down: bool,
}

/// What is stored, and what it looks like.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stored: Arc<Stored>,
    pub(super) digest: u64,
}

impl From<Stored> for Entry {
    fn from(stored: Stored) -> Self {
        Self { digest: look(&stored), stored: Arc::new(stored) }
    }
}

/// A process, and what it does.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) known: Known,
    pub(super) flights: [Option<Running>; PLACES],
    pub(super) caller: Option<Caller>,
    /// How often it was killed and started again.
    pub(super) life: u8,
    /// How many of its flights could write.
    pub(super) flown: u8,
    /// By SIGSTOP.
    pub(super) stopped: bool,
    pub(super) digest: u64,
}

/// A flight, and the action that it waits for.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) flight: Flight,
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
}

#[derive(Clone, Debug)]
pub(super) enum Pending {
    Load,
    TryLock,
    Swap {
        expected: Option<String>,
        record: Arc<Record>,
    },
    Wait {
        since: u8,
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
    pub(super) done: Done,
    /// What it wants is a new one.
    pub(super) force: bool,
}

impl World {
    /// One login, whose token is over or is to be renewed.
    pub(super) fn new(setup: &Setup) -> Self {
        let age = if setup.aging { LIFE_SECONDS * 1000 - 15_000 } else { LIFE_SECONDS * 1000 };
        let sent = BEGINNING - age;
        let record = Record {
            grant_id: "g".into(),
            generation: 1,
            state: State::Active,
            refresh_token: Some(refresh_token(0)),
            tokens: Some(tokens(0, sent)),
            sent_at: sent,
            ..Record::vacant(account())
        };
        let mut world = Self {
            tick: 0,
            store: Store { entry: Some(Stored { version: "first".into(), record: record.into() }.into()), before: None, down: false },
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
        let passed = i64::from(self.tick) * TICK_MILLISECONDS;
        let skew = if process == 1 { setup.skew } else { 0 };
        Moment { wall: BEGINNING + passed + skew, mono: u64::try_from(passed).expect("time goes on") }
    }

    /// Whether the access token that came with `token` must not be handed out any more.
    pub(super) fn is_over(&self, setup: &Setup, token: u8) -> bool {
        if token == 0 {
            return self.tick > 0 || !setup.aging;
        }
        i64::from(self.tick - self.server.token(token).issued) * TICK_MILLISECONDS >= LIFE_SECONDS * 1000
    }

    /// What the store has.
    pub(super) fn stored(&self) -> Option<&Stored> {
        self.store.entry.as_ref().map(|entry| &*entry.stored)
    }

    pub(super) fn process_mut(&mut self, process: usize) -> &mut Process {
        Arc::make_mut(&mut self.processes[process])
    }

    /// Whether nobody has a request under way or tokens that are not stored.
    pub(super) fn is_settled(&self) -> bool {
        self.orphans.is_empty() && self.processes.iter().all(|process| !process.is_exposed() && !process.known.is_unsaved())
    }
}

impl Process {
    pub(super) fn new(life: u8) -> Self {
        Self { known: Known::default(), flights: [const { None }; PLACES], caller: None, life, flown: 0, stopped: false, digest: 0 }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.flights.iter().all(Option::is_none)
    }

    /// Whether being killed now can cost the login: the server may have spent the token, and the store does not have the next one.
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
        self.digest = look(&*self);
    }
}

impl Running {
    fn is_exposed(&self) -> bool {
        self.unstored || matches!(self.pending, Pending::Request { ask: Ask::Refresh(_) | Ask::Exchange, .. })
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let entry = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.digest);
        (self.tick, entry(&self.store.entry), self.store.before.as_ref().map(entry), self.store.down).hash(state);
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

/// What something looks like, as a number. Everything here shows all that it is.
pub(super) fn look(thing: impl fmt::Debug) -> u64 {
    thread_local! {
        static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
    }
    TEXT.with_borrow_mut(|text| {
        text.clear();
        write!(text, "{thing:?}").expect("a string takes all");
        hash(text.as_bytes())
    })
}

/// Of long texts, much faster than those for keys.
fn hash(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(text.len() as u64, |hash, word| {
        let mixed = hash ^ u64::from_le_bytes(*word) ^ 0x9E37_79B9_7F4A_7C15;
        let product = u128::from(mixed) * 0xA076_1D64_78BD_642F;
        (product >> 64) as u64 ^ product as u64
    })
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
    let ends = sent.div_euclid(1000) + LIFE_SECONDS;
    TokenSet::restore(&format!(r#"{{"access_token":"a{token}","refresh_token":"r{token}","expires_at":{ends}}}"#)).expect("good tokens")
}
