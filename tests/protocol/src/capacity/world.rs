//! Hosts, store and login server, driven by a queue of events.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use authorization_server::{Rotation, Server};
use sipgate_oauth2_protocol::refresh::action::{Goal, Observation};
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, LocalState, TokenRequirements};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{Account, Record, Stored};
use sipgate_oauth2_protocol::time::Moment;

use super::settings::{SECOND, Settings};
use super::tally::Tally;
use crate::random::Random;

/// The start on the wall clock, in milliseconds since 1970.
const EPOCH: i64 = 1_700_000_000_000;

/// An idle connection is closed after this.
const IDLE: u64 = 30 * SECOND;

pub(super) struct World<'a> {
    pub(super) settings: &'a Settings,
    pub(super) random: Random,
    pub(super) now: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: HashMap<u64, Event>,
    numbers: u64,
    pub(super) hosts: Vec<Host>,
    pub(super) store: Vec<Option<Stored>>,
    pub(super) versions: u64,
    pub(super) server: Server<()>,
    /// When the login server will have completed all that it has.
    pub(super) server_busy_until: u64,
    pub(super) operations: BTreeMap<u64, RunningOperation>,
    pub(super) callers: HashMap<u64, Caller>,
    pub(super) tally: Tally,
}

/// One process on one machine.
pub(super) struct Host {
    pub(super) spread: u8,
    pub(super) instance: String,
    pub(super) logins: HashMap<usize, LoginState>,
    pub(super) busy_connections: usize,
    pub(super) waiting: VecDeque<(u64, u64, StoreRequest)>,
    /// When each connection was last used, the one used most recently first.
    pub(super) last_used: Vec<u64>,
}

#[derive(Default)]
pub(super) struct LoginState {
    pub(super) local: LocalState,
    pub(super) reloading: Option<u64>,
    pub(super) refreshing: Option<u64>,
}

pub(super) struct RunningOperation {
    pub(super) host: usize,
    pub(super) login: usize,
    pub(super) is_reload: bool,
    pub(super) operation: Operation,
    pub(super) waiters: Vec<u64>,
}

pub(super) struct Caller {
    pub(super) host: usize,
    pub(super) login: usize,
    pub(super) requirements: TokenRequirements,
    pub(super) attempted: Attempted,
}

pub(super) enum StoreRequest {
    Load,
    Swap { expected: Option<String>, record: Arc<Record> },
}

pub(super) enum Event {
    LogIn { host: usize, login: usize },
    Call { host: usize, login: usize },
    Observe { operation: u64, observation: Observation },
    Store { operation: u64, host: usize, request: StoreRequest },
    Arrive { operation: u64, token: usize, sent: Moment },
}

impl<'a> World<'a> {
    pub(super) fn new(settings: &'a Settings, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let hosts = (0..settings.hosts)
            .map(|number| Host {
                spread: random.byte(),
                instance: format!("host-{number}"),
                logins: HashMap::new(),
                busy_connections: 0,
                waiting: VecDeque::new(),
                last_used: Vec::new(),
            })
            .collect();
        let mut world = Self {
            settings,
            random,
            now: SECOND,
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            numbers: 0,
            hosts,
            store: vec![None; settings.logins],
            versions: 0,
            server: Server::new(Rotation::Strict),
            server_busy_until: 0,
            operations: BTreeMap::new(),
            callers: HashMap::new(),
            tally: Tally::default(),
        };
        for login in 0..settings.logins {
            let at = world.random.below(settings.lifetime);
            for place in 0..settings.hosts_per_login {
                // Spread over all hosts, and different for each login.
                let host =
                    (login * 7 + place * (settings.hosts / settings.hosts_per_login.max(1)) + login / settings.hosts) % settings.hosts;
                if place == 0 {
                    world.after(at, Event::LogIn { host, login });
                }
                let pause = world.random.below(settings.pause * 2);
                world.after(at + SECOND + pause, Event::Call { host, login });
            }
        }
        world
    }

    pub(super) fn run(&mut self) {
        self.run_until(self.settings.settling);
        self.tally = Tally::default();
        self.run_until(self.settings.settling + self.settings.counted);
        let recently = self.now.saturating_sub(IDLE);
        self.tally.open_connections = self.hosts.iter().flat_map(|host| &host.last_used).filter(|at| **at >= recently).count();
    }

    fn run_until(&mut self, until: u64) {
        while let Some(Reverse((at, _))) = self.queue.peek()
            && *at < until
        {
            let Some(Reverse((at, number))) = self.queue.pop() else { break };
            self.now = at;
            if let Some(event) = self.events.remove(&number) {
                self.handle(event);
            }
        }
        self.now = until;
    }

    pub(super) fn after(&mut self, microseconds: u64, event: Event) {
        let number = self.number();
        self.queue.push(Reverse((self.now + microseconds, number)));
        self.events.insert(number, event);
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// All clocks are right.
    pub(super) fn moment(&self) -> Moment {
        let milliseconds = self.now / 1000;
        Moment { wall: EPOCH + i64::try_from(milliseconds).unwrap_or(0), mono: 1_000_000 + milliseconds }
    }

    pub(super) fn account(login: usize) -> Account {
        Account { issuer: "https://login.example".into(), client_id: "client".into(), account: format!("user-{login}") }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::LogIn { host, login } => {
                let session = self.server.open();
                let token = self.server.log_in(session, ());
                let (grant_id, received) = (format!("g{login}"), Box::new(self.received(token, self.moment())));
                self.start(host, login, false, Goal::Save { grant_id, received });
            }
            Event::Call { host, login } => {
                self.call(host, login);
                let pause = self.random.below(self.settings.pause * 2);
                self.after(pause, Event::Call { host, login });
            }
            Event::Observe { operation, observation } => self.observe(operation, observation),
            Event::Store { operation, host, request } => self.serve_store(operation, host, request),
            Event::Arrive { operation, token, sent } => self.serve_login_server(operation, token, sent),
        }
    }
}
