//! The world: machines, processes, users, a store and a server, driven by a queue of events.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use sipgate_oauth2_protocol::openid::identity::EndedSession;
use sipgate_oauth2_protocol::refresh::action::{Goal, Observation};
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, LocalState, TokenRequirements};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{Account, Record, Stored};
use sipgate_oauth2_protocol::time::Moment;

use super::login::Login;
use super::machine::Machine;
use super::planted::Planted;
use super::server::Server;
use super::settings::Settings;
use super::store::Store;
use super::tally::Tally;
use super::trace::Trace;
use crate::mistakes::{BeforeClaim, Watching};
use crate::random::Random;

pub(super) struct World<'a> {
    pub(super) settings: &'a Settings,
    pub(super) planted: Option<Planted>,
    pub(super) random: Random,
    pub(super) now: u64,
    /// Whether faults happen.
    pub(super) faulty: bool,
    queue: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    pub(super) names: u64,
    pub(super) machines: Vec<Machine>,
    pub(super) processes: Vec<Process>,
    pub(super) users: Vec<User>,
    pub(super) store: Store,
    pub(super) server: Server,
    /// Until when the server's keys are not to be had.
    pub(super) keys_down_until: u64,
    pub(super) requests: Vec<Request>,
    pub(super) operations: BTreeMap<u64, RunningOperation>,
    pub(super) callers: BTreeMap<u64, Caller>,
    pub(super) tally: Tally,
    pub(super) trace: Trace,
    pub(super) failure: Option<(usize, String)>,
}

/// A process. When it is killed, another one starts in its place.
pub(super) struct Process {
    pub(super) machine: usize,
    pub(super) number: u32,
    pub(super) instance: String,
    pub(super) is_up: bool,
    pub(super) stopped_until: u64,
    /// Until when its connection to the store is slow.
    pub(super) slow_until: u64,
    /// How much earlier than others it refreshes.
    pub(super) spread: u8,
    /// It has fetched the server's keys.
    pub(super) has_keys: bool,
    /// When it may fetch them next.
    pub(super) next_fetch: u64,
    pub(super) credentials: u64,
    pub(super) account_states: Vec<AccountState>,
}

/// What a process holds of one account.
#[derive(Default)]
pub(super) struct AccountState {
    pub(super) local: LocalState,
    pub(super) acquired: Option<Acquired>,
    /// When the store was last read, by true time.
    pub(super) read_at: Option<u64>,
    /// When the store last failed in this process.
    pub(super) failed_at: Option<u64>,
    /// The grants that it saw end, the newest last.
    pub(super) seen_ended: Vec<String>,
    /// The tokens that an API refused in this process.
    pub(super) refused: Vec<usize>,
    /// The tokens that were reported to callers as unsaved.
    pub(super) unsaved: Vec<usize>,
    pub(super) reloading: Option<u64>,
    pub(super) refreshing: Option<u64>,
    pub(super) judging: Option<u64>,
    /// For `Planted::TakeoverWithoutWait`.
    pub(super) watching: Watching,
}

/// When and how a process acquired the tokens that it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Acquired {
    pub(super) token: Option<usize>,
    pub(super) at: u64,
    pub(super) moment: Moment,
    /// How far its wall clock was ahead; `None` if it requested the tokens itself.
    pub(super) skew: Option<i64>,
}

/// A user with one account and one browser at a time.
pub(super) struct User {
    pub(super) account: Account,
    /// The browser's session at the server.
    pub(super) session: Option<usize>,
    /// All sessions that the user ever had.
    pub(super) sessions: Vec<usize>,
    pub(super) login: Option<Login>,
    pub(super) wants_login: bool,
    pub(super) disabled_until: u64,
    /// When each grant ended, by a logout or another login.
    pub(super) ended: BTreeMap<String, u64>,
    /// How many requests to the store or the server are in flight.
    pub(super) in_flight: u32,
    pub(super) running_operations: u32,
}

/// An operation in progress, with its waiting callers.
pub(super) struct RunningOperation {
    pub(super) process: usize,
    pub(super) account: usize,
    pub(super) kind: Kind,
    pub(super) operation: Operation,
    pub(super) began: u64,
    pub(super) owner: String,
    pub(super) grant_id: Option<String>,
    pub(super) waiters: Vec<u64>,
    /// What it last loaded, and when the store read it.
    pub(super) loaded: Option<Option<Stored>>,
    pub(super) loaded_at: u64,
    pub(super) store_failed: bool,
    pub(super) outcome_unknown: bool,
    /// When it began to write its claim.
    pub(super) claimed_at: Option<u64>,
    /// It has lost its lock unnoticed.
    pub(super) lock_lost: bool,
    /// For `Planted::ClaimDatedLate`.
    pub(super) before_claim: BeforeClaim,
    /// The grant and generation that it has sent a refresh for.
    pub(super) requested: Option<(String, u64)>,
    pub(super) request: Option<usize>,
    /// The tokens that it received.
    pub(super) received: Option<usize>,
    pub(super) wants_validity: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Reload,
    Refresh,
    ForceRefresh,
    LogIn,
    Save,
    Judgement,
    LogOut,
    SessionEnd,
}

/// A request to the server.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) account: usize,
    pub(super) process: usize,
    pub(super) operation: u64,
    pub(super) purpose: Purpose,
    /// When the store was last read before it was sent.
    pub(super) verified_at: u64,
    /// When the first byte was sent.
    pub(super) sent: u64,
    /// When the sender read its clocks, and what they showed.
    pub(super) clocks_read_at: u64,
    pub(super) moment: Moment,
    pub(super) sender_skew: i64,
    pub(super) state: RequestState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Refresh(usize),
    Exchange,
    Revoke { token: usize, grant_id: String },
}

/// The state of a request, as its sender knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestState {
    InFlight,
    /// The response has arrived, and is being stored.
    Storing,
    /// The sender has given up, and does not know the outcome.
    GivenUp,
    /// The sender was killed.
    Orphaned,
    Finished,
}

pub(super) struct Caller {
    pub(super) process: usize,
    pub(super) account: usize,
    pub(super) requirements: TokenRequirements,
    pub(super) force: bool,
    pub(super) attempted: Attempted,
    pub(super) began: u64,
    pub(super) operations: u32,
    /// The usable token at the start of the call.
    pub(super) usable_at_start: Option<usize>,
    /// An operation of this call has failed or takes too long, so the token may come from an older
    /// load.
    pub(super) failed: bool,
    /// The call must succeed if there is a login.
    pub(super) must: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    Observe(u64, Observation),
    Store {
        operation: u64,
        process: usize,
        account: usize,
        store_request: StoreRequest,
    },
    Arrive {
        request: usize,
        delivery: Delivery,
    },
    Reply {
        request: usize,
        observation: Observation,
    },
    Deadline {
        request: usize,
    },
    Burst {
        account: usize,
    },
    Call {
        process: usize,
        account: usize,
        must: bool,
        force: bool,
    },
    CallerTimesOut(u64),
    /// The reload takes longer than a caller with a usable token waits.
    Late {
        caller: u64,
        operation: u64,
    },
    Refused {
        process: usize,
        account: usize,
        token: usize,
    },
    Login {
        account: usize,
        again: bool,
    },
    Logout {
        account: usize,
    },
    Stop {
        process: usize,
        length: u64,
    },
    Kill {
        process: usize,
    },
    Restart {
        process: usize,
    },
    SetClock {
        machine: usize,
        skew: i64,
    },
    Suspend {
        machine: usize,
        length: u64,
    },
    StoreDown {
        length: u64,
    },
    StoreReadOnly {
        length: u64,
    },
    SlowStore {
        process: usize,
        length: u64,
    },
    LoseLock {
        account: usize,
    },
    LoseWrites {
        account: usize,
        writes: usize,
    },
    EndSession {
        account: usize,
    },
    /// A process is told that a session has ended.
    SessionEnded {
        account: usize,
        ended: EndedSession,
    },
    KeysDown {
        length: u64,
    },
    /// The tokens of a login are judged, for which the caller waits.
    Complete {
        account: usize,
        held: Held,
        tries: u32,
    },
}

/// A login that was exchanged, and whose ID token is not judged.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) token: usize,
    pub(super) grant_id: String,
    pub(super) sent: Moment,
}

/// A request to the store.
#[derive(Clone, Debug)]
pub(super) enum StoreRequest {
    Load,
    TryLock,
    Swap { kind: Kind, expected: Option<String>, record: Arc<Record>, report: WriteReport },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteReport {
    Accurate,
    /// The write was reported as failed, and is carried out later.
    Failed,
}

/// What the sender gets of the server's response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Complete,
    /// Nothing: the request is processed, but the response is lost.
    ResponseLost,
    WithoutRefreshToken,
    WithoutAccessToken,
    WithUnknownType,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    number: u64,
    event: Event,
}

impl<'a> World<'a> {
    pub(super) fn new(settings: &'a Settings, seed: u64, planted: Option<Planted>, trace: Trace) -> Self {
        let mut random = Random::new(seed);
        let drift = |random: &mut Random| i64::try_from(random.below(101)).unwrap_or(0) - 50;
        let machines = (0..settings.machines).map(|_| Machine::new(drift(&mut random), drift(&mut random) / 50)).collect();
        let users = (0..settings.accounts).map(User::new).collect();
        let mut world = Self {
            settings,
            planted,
            random,
            now: 1,
            faulty: true,
            queue: BinaryHeap::new(),
            entries: 0,
            names: 0,
            machines,
            processes: Vec::new(),
            users,
            store: Store::new(settings.locks, settings.accounts),
            server: Server::new(settings.rotation),
            keys_down_until: 0,
            requests: Vec::new(),
            operations: BTreeMap::new(),
            callers: BTreeMap::new(),
            tally: Tally::default(),
            trace,
            failure: None,
        };
        for place in 0..settings.processes {
            let process = world.new_process(place);
            world.processes.push(process);
        }
        for account in 0..settings.accounts {
            let at = world.random.below(settings.mean_pause);
            world.after(at, Event::Burst { account });
        }
        world
    }

    /// Runs until this time, or until a check fails.
    pub(super) fn run(&mut self, until: u64) {
        while self.failure.is_none() {
            match self.queue.peek() {
                Some(Reverse(entry)) if entry.at < until => {}
                _ => break,
            }
            let Some(Reverse(entry)) = self.queue.pop() else { break };
            self.now = entry.at;
            self.handle(entry.event);
        }
        self.now = self.now.max(until);
    }

    pub(super) fn after(&mut self, milliseconds: u64, event: Event) {
        self.at(self.now + milliseconds, event);
    }

    pub(super) fn at(&mut self, at: u64, event: Event) {
        self.entries += 1;
        self.queue.push(Reverse(Entry { at, number: self.entries, event }));
    }

    fn handle(&mut self, event: Event) {
        if let Some(process) = self.acting(&event) {
            let awake = self.awake_at(process);
            if awake > self.now {
                self.at(awake, event);
                return;
            }
        }
        match event {
            Event::Observe(operation, observation) => self.observe(operation, observation),
            Event::Store { operation, process, account, store_request } => self.serve_store(operation, process, account, store_request),
            Event::Arrive { request, delivery } => self.arrive(request, delivery),
            Event::Reply { request, observation } => self.reply(request, observation),
            Event::Deadline { request } => self.deadline(request),
            Event::Burst { account } => self.burst(account),
            Event::Call { process, account, must, force } => self.call(process, account, must, force),
            Event::CallerTimesOut(caller) => self.caller_timed_out(caller),
            Event::Late { caller, operation } => self.late(caller, operation),
            Event::Refused { process, account, token } => self.refused(process, account, token),
            Event::Login { account, again } => self.log_in(account, again),
            Event::Logout { account } => self.log_out(account),
            Event::Stop { process, length } => self.stop(process, length),
            Event::Kill { process } => self.kill(process),
            Event::Restart { process } => {
                let fresh = self.new_process(process);
                self.processes[process] = fresh;
            }
            Event::SetClock { machine, skew } => self.machines[machine].set(skew, self.now),
            Event::Suspend { machine, length } => {
                self.trace.note(None, self.now, || format!("machine {machine} is suspended for {length} ms"));
                self.machines[machine].suspend(self.now, length);
            }
            Event::StoreDown { length } => self.fail_store(length, false),
            Event::StoreReadOnly { length } => self.fail_store(length, true),
            Event::SlowStore { process, length } => self.slow_down(process, length),
            Event::LoseLock { account } => self.lose_lock(account),
            Event::LoseWrites { account, writes } => self.lose_writes(account, writes),
            Event::EndSession { account } => self.end_session(account),
            Event::SessionEnded { account, ended } => self.session_ended(account, ended),
            Event::KeysDown { length } => self.fail_keys(length),
            Event::Complete { account, held, tries } => self.complete_login(account, held, tries),
        }
    }

    /// The process that must be running for this event.
    fn acting(&self, event: &Event) -> Option<usize> {
        match event {
            Event::Observe(operation, _) => self.operations.get(operation).map(|running| running.process),
            Event::Reply { request, .. } | Event::Deadline { request } => Some(self.requests[*request].process),
            Event::Call { process, .. } | Event::Refused { process, .. } => Some(*process),
            Event::CallerTimesOut(caller) | Event::Late { caller, .. } => self.callers.get(caller).map(|caller| caller.process),
            _ => None,
        }
    }

    pub(super) fn awake_at(&self, process: usize) -> u64 {
        let process = &self.processes[process];
        process.stopped_until.max(self.machines[process.machine].suspended_until)
    }

    pub(super) fn new_process(&mut self, place: usize) -> Process {
        let machine = place % self.settings.machines;
        let number = if self.settings.same_number { 1 } else { 100 + u32::from(self.random.byte() % 8) };
        let account_states = (0..self.settings.accounts).map(|_| AccountState::default()).collect();
        let (spread, credentials) = (self.random.byte(), self.random.below(2));
        Process {
            machine,
            number,
            instance: self.name("i"),
            is_up: true,
            stopped_until: 0,
            slow_until: 0,
            spread,
            has_keys: false,
            next_fetch: 0,
            credentials,
            account_states,
        }
    }

    pub(super) fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    pub(super) fn moment(&self, process: usize) -> Moment {
        self.machines[self.processes[process].machine].moment(self.now)
    }

    pub(super) fn skew(&self, process: usize) -> i64 {
        self.machines[self.processes[process].machine].skew(self.now)
    }

    /// A random process.
    pub(super) fn some_process(&mut self) -> usize {
        self.random.index(self.settings.processes)
    }

    pub(super) fn start(&mut self, process: usize, account: usize, kind: Kind, goal: Goal, patience: u64) -> u64 {
        self.tally.operations += 1;
        let owner = self.name("o");
        let grant_id = match &goal {
            Goal::LogIn { grant_id } | Goal::Save { grant_id, .. } => Some(grant_id.clone()),
            _ => None,
        };
        let wants_validity = matches!(goal, Goal::Refresh(requirements) if requirements.min_validity > 0);
        let context = sipgate_oauth2_protocol::refresh::action::OperationContext {
            account: self.users[account].account.clone(),
            owner: owner.clone(),
            process: self.processes[process].number,
            started: Some(self.processes[process].instance.clone()),
            instance: self.processes[process].instance.clone(),
            jitter: self.random.byte(),
            patience,
            credentials: self.processes[process].credentials,
            request_timeout: self.settings.deadline,
        };
        let operation = Operation::new(goal, context, self.moment(process));
        self.names += 1;
        let id = self.names;
        let running = RunningOperation {
            process,
            account,
            kind,
            operation,
            began: self.now,
            owner,
            grant_id,
            waiters: Vec::new(),
            loaded: None,
            loaded_at: 0,
            store_failed: false,
            outcome_unknown: false,
            claimed_at: None,
            lock_lost: false,
            before_claim: None,
            requested: None,
            request: None,
            received: None,
            wants_validity,
        };
        self.operations.insert(id, running);
        self.users[account].running_operations += 1;
        self.trace.note(Some(account), self.now, || format!("process {process}: operation {id} begins: {kind:?}"));
        self.after(0, Event::Observe(id, Observation::Begun));
        id
    }

    /// A check has failed, so the world ends here.
    pub(super) fn fail(&mut self, account: usize, what: impl Into<String>) {
        if self.failure.is_none() {
            self.failure = Some((account, what.into()));
        }
    }
}

impl User {
    fn new(account: usize) -> Self {
        Self {
            account: Account { issuer: "https://login.example".into(), client_id: "client".into(), account: format!("user-{account}") },
            session: None,
            sessions: Vec::new(),
            login: None,
            wants_login: false,
            disabled_until: 0,
            ended: BTreeMap::new(),
            in_flight: 0,
            running_operations: 0,
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
