//! Carries out the actions of operations: at the store over the host's connections, and at the
//! login server, which completes so many refreshes in a second.

use authorization_server::RefreshOutcome;
use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;
use sipgate_oauth2_protocol::refresh::action::{Action, Goal, Observation, OperationContext};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{REQUEST_MILLISECONDS, Stored};
use sipgate_oauth2_protocol::refresh::reply::{Received, ReceivedIdToken, Reply};
use sipgate_oauth2_protocol::time::Moment;

use super::settings::SECOND;
use super::world::{Event, RunningOperation, StoreRequest, World};

const PATIENCE_MILLISECONDS: u64 = 30_000;

impl World<'_> {
    pub(super) fn start(&mut self, host: usize, login: usize, is_reload: bool, goal: Goal) -> u64 {
        let id = self.number();
        let instance = self.hosts[host].instance.clone();
        let context = OperationContext {
            account: Self::account(login),
            owner: format!("o{id}"),
            process: 1,
            started: Some(instance.clone()),
            instance,
            jitter: self.random.byte(),
            patience: PATIENCE_MILLISECONDS,
            credentials: 0,
            request_timeout: REQUEST_MILLISECONDS,
        };
        let operation = Operation::new(goal, context, self.moment());
        let state = self.hosts[host].logins.entry(login).or_default();
        *(if is_reload { &mut state.reloading } else { &mut state.refreshing }) = Some(id);
        self.operations.insert(id, RunningOperation { host, login, is_reload, operation, waiters: Vec::new() });
        self.after(0, Event::Observe { operation: id, observation: Observation::Begun });
        id
    }

    pub(super) fn observe(&mut self, id: u64, observation: Observation) {
        let moment = self.moment();
        let Some(running) = self.operations.get_mut(&id) else { return };
        let state = self.hosts[running.host].logins.entry(running.login).or_default();
        let action = running.operation.decide(&mut state.local, observation, moment);
        self.act(id, action);
    }

    fn act(&mut self, id: u64, action: Action) {
        let soon = |observation| Event::Observe { operation: id, observation };
        match action {
            Action::Load => self.ask_store(id, StoreRequest::Load),
            Action::Swap { expected, record } => self.ask_store(id, StoreRequest::Swap { expected, record }),
            Action::TryLock => self.after(0, soon(Observation::NoLocks)),
            Action::AcquirePermit => self.after(0, soon(Observation::PermitAcquired { waited: false })),
            Action::Wait(milliseconds) => self.after(milliseconds * 1000, soon(Observation::Waited)),
            Action::Report(outcome) => {
                self.notify(id, &outcome.map(|()| true));
                self.after(0, soon(Observation::Reported));
            }
            Action::Refresh(record) => {
                let token = record.refresh_token.as_ref().and_then(|token| token.reveal()[1..].parse().ok());
                let sent = self.moment();
                match token {
                    Some(token) => self.after(self.settings.response / 2, Event::Arrive { operation: id, token, sent }),
                    None => self.after(0, soon(Observation::Replied(Reply::Rejected(Error::new(ErrorCode::LoginRequired, "no token"))))),
                }
            }
            Action::Finish(outcome) => {
                self.notify(id, &outcome);
                if let Some(ended) = self.operations.remove(&id)
                    && let Some(state) = self.hosts[ended.host].logins.get_mut(&ended.login)
                {
                    *(if ended.is_reload { &mut state.reloading } else { &mut state.refreshing }) = None;
                }
            }
            Action::Exchange | Action::Revoke(_) | Action::Judge(_) => {
                unreachable!("nobody logs in by a code, logs out, or gets ID tokens")
            }
        }
    }

    fn notify(&mut self, id: u64, outcome: &Result<bool>) {
        let Some(running) = self.operations.get_mut(&id) else { return };
        let is_reload = running.is_reload;
        for waiter in std::mem::take(&mut running.waiters) {
            self.operation_finished(waiter, is_reload, outcome);
        }
    }

    fn ask_store(&mut self, id: u64, request: StoreRequest) {
        let Some(running) = self.operations.get(&id) else { return };
        let host = running.host;
        if self.hosts[host].busy_connections == self.settings.connections {
            let now = self.now;
            self.hosts[host].waiting.push_back((now, id, request));
        } else {
            self.use_connection(host, id, request);
        }
    }

    /// Half of the time is spent on the way there and back, which one round trip simplifies.
    fn use_connection(&mut self, host: usize, operation: u64, request: StoreRequest) {
        let mean = if matches!(request, StoreRequest::Load) { self.settings.load } else { self.settings.swap };
        let takes = mean / 2 + self.random.below(mean);
        self.hosts[host].busy_connections += 1;
        self.tally.connection_time += takes;
        self.after(takes, Event::Store { operation, host, request });
    }

    pub(super) fn serve_store(&mut self, operation: u64, host: usize, request: StoreRequest) {
        let login = self.operations.get(&operation).map(|running| running.login);
        if let Some(login) = login {
            let observation = self.stored(login, request);
            self.after(0, Event::Observe { operation, observation });
        }
        self.release_connection(host);
    }

    fn stored(&mut self, login: usize, request: StoreRequest) -> Observation {
        match request {
            StoreRequest::Load => {
                self.tally.loads += 1;
                Observation::Loaded(self.store[login].clone())
            }
            StoreRequest::Swap { expected, record } => {
                if self.store[login].as_ref().map(|stored| &stored.version) != expected.as_ref() {
                    self.tally.conflicts += 1;
                    return Observation::Conflict;
                }
                self.tally.swaps += 1;
                self.versions += 1;
                let version = format!("v{}", self.versions);
                self.store[login] = Some(Stored::new(version.clone(), record));
                Observation::Stored(version)
            }
        }
    }

    /// The connection used last is used first.
    fn release_connection(&mut self, host: usize) {
        let (now, state) = (self.now, &mut self.hosts[host]);
        let place = state.busy_connections - 1;
        if state.last_used.len() <= place {
            state.last_used.resize(place + 1, now);
        }
        state.last_used[place] = now;
        state.busy_connections -= 1;
        if let Some((since, operation, request)) = state.waiting.pop_front() {
            self.tally.connection_waits.push(now - since);
            self.use_connection(host, operation, request);
        }
    }

    /// The server works on one request after another, and rejects what would wait for too long.
    pub(super) fn serve_login_server(&mut self, operation: u64, token: usize, sent: Moment) {
        let begins = self.server_busy_until.max(self.now);
        let waits = begins - self.now;
        let (takes, reply) = if waits > self.settings.longest_wait {
            self.tally.rejected += 1;
            (0, Reply::OutcomeUnknown(Error::new(ErrorCode::OutcomeUnknown, "503").with_status(503)))
        } else {
            self.server_busy_until = begins + SECOND / self.settings.server_rate;
            self.tally.server_waits.push(waits);
            self.tally.refreshes += 1;
            (waits, self.refreshed(token, sent))
        };
        self.after(takes + self.settings.response / 2, Event::Observe { operation, observation: Observation::Replied(reply) });
    }

    fn refreshed(&mut self, token: usize, sent: Moment) -> Reply {
        if let RefreshOutcome::Granted(new) = self.server.refresh(token, self.now / 1000, ()) {
            return Reply::Tokens(Box::new(self.received(new, sent)));
        }
        self.tally.sessions_lost += 1;
        Reply::Rejected(Error::new(ErrorCode::LoginRequired, "the token was used before"))
    }

    pub(super) fn received(&self, token: usize, sent: Moment) -> Received {
        let expires_at = sent.wall.div_euclid(1000) + i64::try_from(self.settings.lifetime / SECOND).unwrap_or(0);
        let json = format!(r#"{{"access_token":"a{token}","refresh_token":"r{token}","expires_at":{expires_at}}}"#);
        Received {
            tokens: TokenSet::restore(&json),
            refresh_token: Some(format!("r{token}").into()),
            sent,
            id_token: ReceivedIdToken::Absent,
        }
    }
}
