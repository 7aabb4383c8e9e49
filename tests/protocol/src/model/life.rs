//! The life of a process: its callers, and its flights as the driver flies them.

use super::planted::{self, Planted};
use super::setup::{Exclusion, Setup};
use super::steps::store_failed;
use super::world::{
    ARRIVING, Answer, Ask, BEAT, Caller, LEAVING, LOOKING, Pending, Process, REFRESHING, Running, StoreState, World, account, number,
    refresh_token, tokens,
};
use crate::mistakes;
use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::refresh::action::{Action, Goal, Observation, OperationContext};
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, TokenRequirements};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{REQUEST_MILLISECONDS, Record, Stored};
use sipgate_oauth2_protocol::refresh::reply::{Received, Reply};
use sipgate_oauth2_protocol::time::Moment;

const PATIENCE: u64 = 30_000;

impl World {
    pub(super) fn call(&mut self, setup: &Setup, process: usize, force: bool) {
        self.process_mut(process).caller = Some(Caller { done: Attempted::Nothing, awaits: REFRESHING, force });
        if force {
            self.begin(setup, process, REFRESHING, Goal::ForceRefresh);
        } else {
            self.attend(setup, process);
        }
    }

    /// An API does not accept the current token.
    pub(super) fn invalidate(&mut self, setup: &Setup, process: usize) {
        let now = self.now(setup, process);
        let known = &mut self.process_mut(process).known;
        let current = known.record().and_then(|record| record.tokens.clone());
        if let Some(tokens) = current {
            known.invalidate(tokens.access_token().reveal(), now);
        }
        self.call(setup, process, false);
    }

    pub(super) fn log_in(&mut self, setup: &Setup, process: usize) {
        let grant_id = format!("g{process}");
        self.begin(setup, process, ARRIVING, Goal::LogIn { grant_id });
    }

    /// Somebody logs in elsewhere with the same browser, and hands the tokens over.
    pub(super) fn save(&mut self, setup: &Setup, process: usize) {
        let grant_id = format!("s{process}");
        let sent = self.now(setup, process);
        let received = Box::new(received(self.server.log_in(self.time), sent));
        self.begin(setup, process, ARRIVING, Goal::Save { grant_id, received });
    }

    pub(super) fn log_out(&mut self, setup: &Setup, process: usize) {
        self.begin(setup, process, LEAVING, Goal::LogOut);
    }

    /// Does for the caller what its judgement calls for.
    fn attend(&mut self, setup: &Setup, process: usize) {
        let now = self.now(setup, process);
        let demand = demand(setup, process);
        let Process { known, flights, caller: Some(caller), .. } = self.process_mut(process) else { return };
        let is_refreshing = flights[REFRESHING].is_some();
        match known.decision(demand, caller.done, now) {
            Decision::Use => self.hand_out(setup, process),
            Decision::UseAndRefresh => {
                self.hand_out(setup, process);
                if !is_refreshing {
                    self.begin(setup, process, REFRESHING, Goal::Refresh(demand));
                }
            }
            Decision::Reload => {
                caller.awaits = LOOKING;
                self.begin(setup, process, LOOKING, Goal::Reload);
            }
            Decision::Refresh => {
                caller.awaits = REFRESHING;
                self.check_waiting(setup, process);
                if is_refreshing {
                    self.comfort(setup, process);
                } else {
                    self.begin(setup, process, REFRESHING, Goal::Refresh(demand));
                }
            }
            Decision::Fail(_) => self.process_mut(process).caller = None,
        }
    }

    /// Nothing better can be had.
    fn comfort(&mut self, setup: &Setup, process: usize) {
        let now = self.now(setup, process);
        if self.processes[process].known.is_usable(demand(setup, process), now) {
            self.hand_out(setup, process);
        } else {
            self.process_mut(process).caller = None;
        }
    }

    fn hand_out(&mut self, setup: &Setup, process: usize) {
        let known = &self.processes[process].known;
        let unsaved = known.is_unsaved();
        if let Some(record) = known.record().cloned() {
            self.check_handing_out(setup, process, &record, unsaved);
        }
        self.process_mut(process).caller = None;
    }

    fn begin(&mut self, setup: &Setup, process: usize, place: usize, goal: Goal) {
        let now = self.now(setup, process);
        let pid = setup.pid(process, self.processes[process].life);
        let it = self.process_mut(process);
        let life = it.life;
        let owner = if place == LOOKING {
            format!("p{process}.{life}")
        } else {
            it.flown += 1;
            format!("p{process}.{life}.{}", it.flown)
        };
        let instance = format!("p{process}.{life}");
        let ticket = OperationContext {
            account: account(),
            owner: owner.clone(),
            process: pid,
            started: None,
            instance,
            jitter: 0,
            patience: PATIENCE,
            credentials: 0,
            request_timeout: REQUEST_MILLISECONDS,
        };
        let brought = match &goal {
            Goal::Save { received, .. } => received.refresh_token.as_ref().map(|token| number(token.reveal())),
            _ => None,
        };
        let flight = Operation::new(goal, ticket, now);
        it.flights[place] = Some(Running {
            flight,
            owner,
            pending: Pending::Load,
            swaps: 0,
            unstored: false,
            brought,
            claimed: None,
            blind: false,
            claiming: None,
        });
        self.tell(setup, process, place, Observation::Begun);
    }

    /// Tells a flight what it saw, and begins the action that it decides upon.
    ///
    /// A load that follows upon a wait, a lock or another load is done in the same step: what
    /// somebody else does in between, they could as well have done before.
    pub(super) fn tell(&mut self, setup: &Setup, process: usize, place: usize, seen: Observation) {
        let now = self.now(setup, process);
        let mut seen = seen;
        loop {
            let it = self.process_mut(process);
            let Process { known, flights, watching, .. } = it;
            let running = flights[place].as_mut().expect("it flies");
            let at_once = matches!(seen, Observation::Begun | Observation::Waited | Observation::Locked | Observation::NoLocks);
            match (setup.planted, &seen) {
                (Some(Planted::OutageWatched), Observation::Loaded(Some(found))) => mistakes::watch_on(watching, known, found, now),
                (Some(Planted::AgeTakenLate), Observation::Stored(_)) => {
                    mistakes::claim_now(&mut running.claiming, &mut running.flight, known, now);
                }
                _ => {}
            }
            let took_over = matches!(seen, Observation::Stored(_));
            let before = (setup.planted == Some(Planted::AgeTakenLate)).then(|| Box::new((running.flight.clone(), seen.clone())));
            let action = running.flight.decide(known, seen, now);
            let owner = running.owner.clone();
            running.claiming = before.filter(|_| matches!(&action, Action::Swap { record, .. } if record.claimed_by(&owner)));
            let pending = match action {
                Action::Load if at_once => {
                    seen = self.load(setup, process, place);
                    continue;
                }
                Action::Load => Pending::Load,
                Action::TryLock if setup.exclusion == Exclusion::Lease => {
                    seen = Observation::NoLocks;
                    continue;
                }
                Action::TryLock => Pending::TryLock,
                Action::Swap { expected, record } => Pending::Swap { expected, record },
                Action::Wait(_) if took_over && setup.planted == Some(Planted::TakeoverAtOnce) => {
                    seen = Observation::Waited;
                    continue;
                }
                Action::Wait(milliseconds) => self.wait(milliseconds),
                Action::AcquirePermit if self.left.queues == 0 || setup.planted == Some(Planted::ClaimBeforeTurn) => {
                    seen = Observation::PermitAcquired { waited: false };
                    continue;
                }
                Action::AcquirePermit => Pending::Permit,
                Action::Refresh(record) if self.left.queues > 0 && setup.planted == Some(Planted::ClaimBeforeTurn) => {
                    Pending::Held { record }
                }
                Action::Refresh(record) => self.send(&owner, &record, now),
                Action::Exchange => Pending::Request { ask: Ask::Exchange, sent: now, answer: None },
                Action::Revoke(token) => {
                    let token = number(token.reveal());
                    self.check_revoking(token);
                    Pending::Request { ask: Ask::Revoke(token), sent: now, answer: None }
                }
                Action::Report(outcome) => {
                    self.answer_caller(setup, process, place, &outcome.map(|()| true));
                    seen = Observation::Reported;
                    continue;
                }
                Action::Finish(outcome) => {
                    self.end(setup, process, place, &outcome);
                    return;
                }
            };
            let running = self.process_mut(process).flights[place].as_mut().expect("it flies");
            running.pending = pending;
            return;
        }
    }

    /// Waits that are shorter than a beat may end at once.
    fn wait(&self, milliseconds: u64) -> Pending {
        let seconds = u32::try_from(milliseconds.div_ceil(1000)).expect("nobody waits for years");
        Pending::Wait { since: self.time, until: self.time + if seconds < BEAT { 0 } else { seconds } }
    }

    /// A refresh leaves.
    pub(super) fn send(&mut self, owner: &str, record: &Record, sent: Moment) -> Pending {
        self.check_sending(record, owner);
        let token = number(record.refresh_token.as_ref().expect("what is refreshed").reveal());
        self.check_claim(owner, token);
        Pending::Request { ask: Ask::Refresh(token), sent, answer: None }
    }

    fn end(&mut self, setup: &Setup, process: usize, place: usize, outcome: &Result<bool>) {
        let code = u8::try_from(process).expect("few processes");
        self.locks.retain(|holder| *holder != (code, place));
        let brought = self.process_mut(process).flights[place].take().and_then(|running| running.brought);
        if let (Some(token), Ok(_)) = (brought, outcome) {
            self.check_arrival(token);
        }
        self.answer_caller(setup, process, place, outcome);
    }

    fn answer_caller(&mut self, setup: &Setup, process: usize, place: usize, outcome: &Result<bool>) {
        let Some(caller) = self.process_mut(process).caller.as_mut().filter(|caller| caller.awaits == place) else { return };
        match outcome {
            Ok(renewed) => {
                let renewed = *renewed;
                caller.done = match (place, renewed) {
                    (LOOKING, _) => Attempted::Reload,
                    (_, true) => Attempted::Refresh,
                    (_, false) => Attempted::Operation,
                };
                if !caller.force || renewed {
                    self.attend(setup, process);
                } else {
                    self.process_mut(process).caller = None;
                }
            }
            Err(_) => self.comfort(setup, process),
        }
    }

    /// What the store has, as the flight reads it.
    pub(super) fn load(&self, setup: &Setup, process: usize, place: usize) -> Observation {
        if self.store.state == StoreState::Down {
            return store_failed();
        }
        let running = self.processes[process].flights[place].as_ref().expect("it flies");
        let mut stored = if running.blind { running.claimed.clone() } else { self.stored().cloned() };
        if setup.planted == Some(Planted::LeaseByClock)
            && let Some(stored) = &mut stored
        {
            planted::compare_clocks(stored, &running.owner, self.now(setup, process));
        }
        if let Some(stored) = &mut stored {
            stored.owner_has_exited = self.owner_has_exited(setup, stored);
        }
        Observation::Loaded(stored)
    }

    /// Whether whoever loads takes the owner of the claim for dead. By its number, a process of
    /// another machine may well look it.
    fn owner_has_exited(&self, setup: &Setup, stored: &Stored) -> bool {
        let Some(claim) = &stored.record.claim else { return false };
        let mut living = self.processes.iter().enumerate().map(|(process, it)| setup.pid(process, it.life));
        let believed = setup.exclusion == Exclusion::Lease || setup.planted == Some(Planted::FreeLockBelieved);
        believed || !living.any(|pid| pid == claim.process)
    }

    /// A request's answer arrives.
    pub(super) fn deliver(&mut self, setup: &Setup, process: usize, place: usize, answer: Answer, sent: Moment) {
        let is_login = self.request(process, place) == Some(Ask::Exchange);
        let reply = match answer {
            Answer::Tokens(token) => Reply::Tokens(Box::new(received(token, sent))),
            Answer::InvalidGrant => Reply::Rejected(Error::new(ErrorCode::LoginRequired, "invalid_grant")),
            Answer::Revoked => return self.tell(setup, process, place, Observation::Revoked(Ok(()))),
        };
        let running = self.process_mut(process).flights[place].as_mut().expect("it flies");
        running.unstored = matches!(answer, Answer::Tokens(_));
        if let (Answer::Tokens(token), true) = (answer, is_login) {
            running.brought = Some(token);
        }
        running.blind = setup.planted == Some(Planted::NoReload) && answer == Answer::InvalidGrant;
        match (setup.planted, answer) {
            (Some(Planted::DeleteOnInvalidGrant), Answer::InvalidGrant) => self.put(None),
            (Some(Planted::HandOutBeforeCommit), Answer::Tokens(token)) if !is_login => {
                let record = Record { tokens: Some(tokens(token, sent.wall)), ..Record::empty(account()) };
                self.check_handing_out(setup, process, &record, false);
            }
            _ => {}
        }
        self.reply(setup, process, place, reply);
    }

    /// No good answer comes.
    pub(super) fn fail(&mut self, setup: &Setup, process: usize, place: usize, reply: Reply) {
        match (self.request(process, place), reply) {
            (Some(Ask::Revoke(_)), Reply::ConnectionLost(error) | Reply::OutcomeUnknown(error) | Reply::Refused(error)) => {
                let outcome = if setup.planted == Some(Planted::ForgetUnconfirmed) { Ok(()) } else { Err(error) };
                self.tell(setup, process, place, Observation::Revoked(outcome));
            }
            (_, reply) => self.reply(setup, process, place, reply),
        }
    }

    fn reply(&mut self, setup: &Setup, process: usize, place: usize, reply: Reply) {
        let reply = if setup.planted == Some(Planted::ReplayAfterTimeout) { planted::mistake(reply) } else { reply };
        self.tell(setup, process, place, Observation::Replied(reply));
    }

    /// The request that is under way.
    pub(super) fn request(&self, process: usize, place: usize) -> Option<Ask> {
        match self.processes[process].flights[place].as_ref()?.pending {
            Pending::Request { ask, .. } => Some(ask),
            _ => None,
        }
    }
}

/// What the callers of a process want.
fn demand(setup: &Setup, process: usize) -> TokenRequirements {
    let spread = u8::try_from(process).expect("few processes") * 100;
    TokenRequirements { min_validity: 0, recheck: 1000, early_refresh: (setup.exclusion == Exclusion::Lease).then_some(spread), credentials: 0 }
}

/// What a request that was sent at `sent` brought.
fn received(token: u8, sent: Moment) -> Received {
    Received { tokens: Ok(tokens(token, sent.wall)), refresh_token: Some(refresh_token(token)), sent }
}
