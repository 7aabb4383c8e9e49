//! The page `docs/refresh-protocol.md` shows the transitions of the state machine, no more and no
//! fewer.
//!
//! Random operations, in a random environment from a fixed seed, find the transitions: store, lock,
//! server and other processes do what they may do, and much more often than they do.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Write as _};

use super::harness::START;
use super::*;
use crate::error::Error;
use crate::refresh::action::{Judgement, OperationContext};
use crate::refresh::local_state::LocalState;
use crate::refresh::operation::Operation;
use crate::refresh::record::{Account, Stored};

/// Enough for each transition to occur many times.
const OPERATIONS: u32 = 200_000;

/// Operations on one key, one after the other, before the next key.
const OPERATIONS_PER_KEY: u32 = 10;

/// An operation that takes more actions than this is abandoned, as by a killed process.
const ACTIONS: u32 = 300;

#[test]
fn the_page_shows_every_transition_and_no_other() {
    let (found, shown) = (found(), shown());
    let list = |transitions: Vec<&String>| transitions.into_iter().map(|line| format!("\n{line}")).collect::<String>();
    let missing = list(found.difference(&shown).collect());
    let unreal = list(shown.difference(&found).collect());
    assert!(missing.is_empty() && unreal.is_empty(), "missing on the page:{missing}\nonly on the page:{unreal}");
}

/// The transitions on the page: `Loading --> Locking: Loaded`, one for each observation.
fn shown() -> BTreeSet<String> {
    let page = include_str!("../../../../../../docs/refresh-protocol.md");
    let mut transitions = BTreeSet::new();
    for line in page.lines().map(str::trim).filter(|line| line.contains(" --> ") && !line.contains("[*]")) {
        let (steps, observations) = line.split_once(": ").expect("a transition names its observations");
        for observation in observations.split(", ") {
            assert!(transitions.insert(format!("{steps}: {observation}")), "twice on the page: {steps}: {observation}");
        }
    }
    transitions
}

fn found() -> BTreeSet<String> {
    let mut random = Random(11);
    let mut transitions = BTreeSet::new();
    let mut world = World::new(&mut random);
    for number in 0..OPERATIONS {
        if number % OPERATIONS_PER_KEY == 0 {
            world = World::new(&mut random);
        }
        world.run(&mut random, &mut transitions);
    }
    transitions
}

/// One process, and a store with one key that other processes use too.
struct World {
    stored: Option<Stored>,
    /// What the store held before each write, the newest last.
    before: Vec<Option<Stored>>,
    local: LocalState,
    now: Moment,
    writes: u32,
    /// After a wait, one in this many actions meets a failure or another process.
    calmness: u64,
    has_waited: bool,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let now = Moment { wall: START, mono: 1_000_000 };
        let calmness = [8, 100, 2_000][random.index(3)];
        let mut world =
            Self { stored: None, before: Vec::new(), local: LocalState::default(), now, writes: 0, calmness, has_waited: false };
        let claim = claim(false).filter(|_| random.one_in(2));
        world.put(Some(Record { claim, ..login("g1", 1, START - 300_000) }));
        world
    }

    fn run(&mut self, random: &mut Random, transitions: &mut BTreeSet<String>) {
        let longest = [500, 30_000, 400_000][random.index(3)];
        self.pass(random.below(longest));
        let goal = self.goal(random);
        let context = OperationContext {
            account: Account::clone(&login("g1", 1, START).account),
            owner: format!("o{}", random.below(4)),
            process: 7,
            started: None,
            instance: "here".into(),
            jitter: 0,
            patience: 30_000,
            credentials: random.below(2),
            request_timeout: 30_000,
        };
        let mut operation = Operation::new(goal, context, self.now);
        let mut observation = Observation::Begun;
        for _ in 0..ACTIONS {
            let (before, observed) = (name(&operation.step), name(&observation));
            let action = operation.decide(&mut self.local, observation, self.now);
            transitions.insert(format!("{before} --> {}: {observed}", name(&operation.step)));
            let Some(next) = self.carry_out(random, action) else { return };
            observation = next;
        }
    }

    fn goal(&self, random: &mut Random) -> Goal {
        let grant_id = format!("g{}", random.below(6));
        match random.below(15) {
            0 => Goal::Reload,
            1 => Goal::ForceRefresh,
            2 => Goal::LogIn { grant_id },
            3 => Goal::Save { grant_id, received: Box::new(self.received(random)) },
            4 => Goal::LogOut,
            5 => Goal::JudgeIdToken,
            7 => Goal::Forget,
            6 => Goal::EndSession(ended_session(random.one_in(2).then_some("s1"), START)),
            _ => Goal::Refresh(TokenRequirements::default()),
        }
    }

    /// What came of the action; `None` at the end.
    fn carry_out(&mut self, random: &mut Random, action: Action) -> Option<Observation> {
        // Rarely while an operation polls, so that it may wait for a whole lease.
        let waits = matches!(action, Action::Wait(_));
        let odds = if waits || self.has_waited { self.calmness } else { 8 };
        self.has_waited = waits;
        if random.one_in(odds) {
            self.interfere(random);
        }
        if random.one_in(odds) && matches!(action, Action::Load | Action::TryLock | Action::Swap { .. }) {
            if let Action::Swap { expected, record } = action
                && random.one_in(2)
            {
                self.swap(expected.as_deref(), &record);
            }
            return Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)));
        }
        Some(match action {
            Action::Load => Observation::Loaded(self.stored.clone()),
            Action::TryLock => match random.below(3) {
                0 => Observation::Locked,
                1 => Observation::LockBusy,
                _ => Observation::NoLocks,
            },
            Action::Swap { expected, record } => self.swap(expected.as_deref(), &record).map_or(Observation::Conflict, Observation::Stored),
            Action::AcquirePermit => Observation::PermitAcquired { waited: random.one_in(2) },
            Action::Refresh(_) | Action::Exchange => Observation::Replied(self.reply(random)),
            Action::Revoke(_) => Observation::Revoked(if random.one_in(2) { Ok(()) } else { Err(error(ErrorCode::Transport)) }),
            Action::Judge(_) => Observation::Judged(match random.below(3) {
                0 => Judgement::Accepted(identity("s1")),
                1 => Judgement::Refused(error(ErrorCode::Quarantined)),
                _ => Judgement::NotYet(error(ErrorCode::ServerUnavailable)),
            }),
            Action::Wait(milliseconds) => {
                self.pass(milliseconds);
                Observation::Waited
            }
            Action::Report(_) => Observation::Reported,
            Action::Finish(_) => return None,
        })
    }

    /// Another process writes, or the store loses writes.
    fn interfere(&mut self, random: &mut Random) {
        let grant_id = format!("g{}", random.below(4));
        let generation = 1 + random.below(4);
        let sent_at = self.now.wall - i64::try_from(random.below(400_000)).unwrap();
        let mut record = match random.below(12) {
            0 => tombstone(&grant_id, generation),
            1 | 2 => match &self.stored {
                Some(stored) => Record { state: State::LoggedOut, tokens: None, ..(*stored.record).clone() },
                None => tombstone(&grant_id, generation),
            },
            3..=5 => match &self.stored {
                Some(stored) => (*stored.record).clone(),
                None => return,
            },
            6 => return self.put(None),
            7 | 8 => return self.lose_writes(1 + random.below(4)),
            _ => login(&grant_id, generation, sent_at),
        };
        record.identity = record.identity.or_else(|| random.one_in(2).then(|| Box::new(identity("s1"))));
        match random.below(22) {
            0 => record.refresh_token = None,
            1 | 2 => record.claim = claim(true),
            3 | 4 => record.claim = claim(false),
            5 => record.claim = claim(false).map(|claim| Claim { login: true, instance: "here".into(), ..claim }),
            6 => record.claim = None,
            7 => {
                record.state = State::Rejected { token_digest: String::new(), reason: StoredError::from(&error(ErrorCode::LoginRequired)) }
            }
            8 => {
                let failed = [ErrorCode::InvalidClient, ErrorCode::Transport, ErrorCode::OutcomeUnknown][random.index(3)];
                let wait = Duration::from_secs(random.below(60));
                let failure = error(failed).with_retry_after(Some(wait));
                record.failure = Some(Failure::after(None, &failure, 0, self.now, 0));
            }
            9 | 10 => record.unjudged = record.tokens.as_ref().map(|_| format!("i{}", random.below(3)).into()),
            _ => {}
        }
        self.put(Some(record));
        if let Some(stored) = &mut self.stored {
            stored.owner_has_exited = random.one_in(2);
        }
    }

    fn reply(&self, random: &mut Random) -> Reply {
        match random.below(12) {
            0..=3 => Reply::Rejected(error(ErrorCode::LoginRequired)),
            4 => Reply::Refused(error(ErrorCode::Transport)),
            5 => Reply::Refused(unexplained_refusal()),
            6 | 7 => Reply::ConnectionLost(error(ErrorCode::OutcomeUnknown)),
            8 => Reply::OutcomeUnknown(error(ErrorCode::OutcomeUnknown)),
            _ => Reply::Tokens(Box::new(self.received(random))),
        }
    }

    fn received(&self, random: &mut Random) -> Received {
        let good = tokens(random.below(1_000), self.now.wall);
        let refresh_token = good.refresh_token().cloned().filter(|_| !random.one_in(4));
        let bad = [ErrorCode::BadResponse, ErrorCode::Quarantined, ErrorCode::IdToken][random.index(3)];
        let tokens = if random.one_in(4) { Err(error(bad)) } else { Ok(good) };
        let id_token = match random.below(3) {
            0 => ReceivedIdToken::Absent,
            1 => ReceivedIdToken::Accepted(identity("s1")),
            _ => ReceivedIdToken::Unjudged(format!("i{}", random.below(3)).into()),
        };
        Received { tokens, refresh_token, sent: self.now, id_token }
    }

    fn swap(&mut self, expected: Option<&str>, record: &Record) -> Option<String> {
        if self.stored.as_ref().map(|stored| stored.version.as_str()) != expected {
            return None;
        }
        self.put(Some(record.clone()));
        self.stored.as_ref().map(|stored| stored.version.clone())
    }

    fn put(&mut self, record: Option<Record>) {
        self.writes += 1;
        self.before.push(self.stored.take());
        self.stored = record.map(|record| Stored::new(format!("v{}", self.writes), record));
    }

    fn lose_writes(&mut self, writes: u64) {
        for _ in 0..writes {
            if let Some(before) = self.before.pop() {
                self.stored = before;
            }
        }
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now.mono += milliseconds;
        self.now.wall += i64::try_from(milliseconds).unwrap();
    }
}

fn unexplained_refusal() -> Error {
    error(ErrorCode::LoginFailed).with_status(401)
}

/// The name of a variant.
fn name(value: &impl Debug) -> String {
    let mut name = Name(String::new());
    // The error ends the formatting at the end of the name.
    let _ = write!(name, "{value:?}");
    name.0
}

struct Name(String);

impl fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let length = text.find(|letter: char| !letter.is_ascii_alphanumeric());
        self.0.push_str(&text[..length.unwrap_or(text.len())]);
        length.map_or(Ok(()), |_| Err(fmt::Error))
    }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn index(&mut self, length: u64) -> usize {
        usize::try_from(self.below(length)).unwrap()
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}
