//! Carries out what `decide` decides, and goes wrong at it.

use super::planted::Planted;
use super::store::TryLock;
use super::world::{Answering, Event, Fate, Kind, Met, Work, World, access_of, refresh_of, token_of};
use crate::mistakes;
use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::record::Record;
use sipgate_oauth2_protocol::refresh::reply::Reply;

impl World<'_> {
    /// Something came of a flight's last action: on to the next.
    pub(super) fn observe(&mut self, id: u64, seen: Observation) {
        let Some(seen) = self.see(id, seen) else { return };
        let Some(pilot) = self.flights.get_mut(&id) else { return };
        let (process, account) = (pilot.process, pilot.account);
        let moment = self.machines[self.processes[process].machine].moment(self.now);
        let lane = &mut self.processes[process].lanes[account];
        match (self.planted, &seen) {
            (Some(Planted::TakeoverAtOnce), Observation::Loaded(Some(found))) => {
                mistakes::watch_on(&mut lane.watching, &mut lane.known, found, moment);
            }
            (Some(Planted::AgeTakenLate), Observation::Stored(_)) => {
                mistakes::claim_now(&mut pilot.claiming, &mut pilot.flight, &mut lane.known, moment);
            }
            _ => {}
        }
        let before = (self.planted == Some(Planted::AgeTakenLate)).then(|| Box::new((pilot.flight.clone(), seen.clone())));
        let wrote = matches!(seen, Observation::Stored(_));
        let mut action = pilot.flight.decide(&mut lane.known, seen, moment);
        if let (Some(Planted::TakeoverAtOnce), true, Action::Wait(milliseconds)) = (self.planted, wrote, &mut action) {
            *milliseconds = 0;
        }
        pilot.claiming = None;
        if matches!(&action, Action::Swap { record, .. } if record.claimed_by(&pilot.owner)) {
            pilot.claimed_at = Some(self.now);
            pilot.claiming = before;
        }
        if !matches!(action, Action::Load | Action::TryLock | Action::Wait(_)) {
            self.trace.note(Some(account), self.now, || format!("  {id} does {}", describe(&action)));
        }
        self.tally.steps += 1;
        self.note_met(id);
        self.act(id, action);
    }

    /// Takes note of what a flight sees; nothing, if a planted fault does something else with it.
    fn see(&mut self, id: u64, seen: Observation) -> Option<Observation> {
        let in_doubt = matches!(seen, Observation::Replied(Reply::OutcomeUnknown(_)));
        let seen = self.look_at_owner(seen);
        let seen = self.spoil_observation(id, seen);
        let pilot = self.flights.get_mut(&id)?;
        pilot.in_doubt |= in_doubt;
        // Who waits sees the same again and again.
        let is_news = match &seen {
            Observation::Begun | Observation::LockBusy | Observation::Waited => false,
            Observation::Loaded(found) => pilot.loaded.as_ref() != Some(found),
            _ => true,
        };
        if is_news {
            self.trace.note(Some(pilot.account), self.now, || format!("  {id} saw  {}", describe_seen(&seen)));
        }
        match &seen {
            Observation::Loaded(found) => {
                pilot.loaded = Some(found.clone());
                let lane = &mut self.processes[pilot.process].lanes[pilot.account];
                lane.read_at = lane.read_at.max(Some(pilot.loaded_at));
                if let Some(found) = found.as_ref().filter(|found| found.record.is_logged_out()) {
                    lane.seen_ended.push(found.record.grant_id.clone());
                }
            }
            Observation::StoreFailed(_) => {
                pilot.store_failed = true;
                self.processes[pilot.process].lanes[pilot.account].failed_at = Some(self.now);
            }
            Observation::Replied(reply) => {
                let fate = match reply {
                    Reply::Tokens(received) => {
                        pilot.received = token_of(received);
                        Fate::Answered
                    }
                    Reply::ConnectionLost(_) | Reply::OutcomeUnknown(_) => Fate::GivenUp,
                    Reply::Refused(_) | Reply::Rejected(_) => Fate::Attempted,
                };
                if let Some(request) = pilot.request {
                    self.requests[request].fate = fate;
                }
            }
            Observation::Revoked(outcome) => {
                self.tally.unconfirmed += u64::from(outcome.is_err());
                if let Some(request) = pilot.request {
                    self.requests[request].fate = Fate::Attempted;
                }
            }
            _ => {}
        }
        Some(seen)
    }

    /// Whether the process that made a claim has ended. By its number, one of another machine may
    /// well look it.
    fn look_at_owner(&self, seen: Observation) -> Observation {
        let Observation::Loaded(Some(mut found)) = seen else { return seen };
        if let Some(claim) = &found.record.claim {
            let lives = self.processes.iter().any(|process| process.is_up && process.instance == claim.instance);
            found.owner_has_exited = !self.settings.locks || !lives;
        }
        Observation::Loaded(Some(found))
    }

    /// When did the process meet the tokens that it has?
    fn note_met(&mut self, id: u64) {
        let Some(pilot) = self.flights.get(&id) else { return };
        let (process, account) = (pilot.process, pilot.account);
        let own = pilot.received.filter(|_| pilot.kind != Kind::Save).and(pilot.request);
        let (moment, skew) = (self.moment(process), self.skew(process));
        let lane = &mut self.processes[process].lanes[account];
        let Some(record) = lane.known.record() else {
            lane.met = None;
            return;
        };
        if lane.met.as_ref().is_some_and(|met| met.token == access_of(record)) {
            return;
        }
        let met = Met { token: access_of(record), at: self.now, moment, skew: Some(skew) };
        let brought = pilot.received.is_some() && access_of(record) == pilot.received;
        lane.met = Some(match own.filter(|_| brought) {
            Some(request) => {
                let request = &self.requests[request];
                Met { at: request.stamped, moment: request.moment, skew: None, ..met }
            }
            None => met,
        });
    }

    fn act(&mut self, id: u64, action: Action) {
        let action = self.spoil_action(id, action);
        let Some(pilot) = self.flights.get(&id) else { return };
        let (process, account) = (pilot.process, pilot.account);
        self.check_action(id, &action);
        if self.stormy && self.random.per_mille(3) {
            if self.random.half() {
                self.carry_out(id, action, self.now);
            }
            self.trace.note(Some(account), self.now, || format!("  process {process} is killed at this step"));
            self.kill(process);
            return;
        }
        let mut from = self.now;
        if self.stormy && self.random.per_mille(2) {
            let length = self.a_pause();
            self.stop(process, length);
            if self.random.half() {
                from = self.awake_at(process);
            }
        }
        self.carry_out(id, action, from);
    }

    /// How long a process stands still: mostly shorter than a lease, at times much longer.
    pub(super) fn a_pause(&mut self) -> u64 {
        let longest = [2_000, 20_000, 120_000, 7_200_000][self.random.index(4)];
        self.random.between(1, longest)
    }

    fn carry_out(&mut self, id: u64, action: Action, from: u64) {
        let Some(pilot) = self.flights.get(&id) else { return };
        match action {
            Action::Load => self.ask_store(id, from, Work::Load),
            Action::TryLock => self.ask_store(id, from, Work::TryLock),
            Action::Swap { expected, record } => {
                let kind = pilot.kind;
                self.ask_store(id, from, Work::Swap { kind, expected, record, answer: Answering::Truly });
            }
            Action::Refresh(record) => self.send_refresh(id, &record, from),
            Action::Exchange => self.send_exchange(id, from),
            Action::Revoke(token) => self.send_revocation(id, &token, from),
            Action::AcquirePermit => {
                let waited = self.stormy && self.random.per_mille(5);
                let takes = if waited { self.random.between(1, 120_000) } else { 0 };
                self.at(from + takes, Event::Observe(id, Observation::PermitAcquired { waited }));
            }
            Action::Wait(milliseconds) => self.at(from + milliseconds, Event::Observe(id, Observation::Waited)),
            Action::Report(outcome) => {
                let lane = &mut self.processes[pilot.process].lanes[pilot.account];
                if let (Some(token), true) = (lane.known.record().and_then(access_of), pilot.store_failed && lane.known.is_unsaved()) {
                    lane.unsaved.push(token);
                }
                if outcome.is_ok() {
                    self.tally.oddity("told before it was saved");
                }
                self.after(0, Event::Observe(id, Observation::Reported));
                let renewed = outcome.map(|()| true);
                self.told(id, &renewed);
                self.wake(id, &renewed);
            }
            Action::Finish(outcome) => self.end(id, &outcome),
        }
    }

    fn ask_store(&mut self, id: u64, from: u64, work: Work) {
        let Some(pilot) = self.flights.get(&id) else { return };
        let (process, account) = (pilot.process, pilot.account);
        let takes = self.store_takes(process);
        self.people[account].under_way += 1;
        self.at(from + takes, Event::Store { flight: id, process, account, work });
    }

    /// The store does it.
    pub(super) fn work(&mut self, id: u64, process: usize, account: usize, work: Work) {
        self.people[account].under_way -= 1;
        // What a dead process had sent to a database may still be done there; what it did itself,
        // not.
        let by_the_dead = !self.flights.contains_key(&id);
        let is_still_done = matches!(work, Work::Swap { .. }) && !self.settings.locks && self.random.half();
        if by_the_dead && !is_still_done {
            self.settle(account);
            return;
        }
        let gone = self.now < self.store.gone_until;
        let writes = matches!(work, Work::Swap { .. });
        let late = matches!(work, Work::Swap { answer: Answering::Failed, .. });
        let fails = gone || (writes && self.now < self.store.read_only_until) || (self.stormy && !late && self.random.per_mille(3));
        if fails {
            self.tally.fault(if writes { "store write failed" } else { "store read failed" });
            if late {
                return;
            }
            if let Work::Swap { kind, expected, record, .. } = &work
                && self.random.per_mille(100)
                && !gone
                && !self.settings.locks
            {
                self.tally.fault("store write failed and came later");
                self.people[account].under_way += 1;
                let later = Work::Swap { kind: *kind, expected: expected.clone(), record: record.clone(), answer: Answering::Failed };
                let takes = self.random.between(1, 5_000);
                self.after(takes, Event::Store { flight: id, process, account, work: later });
            }
            self.answer_store(id, Observation::StoreFailed(Error::new(ErrorCode::StoreUnavailable, "the store does not answer")));
            return;
        }
        match work {
            Work::Load => {
                if let Some(pilot) = self.flights.get_mut(&id) {
                    pilot.loaded_at = self.now;
                }
                let found = self.store.load(account).cloned();
                self.answer_store(id, Observation::Loaded(found));
            }
            Work::TryLock => {
                let seen = match self.store.try_lock(account, id) {
                    TryLock::Locked => Observation::Locked,
                    TryLock::Busy => Observation::LockBusy,
                    TryLock::Without => Observation::NoLocks,
                };
                self.answer_store(id, seen);
            }
            Work::Swap { kind, expected, record, answer } => {
                let before = self.store.load(account).cloned();
                let seen = match self.store.swap(account, expected.as_deref(), &record) {
                    Some(version) => {
                        self.check_write((id, kind), account, before.as_ref().map(|before| &*before.record), &record);
                        self.written(kind, account, &record);
                        Observation::Stored(version)
                    }
                    None => Observation::Conflict,
                };
                if answer == Answering::Failed {
                    self.settle(account);
                    return;
                }
                if self.stormy && self.random.per_mille(4) {
                    self.tally.fault("store write done, answer lost");
                    let lost = Error::new(ErrorCode::StoreUnavailable, "the connection to the store broke");
                    self.answer_store(id, Observation::StoreFailed(lost));
                } else {
                    self.answer_store(id, seen);
                }
            }
        }
    }

    fn answer_store(&mut self, id: u64, seen: Observation) {
        let Some(pilot) = self.flights.get(&id) else { return };
        let takes = self.store_takes(pilot.process);
        self.after(takes, Event::Observe(id, seen));
    }

    /// How long the way to the store or back takes.
    fn store_takes(&mut self, process: usize) -> u64 {
        let slow = self.stormy && self.random.per_mille(5);
        if self.now < self.processes[process].slow_until {
            self.random.between(0, 30_000)
        } else if slow {
            self.random.between(100, 2_000)
        } else {
            self.random.between(0, 3)
        }
    }

    fn end(&mut self, id: u64, outcome: &Result<bool>) {
        self.told(id, outcome);
        self.check_end(id);
        self.wake(id, outcome);
        let Some(pilot) = self.flights.remove(&id) else { return };
        if let Some(request) = pilot.request {
            self.requests[request].fate = match self.requests[request].fate {
                Fate::Answered => Fate::Attempted,
                fate => fate,
            };
        }
        self.release(id, pilot.process, pilot.account);
        for waiter in pilot.waiters {
            self.landed(waiter, pilot.kind, outcome);
        }
        self.settle(pilot.account);
    }

    /// Tells who waits, without the flight's end.
    pub(super) fn wake(&mut self, id: u64, outcome: &Result<bool>) {
        let Some(pilot) = self.flights.get_mut(&id) else { return };
        let kind = pilot.kind;
        for waiter in std::mem::take(&mut pilot.waiters) {
            self.landed(waiter, kind, outcome);
        }
    }

    /// A flight is over, or its process is.
    pub(super) fn release(&mut self, id: u64, process: usize, account: usize) {
        self.store.unlock(account, id);
        self.people[account].flying -= 1;
        let lane = &mut self.processes[process].lanes[account];
        for place in [&mut lane.looking, &mut lane.renewing] {
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
        let dead: Vec<u64> = self.flights.iter().filter(|(_, pilot)| pilot.process == process).map(|(id, _)| *id).collect();
        let mut accounts = Vec::new();
        for id in dead {
            let Some(pilot) = self.flights.remove(&id) else { continue };
            if let Some(request) = pilot.request.map(|request| &mut self.requests[request])
                && matches!(request.fate, Fate::InFlight | Fate::Answered)
            {
                request.fate = Fate::Orphaned;
            }
            self.release(id, process, pilot.account);
            if pilot.kind == Kind::LogIn || pilot.kind == Kind::Save {
                self.login_over(pilot.account);
            }
            accounts.push(pilot.account);
        }
        self.callers.retain(|_, caller| caller.process != process);
        self.processes[process].lanes.iter_mut().for_each(|lane| *lane = super::world::AccountState::default());
        for account in accounts {
            self.settle(account);
        }
        let rest = self.random.between(50, 30_000);
        self.after(rest, Event::Restart { process });
    }
}

fn describe_seen(seen: &Observation) -> String {
    match seen {
        Observation::Loaded(None) => "nothing there".into(),
        Observation::Loaded(Some(found)) => format!("{} {}", found.version, describe_record(&found.record)),
        Observation::Replied(Reply::Tokens(received)) => match &received.tokens {
            Ok(_) => format!("tokens {:?}", token_of(received)),
            Err(error) => format!("tokens {:?}, not usable: {}", token_of(received), error.code()),
        },
        Observation::Replied(Reply::Rejected(error)) => format!("rejected: {error}"),
        Observation::Replied(Reply::Refused(error)) => format!("refused: {error}"),
        Observation::Replied(Reply::ConnectionLost(_)) => "a broken connection".into(),
        Observation::Replied(Reply::OutcomeUnknown(error)) => format!("in doubt: {error}"),
        other => format!("{other:?}"),
    }
}

fn describe(action: &Action) -> String {
    match action {
        Action::Swap { expected, record } => format!("swap {} for {}", expected.as_deref().unwrap_or("nothing"), describe_record(record)),
        Action::Refresh(record) => format!("refresh with {:?}", refresh_of(record)),
        other => format!("{other:?}"),
    }
}

pub(super) fn describe_record(record: &Record) -> String {
    let state = if record.is_active() {
        "active"
    } else if record.is_logged_out() {
        "ended"
    } else {
        "dead"
    };
    let claim = record.claim.as_ref().map_or(String::new(), |claim| format!(", claimed by {} of {}", claim.owner, claim.instance));
    let failure = record.failure.as_ref().map_or(String::new(), |failure| format!(", {} failures", failure.count));
    let (access, refresh) = (access_of(record), refresh_of(record));
    format!(
        "[{} generation {} {state}, access {}, refresh {}{claim}{failure}]",
        record.grant_id,
        record.generation,
        access.map_or("none".into(), |token| token.to_string()),
        refresh.map_or("none".into(), |token| token.to_string()),
    )
}
