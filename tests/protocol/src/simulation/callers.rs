//! Callers, and what they get: what the driver does besides operations.

use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::refresh::action::Goal;
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, TokenRequirements};

use super::records::access_of;
use super::world::{Caller, Event, Kind, Process, RunningOperation, World};

/// How long a caller waits.
const PATIENCE: u64 = 30_000;

/// A call that joins more operations than this does not terminate.
const MAX_REFRESHES: u32 = 40;

/// A caller with a usable token waits no longer than this for a reload.
const LATE: u64 = 250;

/// `recheck` with locks, and without.
const RECHECK: [u64; 2] = [1_000, 5_000];

impl World<'_> {
    pub(super) fn call(&mut self, process: usize, account: usize, must: bool, force: bool) {
        if !self.processes[process].is_up {
            if must {
                self.after(1_000, Event::Call { process, account, must, force });
            }
            return;
        }
        self.tally.calls += 1;
        let min_validity = if must || self.random.per_mille(850) { 0 } else { [10_000, 60_000, 86_400_000][self.random.index(3)] };
        let recheck = RECHECK[usize::from(!self.settings.locks)];
        self.names += 1;
        let id = self.names;
        let moment = self.moment(process);
        let Process { spread, credentials, account_states, .. } = &self.processes[process];
        let requirements = TokenRequirements {
            min_validity,
            recheck,
            early_refresh: (!self.settings.locks).then_some(*spread),
            credentials: *credentials,
            due: None,
        };
        let local = &account_states[account].local;
        let caller = Caller {
            process,
            account,
            requirements,
            force,
            attempted: Attempted::Nothing,
            began: self.now,
            operations: 0,
            usable_at_start: local.record().filter(|_| !force && local.is_usable(requirements, moment)).and_then(access_of),
            failed: false,
            must,
        };
        self.trace.note(Some(account), self.now, || {
            format!("process {process}: caller {id} begins (min_validity {min_validity}, force {force})")
        });
        self.callers.insert(id, caller);
        let patience = if must { 4 * PATIENCE } else { PATIENCE };
        self.after(patience + 10, Event::CallerTimesOut(id));
        self.proceed(id);
    }

    fn proceed(&mut self, id: u64) {
        let Some(caller) = self.callers.get(&id) else { return };
        let (process, account, requirements) = (caller.process, caller.account, caller.requirements);
        if caller.operations > MAX_REFRESHES {
            self.fail(account, format!("caller {id} does not terminate"));
            return;
        }
        if caller.force && caller.attempted == Attempted::Nothing {
            self.join(id, Kind::ForceRefresh);
            return;
        }
        let local = &self.processes[process].account_states[account].local;
        match local.decision(requirements, caller.attempted, self.moment(process)) {
            Decision::Use => self.hand_out(id),
            Decision::UseAndRefresh => {
                self.hand_out(id);
                self.operation_for(process, account, Kind::Refresh, Goal::Refresh(requirements), PATIENCE);
            }
            Decision::Reload => self.join(id, Kind::Reload),
            Decision::Refresh => {
                self.check_waiting(id);
                self.join(id, Kind::Refresh);
            }
            Decision::Fail(error) => self.fail_caller(id, &error),
        }
    }

    fn join(&mut self, id: u64, kind: Kind) {
        let Some(caller) = self.callers.get_mut(&id) else { return };
        caller.operations += 1;
        let (process, account) = (caller.process, caller.account);
        let patience = if caller.must { 4 * PATIENCE } else { PATIENCE };
        let goal = match kind {
            Kind::Reload => Goal::Reload,
            Kind::ForceRefresh => Goal::ForceRefresh,
            _ => Goal::Refresh(caller.requirements),
        };
        let can_be_given = kind == Kind::Reload && caller.usable_at_start.is_some();
        let operation = self.operation_for(process, account, kind, goal, patience);
        if let Some(running) = self.operations.get_mut(&operation) {
            running.waiters.push(id);
        }
        if can_be_given {
            let is_late =
                |running: &RunningOperation| running.process == process && running.kind == Kind::Reload && self.now >= running.began + LATE;
            let others_are = self.operations.values().any(is_late);
            self.after(if others_are { 0 } else { LATE }, Event::Late { caller: id, operation });
        }
    }

    /// The operation in progress, or a new one.
    fn operation_for(&mut self, process: usize, account: usize, kind: Kind, goal: Goal, patience: u64) -> u64 {
        let is_reload = kind == Kind::Reload;
        let account_state = &self.processes[process].account_states[account];
        if let Some(operation) = if is_reload { account_state.reloading } else { account_state.refreshing } {
            return operation;
        }
        let operation = self.start(process, account, kind, goal, patience);
        let account_state = &mut self.processes[process].account_states[account];
        *(if is_reload { &mut account_state.reloading } else { &mut account_state.refreshing }) = Some(operation);
        operation
    }

    /// The reload takes too long, and the caller need not wait for it.
    pub(super) fn late(&mut self, id: u64, operation: u64) {
        let Some(running) = self.operations.get(&operation).filter(|running| running.waiters.contains(&id)) else { return };
        let moment = self.moment(running.process);
        let Some(caller) = self.callers.get_mut(&id) else { return };
        if !self.processes[caller.process].account_states[caller.account].local.is_usable(caller.requirements, moment) {
            return;
        }
        caller.failed = true;
        self.tally.notable("handed out before a late reload");
        if let Some(running) = self.operations.get_mut(&operation) {
            running.waiters.retain(|waiter| *waiter != id);
        }
        self.hand_out(id);
    }

    /// The operation that a caller waited for has finished.
    pub(super) fn operation_finished(&mut self, id: u64, kind: Kind, outcome: &Result<bool>) {
        let moment = self.callers.get(&id).map(|caller| self.moment(caller.process));
        let (Some(caller), Some(moment)) = (self.callers.get_mut(&id), moment) else { return };
        match outcome {
            Ok(_) if caller.force && kind != Kind::ForceRefresh => {}
            Ok(true) => caller.attempted = caller.attempted.max(Attempted::Refresh),
            Ok(false) => {
                caller.attempted = caller.attempted.max(if kind == Kind::Reload { Attempted::Reload } else { Attempted::Operation });
            }
            Err(error) => {
                caller.failed = true;
                let local = &self.processes[caller.process].account_states[caller.account].local;
                if local.is_usable(caller.requirements, moment) {
                    self.hand_out(id);
                } else {
                    self.fail_caller(id, error);
                }
                return;
            }
        }
        self.proceed(id);
    }

    fn hand_out(&mut self, id: u64) {
        self.check_hand_out(id);
        let Some(caller) = self.callers.remove(&id) else { return };
        self.tally.served += 1;
        let Some(token) = self.processes[caller.process].account_states[caller.account].local.record().and_then(access_of) else {
            self.fail(caller.account, format!("caller {id} gets a token that does not exist"));
            return;
        };
        self.trace.note(Some(caller.account), self.now, || format!("caller {id} gets {token}"));
        let expired = self.now > self.server.notes(token).sent + self.settings.lifetime * 1000;
        if expired {
            self.tally.notable("expired token handed out, by a clock set back");
        }
        if expired || (self.faulty && self.random.per_mille(30)) {
            // The callers of a burst find out one after the other.
            for _ in 0..self.random.between(1, 4) {
                let late = self.random.between(10, 5_000);
                self.after(late, Event::Refused { process: caller.process, account: caller.account, token });
            }
        }
    }

    /// An API refuses a token. The caller invalidates it, and asks for another.
    pub(super) fn refused(&mut self, process: usize, account: usize, token: usize) {
        if !self.processes[process].is_up {
            return;
        }
        self.tally.fault("401 from an API");
        let moment = self.moment(process);
        let account_state = &mut self.processes[process].account_states[account];
        account_state.local.invalidate(&format!("a{token}"), moment);
        account_state.refused.push(token);
        self.call(process, account, false, false);
    }

    fn fail_caller(&mut self, id: u64, error: &Error) {
        let Some(caller) = self.callers.remove(&id) else { return };
        *self.tally.errors.entry(error.code().as_str()).or_default() += 1;
        self.trace.note(Some(caller.account), self.now, || format!("caller {id} fails: {error}"));
        if error.code() == ErrorCode::LoginRequired {
            self.wants_login(caller.account);
        }
        if caller.must && self.users[caller.account].login.is_some() {
            self.fail(caller.account, format!("without faults, caller {id} gets an error: {error}"));
        }
    }

    pub(super) fn caller_timed_out(&mut self, id: u64) {
        let Some(caller) = self.callers.remove(&id) else { return };
        self.tally.notable("caller timed out");
        for running in self.operations.values_mut() {
            running.waiters.retain(|waiter| *waiter != id);
        }
        if caller.must {
            self.fail(caller.account, format!("without faults, caller {id} times out"));
        }
    }
}
