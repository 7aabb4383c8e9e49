//! Carries out the actions, with failures.

use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::reply::Reply;

use super::planted::Planted;
use super::records::{access_of, describe_action, describe_observation, token_of};
use super::store::TryLock;
use super::world::{Acquired, Event, Kind, RequestState, StoreRequest, World, WriteReport};
use crate::mistakes;

impl World<'_> {
    /// Passes an observation to an operation, and carries out the next action.
    pub(super) fn observe(&mut self, id: u64, observation: Observation) {
        let Some(observation) = self.note_observation(id, observation) else { return };
        let Some(running) = self.operations.get_mut(&id) else { return };
        let (process, account) = (running.process, running.account);
        let moment = self.machines[self.processes[process].machine].moment(self.now);
        let account_state = &mut self.processes[process].account_states[account];
        match (self.planted, &observation) {
            (Some(Planted::TakeoverWithoutWait), Observation::Loaded(Some(found))) => {
                mistakes::bridge_gap(&mut account_state.watching, &mut account_state.local, found, moment);
            }
            (Some(Planted::ClaimDatedLate), Observation::Stored(_)) => {
                mistakes::date_claim_now(&mut running.before_claim, &mut running.operation, &mut account_state.local, moment);
            }
            _ => {}
        }
        let before = (self.planted == Some(Planted::ClaimDatedLate)).then(|| Box::new((running.operation.clone(), observation.clone())));
        let wrote = matches!(observation, Observation::Stored(_));
        let mut action = running.operation.decide(&mut account_state.local, observation, moment);
        if let (Some(Planted::TakeoverWithoutWait), true, Action::Wait(milliseconds)) = (self.planted, wrote, &mut action) {
            *milliseconds = 0;
        }
        running.before_claim = None;
        if matches!(&action, Action::Swap { record, .. } if record.claimed_by(&running.owner)) {
            running.claimed_at = Some(self.now);
            running.before_claim = before;
        }
        if !matches!(action, Action::Load | Action::TryLock | Action::Wait(_)) {
            self.trace.note(Some(account), self.now, || format!("  {id} acts: {}", describe_action(&action)));
        }
        self.tally.steps += 1;
        self.note_acquired(id);
        self.act(id, action);
    }

    /// Notes an observation. `None` if the operation is gone.
    fn note_observation(&mut self, id: u64, observation: Observation) -> Option<Observation> {
        let outcome_unknown = matches!(observation, Observation::Replied(Reply::OutcomeUnknown(_)));
        let observation = self.check_owner(observation);
        let observation = self.sabotage_observation(id, observation);
        let running = self.operations.get_mut(&id)?;
        running.outcome_unknown |= outcome_unknown;
        // A waiting operation observes the same many times.
        let is_news = match &observation {
            Observation::Begun | Observation::LockBusy | Observation::Waited => false,
            Observation::Loaded(found) => running.loaded.as_ref() != Some(found),
            _ => true,
        };
        if is_news {
            self.trace.note(Some(running.account), self.now, || format!("  {id} sees: {}", describe_observation(&observation)));
        }
        match &observation {
            Observation::Loaded(found) => {
                running.loaded = Some(found.clone());
                let account_state = &mut self.processes[running.process].account_states[running.account];
                account_state.read_at = account_state.read_at.max(Some(running.loaded_at));
                if let Some(found) = found.as_ref().filter(|found| found.record.is_logged_out()) {
                    account_state.seen_ended.push(found.record.grant_id.clone());
                }
            }
            Observation::StoreFailed(_) => {
                running.store_failed = true;
                self.processes[running.process].account_states[running.account].failed_at = Some(self.now);
            }
            Observation::Replied(reply) => {
                let state = match reply {
                    Reply::Tokens(received) => {
                        running.received = token_of(received);
                        RequestState::Storing
                    }
                    Reply::ConnectionLost(_) | Reply::OutcomeUnknown(_) => RequestState::GivenUp,
                    Reply::Refused(_) | Reply::Rejected(_) => RequestState::Finished,
                };
                if let Some(request) = running.request {
                    self.requests[request].state = state;
                }
            }
            Observation::Revoked(outcome) => {
                self.tally.unconfirmed += u64::from(outcome.is_err());
                if let Some(request) = running.request {
                    self.requests[request].state = RequestState::Finished;
                }
            }
            _ => {}
        }
        Some(observation)
    }

    /// Adds whether the process that made the claim has exited.
    fn check_owner(&self, observation: Observation) -> Observation {
        let Observation::Loaded(Some(mut found)) = observation else { return observation };
        if let Some(claim) = &found.record.claim {
            let is_running = self.processes.iter().any(|process| process.is_up && process.instance == claim.instance);
            found.owner_has_exited = !self.settings.locks || !is_running;
        }
        Observation::Loaded(Some(found))
    }

    /// Notes when the process acquired the tokens that it holds.
    fn note_acquired(&mut self, id: u64) {
        let Some(running) = self.operations.get(&id) else { return };
        let (process, account) = (running.process, running.account);
        let own = running.received.filter(|_| running.kind != Kind::Save).and(running.request);
        let (moment, skew) = (self.moment(process), self.skew(process));
        let account_state = &mut self.processes[process].account_states[account];
        let Some(record) = account_state.local.record() else {
            account_state.acquired = None;
            return;
        };
        if account_state.acquired.as_ref().is_some_and(|acquired| acquired.token == access_of(record)) {
            return;
        }
        let acquired = Acquired { token: access_of(record), at: self.now, moment, skew: Some(skew) };
        let brought = running.received.is_some() && access_of(record) == running.received;
        account_state.acquired = Some(match own.filter(|_| brought) {
            Some(request) => {
                let request = &self.requests[request];
                Acquired { at: request.clocks_read_at, moment: request.moment, skew: None, ..acquired }
            }
            None => acquired,
        });
    }

    fn act(&mut self, id: u64, action: Action) {
        let action = self.sabotage_action(id, action);
        let Some(running) = self.operations.get(&id) else { return };
        let (process, account) = (running.process, running.account);
        self.check_action(id, &action);
        if self.faulty && self.random.per_mille(3) {
            if self.random.half() {
                self.carry_out(id, action, self.now);
            }
            self.trace.note(Some(account), self.now, || format!("  process {process} is killed at this step"));
            self.kill(process);
            return;
        }
        let mut from = self.now;
        if self.faulty && self.random.per_mille(2) {
            let length = self.pause_length();
            self.stop(process, length);
            if self.random.half() {
                from = self.awake_at(process);
            }
        }
        self.carry_out(id, action, from);
    }

    /// How long a process is stopped: usually shorter than a lease, sometimes much longer.
    pub(super) fn pause_length(&mut self) -> u64 {
        let longest = [2_000, 20_000, 120_000, 7_200_000][self.random.index(4)];
        self.random.between(1, longest)
    }

    fn carry_out(&mut self, id: u64, action: Action, from: u64) {
        let Some(running) = self.operations.get(&id) else { return };
        match action {
            Action::Load => self.send_to_store(id, from, StoreRequest::Load),
            Action::TryLock => self.send_to_store(id, from, StoreRequest::TryLock),
            Action::Swap { expected, record } => {
                let kind = running.kind;
                self.send_to_store(id, from, StoreRequest::Swap { kind, expected, record, report: WriteReport::Accurate });
            }
            Action::Refresh(record) => self.send_refresh(id, &record, from),
            Action::Exchange => self.send_exchange(id, from),
            Action::Revoke(token) => self.send_revocation(id, &token, from),
            Action::Judge(record) => self.fetch_keys(id, &record, from),
            Action::AcquirePermit => {
                let waited = self.faulty && self.random.per_mille(5);
                let takes = if waited { self.random.between(1, 120_000) } else { 0 };
                self.at(from + takes, Event::Observe(id, Observation::PermitAcquired { waited }));
            }
            Action::Wait(milliseconds) => self.at(from + milliseconds, Event::Observe(id, Observation::Waited)),
            Action::Report(outcome) => {
                let account_state = &mut self.processes[running.process].account_states[running.account];
                if let (Some(token), true) =
                    (account_state.local.record().and_then(access_of), running.store_failed && account_state.local.is_unsaved())
                {
                    account_state.unsaved.push(token);
                }
                if outcome.is_ok() {
                    self.tally.notable("reported before it was stored");
                }
                self.after(0, Event::Observe(id, Observation::Reported));
                let refreshed = outcome.map(|()| true);
                self.login_reported(id, &refreshed);
                self.notify_waiters(id, &refreshed);
            }
            Action::Finish(outcome) => self.end(id, &outcome),
        }
    }

    fn send_to_store(&mut self, id: u64, from: u64, store_request: StoreRequest) {
        let Some(running) = self.operations.get(&id) else { return };
        let (process, account) = (running.process, running.account);
        let takes = self.store_delay(process);
        self.users[account].in_flight += 1;
        self.at(from + takes, Event::Store { operation: id, process, account, store_request });
    }

    /// The store carries out a request.
    pub(super) fn serve_store(&mut self, id: u64, process: usize, account: usize, store_request: StoreRequest) {
        self.users[account].in_flight -= 1;
        // A database may still carry out what a killed process has sent; an embedded store does
        // not.
        let was_killed = !self.operations.contains_key(&id);
        let is_still_done = matches!(store_request, StoreRequest::Swap { .. }) && !self.settings.locks && self.random.half();
        if was_killed && !is_still_done {
            self.check_reachable(account);
            return;
        }
        let is_down = self.now < self.store.down_until;
        let writes = matches!(store_request, StoreRequest::Swap { .. });
        let late = matches!(store_request, StoreRequest::Swap { report: WriteReport::Failed, .. });
        let fails = is_down || (writes && self.now < self.store.read_only_until) || (self.faulty && !late && self.random.per_mille(3));
        if fails {
            self.tally.fault(if writes { "store write failed" } else { "store read failed" });
            if late {
                return;
            }
            if let StoreRequest::Swap { kind, expected, record, .. } = &store_request
                && self.random.per_mille(100)
                && !is_down
                && !self.settings.locks
            {
                self.tally.fault("store write failed, and was carried out later");
                self.users[account].in_flight += 1;
                let later =
                    StoreRequest::Swap { kind: *kind, expected: expected.clone(), record: record.clone(), report: WriteReport::Failed };
                let takes = self.random.between(1, 5_000);
                self.after(takes, Event::Store { operation: id, process, account, store_request: later });
            }
            self.reply_from_store(id, Observation::StoreFailed(Error::new(ErrorCode::StoreUnavailable, "the store does not respond")));
            return;
        }
        match store_request {
            StoreRequest::Load => {
                if let Some(running) = self.operations.get_mut(&id) {
                    running.loaded_at = self.now;
                }
                let found = self.store.load(account).cloned();
                self.reply_from_store(id, Observation::Loaded(found));
            }
            StoreRequest::TryLock => {
                let observation = match self.store.try_lock(account, id) {
                    TryLock::Locked => Observation::Locked,
                    TryLock::Busy => Observation::LockBusy,
                    TryLock::Without => Observation::NoLocks,
                };
                self.reply_from_store(id, observation);
            }
            StoreRequest::Swap { kind, expected, record, report } => {
                let before = self.store.load(account).cloned();
                let observation = match self.store.swap(account, expected.as_deref(), &record) {
                    Some(version) => {
                        self.check_write((id, kind), account, before.as_ref().map(|before| &*before.record), &record);
                        self.note_refusal(before.as_ref().map(|before| &*before.record), &record);
                        self.written(kind, account, &record);
                        Observation::Stored(version)
                    }
                    None => Observation::Conflict,
                };
                if report == WriteReport::Failed {
                    self.check_reachable(account);
                    return;
                }
                if self.faulty && self.random.per_mille(4) {
                    self.tally.fault("store write carried out, response lost");
                    let lost = Error::new(ErrorCode::StoreUnavailable, "the connection to the store was lost");
                    self.reply_from_store(id, Observation::StoreFailed(lost));
                } else {
                    self.reply_from_store(id, observation);
                }
            }
        }
    }

    fn reply_from_store(&mut self, id: u64, observation: Observation) {
        let Some(running) = self.operations.get(&id) else { return };
        let takes = self.store_delay(running.process);
        self.after(takes, Event::Observe(id, observation));
    }

    /// How long a request to the store, or its response, takes.
    fn store_delay(&mut self, process: usize) -> u64 {
        let slow = self.faulty && self.random.per_mille(5);
        if self.now < self.processes[process].slow_until {
            self.random.between(0, 30_000)
        } else if slow {
            self.random.between(100, 2_000)
        } else {
            self.random.between(0, 3)
        }
    }

    fn end(&mut self, id: u64, outcome: &Result<bool>) {
        self.login_reported(id, outcome);
        self.check_end(id);
        self.notify_waiters(id, outcome);
        let Some(running) = self.operations.remove(&id) else { return };
        if let Some(request) = running.request {
            self.requests[request].state = match self.requests[request].state {
                RequestState::Storing => RequestState::Finished,
                state => state,
            };
        }
        self.release(id, running.process, running.account);
        for waiter in running.waiters {
            self.operation_finished(waiter, running.kind, outcome);
        }
        if running.kind != Kind::Judgement {
            self.judge_later(running.process, running.account);
        }
        self.check_reachable(running.account);
    }

    /// Reports to the waiting callers before the end of the operation.
    pub(super) fn notify_waiters(&mut self, id: u64, outcome: &Result<bool>) {
        let Some(running) = self.operations.get_mut(&id) else { return };
        let kind = running.kind;
        for waiter in std::mem::take(&mut running.waiters) {
            self.operation_finished(waiter, kind, outcome);
        }
    }

    /// An operation has finished, or its process was killed.
    pub(super) fn release(&mut self, id: u64, process: usize, account: usize) {
        self.store.unlock(account, id);
        self.users[account].running_operations -= 1;
        let account_state = &mut self.processes[process].account_states[account];
        for place in [&mut account_state.reloading, &mut account_state.refreshing, &mut account_state.judging] {
            if *place == Some(id) {
                *place = None;
            }
        }
    }

    pub(super) fn stop(&mut self, process: usize, length: u64) {
        if self.processes[process].is_up {
            self.tally.fault("process stopped");
            self.trace.note(None, self.now, || format!("process {process} is stopped for {length} ms"));
            self.processes[process].stopped_until = self.now + length;
        }
    }

    pub(super) fn kill(&mut self, process: usize) {
        if !self.processes[process].is_up {
            return;
        }
        self.tally.crashes += 1;
        self.trace.note(None, self.now, || format!("process {process} is killed"));
        self.processes[process].is_up = false;
        let killed: Vec<u64> = self.operations.iter().filter(|(_, running)| running.process == process).map(|(id, _)| *id).collect();
        let mut accounts = Vec::new();
        for id in killed {
            let Some(running) = self.operations.remove(&id) else { continue };
            if let Some(request) = running.request.map(|request| &mut self.requests[request])
                && matches!(request.state, RequestState::InFlight | RequestState::Storing)
            {
                request.state = RequestState::Orphaned;
            }
            self.release(id, process, running.account);
            if running.kind == Kind::LogIn || running.kind == Kind::Save {
                self.login_over(running.account);
            }
            accounts.push(running.account);
        }
        self.callers.retain(|_, caller| caller.process != process);
        self.processes[process].account_states.iter_mut().for_each(|account_state| *account_state = super::world::AccountState::default());
        for account in accounts {
            self.check_reachable(account);
        }
        let rest = self.random.between(50, 30_000);
        self.after(rest, Event::Restart { process });
    }
}
