//! Callers, and what they get.

use sipgate_oauth2_protocol::error::{Error, Result};
use sipgate_oauth2_protocol::refresh::action::Goal;
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, TokenRequirements};

use super::world::{Caller, World};

impl World<'_> {
    pub(super) fn call(&mut self, host: usize, login: usize) {
        self.tally.calls += 1;
        let requirements = TokenRequirements {
            min_validity: 0,
            recheck: self.settings.recheck / 1000,
            early_refresh: Some(self.hosts[host].spread),
            credentials: 0,
            due: None,
        };
        let id = self.number();
        self.callers.insert(id, Caller { host, login, requirements, attempted: Attempted::Nothing });
        self.proceed(id);
    }

    fn proceed(&mut self, id: u64) {
        let Some(caller) = self.callers.get(&id) else { return };
        let (host, login, requirements, attempted) = (caller.host, caller.login, caller.requirements, caller.attempted);
        let moment = self.moment();
        let state = self.hosts[host].logins.entry(login).or_default();
        match state.local.decision(requirements, attempted, moment) {
            Decision::Use => self.hand_out(id),
            Decision::UseAndRefresh => {
                self.hand_out(id);
                self.operation_for(host, login, false, Goal::Refresh(requirements));
            }
            Decision::Reload => self.join(id, true, Goal::Reload),
            Decision::Refresh => {
                self.tally.waited += 1;
                self.join(id, false, Goal::Refresh(requirements));
            }
            Decision::Fail(error) => self.fail(id, &error),
        }
    }

    fn join(&mut self, id: u64, is_reload: bool, goal: Goal) {
        let Some(caller) = self.callers.get(&id) else { return };
        let operation = self.operation_for(caller.host, caller.login, is_reload, goal);
        if let Some(running) = self.operations.get_mut(&operation) {
            running.waiters.push(id);
        }
    }

    /// The operation in progress, or a new one.
    fn operation_for(&mut self, host: usize, login: usize, is_reload: bool, goal: Goal) -> u64 {
        let state = self.hosts[host].logins.entry(login).or_default();
        if let Some(operation) = if is_reload { state.reloading } else { state.refreshing } {
            return operation;
        }
        self.start(host, login, is_reload, goal)
    }

    /// The operation that a caller waited for has finished.
    pub(super) fn operation_finished(&mut self, id: u64, is_reload: bool, outcome: &Result<bool>) {
        let moment = self.moment();
        let Some(caller) = self.callers.get_mut(&id) else { return };
        let attempted = match outcome {
            Ok(true) => Attempted::Refresh,
            Ok(false) if is_reload => Attempted::Reload,
            Ok(false) => Attempted::Operation,
            Err(error) => {
                let state = self.hosts[caller.host].logins.get(&caller.login);
                if state.is_some_and(|state| state.local.is_usable(caller.requirements, moment)) {
                    self.hand_out(id);
                } else {
                    self.fail(id, error);
                }
                return;
            }
        };
        caller.attempted = caller.attempted.max(attempted);
        self.proceed(id);
    }

    fn hand_out(&mut self, id: u64) {
        self.callers.remove(&id);
        self.tally.handed_out += 1;
    }

    fn fail(&mut self, id: u64, error: &Error) {
        self.callers.remove(&id);
        *self.tally.errors.entry(error.code().as_str()).or_default() += 1;
    }
}
