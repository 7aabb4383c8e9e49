//! Who calls for tokens, and what they are told: the part of the driver that is not a flight.

use super::world::{Caller, Driver, Event, Kind, Process, World, access_of};
use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::refresh::action::Goal;
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, TokenRequirements};

/// How long a caller waits.
const PATIENCE: u64 = 30_000;

/// A call that takes part in more flights than this goes round in circles.
const MAX_REFRESHES: u32 = 40;

/// A look that takes longer does not hold up a caller who can be given something.
const LATE: u64 = 250;

/// For how long a look into the store counts: one machine, several.
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
        let Process { spread, credentials, lanes, .. } = &self.processes[process];
        let demand =
            TokenRequirements { min_validity, recheck, early_refresh: (!self.settings.locks).then_some(*spread), credentials: *credentials };
        let known = &lanes[account].known;
        let caller = Caller {
            process,
            account,
            demand,
            force,
            done: Attempted::Nothing,
            began: self.now,
            flights: 0,
            had: known.record().filter(|_| !force && known.is_usable(demand, moment)).and_then(access_of),
            failed: false,
            must,
        };
        self.trace
            .note(Some(account), self.now, || format!("process {process}: caller {id} comes (min_validity {min_validity}, force {force})"));
        self.callers.insert(id, caller);
        let patience = if must { 4 * PATIENCE } else { PATIENCE };
        self.after(patience + 10, Event::CallerLeaves(id));
        self.decision(id);
    }

    fn judge(&mut self, id: u64) {
        let Some(caller) = self.callers.get(&id) else { return };
        let (process, account, demand) = (caller.process, caller.account, caller.demand);
        if caller.flights > MAX_REFRESHES {
            self.fail(account, format!("caller {id} goes round in circles"));
            return;
        }
        if caller.force && caller.done == Attempted::Nothing {
            self.join(id, Kind::Force);
            return;
        }
        let known = &self.processes[process].lanes[account].known;
        match known.decision(demand, caller.done, self.moment(process)) {
            Decision::Use => self.give(id),
            Decision::UseAndRefresh => {
                self.give(id);
                self.under_way(process, account, Kind::Renew, Goal::Refresh(demand), PATIENCE);
            }
            Decision::Reload => self.join(id, Kind::Look),
            Decision::Refresh => {
                self.check_waiting(id);
                self.join(id, Kind::Renew);
            }
            Decision::Fail(error) => self.refuse(id, &error),
        }
    }

    fn join(&mut self, id: u64, kind: Kind) {
        let Some(caller) = self.callers.get_mut(&id) else { return };
        caller.flights += 1;
        let (process, account) = (caller.process, caller.account);
        let patience = if caller.must { 4 * PATIENCE } else { PATIENCE };
        let goal = match kind {
            Kind::Look => Goal::Reload,
            Kind::Force => Goal::ForceRefresh,
            _ => Goal::Refresh(caller.demand),
        };
        let can_be_given = kind == Kind::Look && caller.had.is_some();
        let flight = self.under_way(process, account, kind, goal, patience);
        if let Some(pilot) = self.flights.get_mut(&flight) {
            pilot.waiters.push(id);
        }
        if can_be_given {
            let is_late = |pilot: &Driver| pilot.process == process && pilot.kind == Kind::Look && self.now >= pilot.began + LATE;
            let others_are = self.flights.values().any(is_late);
            self.after(if others_are { 0 } else { LATE }, Event::Late { caller: id, flight });
        }
    }

    /// The flight that is under way for this, or a new one.
    fn under_way(&mut self, process: usize, account: usize, kind: Kind, goal: Goal, patience: u64) -> u64 {
        let looks = kind == Kind::Look;
        let lane = &self.processes[process].lanes[account];
        if let Some(flight) = if looks { lane.looking } else { lane.renewing } {
            return flight;
        }
        let flight = self.start(process, account, kind, goal, patience);
        let lane = &mut self.processes[process].lanes[account];
        *(if looks { &mut lane.looking } else { &mut lane.renewing }) = Some(flight);
        flight
    }

    /// The look that a caller waits for goes on, and the caller need not wait for it.
    pub(super) fn late(&mut self, id: u64, flight: u64) {
        let Some(pilot) = self.flights.get(&flight).filter(|pilot| pilot.waiters.contains(&id)) else { return };
        let moment = self.moment(pilot.process);
        let Some(caller) = self.callers.get_mut(&id) else { return };
        if !self.processes[caller.process].lanes[caller.account].known.is_usable(caller.demand, moment) {
            return;
        }
        caller.failed = true;
        self.tally.oddity("given before a late look");
        if let Some(pilot) = self.flights.get_mut(&flight) {
            pilot.waiters.retain(|waiter| *waiter != id);
        }
        self.give(id);
    }

    /// The flight that a caller waited for has ended.
    pub(super) fn landed(&mut self, id: u64, kind: Kind, outcome: &Result<bool>) {
        let moment = self.callers.get(&id).map(|caller| self.moment(caller.process));
        let (Some(caller), Some(moment)) = (self.callers.get_mut(&id), moment) else { return };
        match outcome {
            Ok(_) if caller.force && kind != Kind::Force => {}
            Ok(true) => caller.done = caller.done.max(Attempted::Refresh),
            Ok(false) => caller.done = caller.done.max(if kind == Kind::Look { Attempted::Reload } else { Attempted::Operation }),
            Err(error) => {
                caller.failed = true;
                let known = &self.processes[caller.process].lanes[caller.account].known;
                if known.is_usable(caller.demand, moment) {
                    self.give(id);
                } else {
                    self.refuse(id, error);
                }
                return;
            }
        }
        self.decision(id);
    }

    fn give(&mut self, id: u64) {
        self.check_hand_out(id);
        let Some(caller) = self.callers.remove(&id) else { return };
        self.tally.served += 1;
        let Some(token) = self.processes[caller.process].lanes[caller.account].known.record().and_then(access_of) else {
            self.fail(caller.account, format!("caller {id} is given a token that is not there"));
            return;
        };
        self.trace.note(Some(caller.account), self.now, || format!("caller {id} is given {token}"));
        let dead = self.now > self.server.token(token).sent + self.settings.life * 1000;
        if dead {
            self.tally.oddity("dead token handed out, by a clock set back");
        }
        if dead || (self.stormy && self.random.per_mille(30)) {
            // Callers of one burst learn of it one after the other.
            for _ in 0..self.random.between(1, 4) {
                let late = self.random.between(10, 5_000);
                self.after(late, Event::Refused { process: caller.process, account: caller.account, token });
            }
        }
    }

    /// The API does not take a token: it is reported, and another one asked for.
    pub(super) fn refused(&mut self, process: usize, account: usize, token: usize) {
        if !self.processes[process].is_up {
            return;
        }
        self.tally.fault("401 of the API");
        let moment = self.moment(process);
        let lane = &mut self.processes[process].lanes[account];
        lane.known.invalidate(&format!("a{token}"), moment);
        lane.refused.push(token);
        self.call(process, account, false, false);
    }

    fn refuse(&mut self, id: u64, error: &Error) {
        let Some(caller) = self.callers.remove(&id) else { return };
        *self.tally.errors.entry(error.code().as_str()).or_default() += 1;
        self.trace.note(Some(caller.account), self.now, || format!("caller {id} is refused: {error}"));
        if error.code() == ErrorCode::LoginRequired {
            self.wants_login(caller.account);
        }
        if caller.must && self.people[caller.account].login.is_some() {
            self.fail(caller.account, format!("nothing goes wrong any more, and caller {id} gets an error: {error}"));
        }
    }

    pub(super) fn leave(&mut self, id: u64) {
        let Some(caller) = self.callers.remove(&id) else { return };
        self.tally.oddity("caller left without an answer");
        for pilot in self.flights.values_mut() {
            pilot.waiters.retain(|waiter| *waiter != id);
        }
        if caller.must {
            self.fail(caller.account, format!("nothing goes wrong any more, and caller {id} gets no answer"));
        }
    }
}
