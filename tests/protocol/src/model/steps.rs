//! The steps of a world.

use std::sync::Arc;

use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::refresh::action::{Judgement, Observation};
use sipgate_oauth2_protocol::refresh::record::Stored;
use sipgate_oauth2_protocol::refresh::reply::Reply;
use stateright::{Model, Property};

use super::invariants::{Invariant, UnavoidableLoss};
use super::planted::{self, Planted};
use super::probe::Probe;
use super::setup::{Budget, Exclusion, IdTokens, Setup};
use super::world::{
    BEAT, BEATS, JUDGING, LEAP, LOGGING_IN, LOGGING_OUT, Pending, Process, Purpose, REFRESHING, RELOADING, Response, RunningOperation,
    StoreState, World, identity, number, store_failed,
};

/// One step. The numbers are those of a process, and of an operation's slot in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Call(usize),
    Force(usize),
    /// An API refuses the token, and the caller asks for another.
    Refusal(usize),
    LogIn(usize),
    /// Tokens from a login elsewhere are saved.
    Save(usize),
    LogOut(usize),
    /// The tokens of a login that was exchanged are judged, and saved.
    Complete(usize),
    /// The ID token of the last refresh is judged.
    Judge(usize),
    /// The server ends the user's sessions, and a process is told.
    EndSessions(usize),
    /// The pending action is carried out, and the operation makes its next decision.
    Act(usize, usize),
    /// The server processes a request.
    Serve(usize, usize),
    /// The server processes a request, and sends a bad ID token.
    ServeBad(usize, usize),
    /// The server processes an abandoned request.
    ServeAbandoned(usize),
    /// The processes have received the server's keys.
    ReceiveKeys,
    /// Other operations get their permit first.
    Queue(usize, usize),
    Leap,
    Beat,
    Continue(usize),
    StoreUp,
    /// The steps from here on are faults.
    Kill(usize),
    Stop(usize),
    StoreDown,
    StoreReadOnly,
    /// The lock is lost unnoticed, because a descriptor of its file was closed.
    LoseLock(usize),
    /// The store loses its last write.
    LoseWrite,
    /// A write is carried out, and reported as failed.
    LoseWriteReply(usize, usize),
    /// The store reports a write late.
    SlowWrite(usize, usize),
    /// The connection is lost before the server has the request.
    LoseRequest(usize, usize),
    /// The connection is lost after the server has processed the request.
    LoseResponse(usize, usize),
    /// The request times out; the server may still process it.
    TimeOut(usize, usize),
    /// The server responds with 429.
    Refuse(usize, usize),
}

impl Step {
    fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Kill(_)
                | Self::Stop(_)
                | Self::StoreDown
                | Self::StoreReadOnly
                | Self::LoseLock(_)
                | Self::LoseWrite
                | Self::LoseWriteReply(..)
                | Self::SlowWrite(..)
                | Self::LoseRequest(..)
                | Self::LoseResponse(..)
                | Self::TimeOut(..)
                | Self::Refuse(..)
        )
    }
}

/// A small world, to be explored.
pub(super) struct Exploration {
    pub(super) setup: Setup,
    pub(super) probe: Probe,
}

impl Model for Exploration {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let world = World::new(&self.setup);
        let mut bad = world.clone();
        bad.server.spoil(0);
        if self.setup.id_tokens == IdTokens::Unjudged { vec![world, bad] } else { vec![world] }
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.violated.is_some() {
            return;
        }
        let budget = &world.budget;
        for (process, state) in world.processes.iter().enumerate() {
            if state.stopped {
                steps.push(Step::Continue(process));
                continue;
            }
            begin(&self.setup, world, process, state, steps);
            act(&self.setup, world, process, state, steps);
        }
        for (process, state) in world.processes.iter().enumerate() {
            serve(budget, process, state, steps);
        }
        if !world.has_keys {
            steps.push(Step::ReceiveKeys);
        }
        steps.extend((0..world.abandoned.len()).map(Step::ServeAbandoned));
        if budget.leaps > 0 && can_leap(world) {
            steps.push(Step::Leap);
        }
        if budget.beats > 0 && can_beat(&self.setup, world) {
            steps.push(Step::Beat);
        }
        if world.store.state != StoreState::Up {
            steps.push(Step::StoreUp);
        } else if budget.faults > 0 {
            steps.push(Step::StoreDown);
            steps.extend(self.setup.rare.then_some(Step::StoreReadOnly));
        }
        if budget.faults > 0 && self.setup.rare {
            steps.extend((0..world.locks.len()).map(Step::LoseLock));
        }
        if budget.faults > 0 && world.store.before.is_some() {
            steps.push(Step::LoseWrite);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let setup = &self.setup;
        let mut next = world.clone();
        if step.is_fault() {
            next.budget.faults -= 1;
            if next.had_fault {
                next.allow_loss(UnavoidableLoss::SeveralFaults);
            }
            next.had_fault = true;
        }
        match step {
            Step::Call(process) => {
                next.budget.calls[process] -= 1;
                next.call(setup, process, false);
            }
            Step::Force(process) => {
                next.budget.forces -= 1;
                next.call(setup, process, true);
            }
            Step::Refusal(process) => {
                next.budget.refusals -= 1;
                next.invalidate(setup, process);
            }
            Step::LogIn(process) => {
                next.budget.logins -= 1;
                next.log_in(setup, process);
            }
            Step::Save(process) => {
                next.budget.saves -= 1;
                next.save(setup, process);
            }
            Step::LogOut(process) => {
                next.budget.logouts -= 1;
                next.log_out(setup, process);
            }
            Step::Complete(process) => {
                next.budget.completions -= 1;
                next.complete(setup, process);
            }
            Step::Judge(process) => {
                next.budget.judgements -= 1;
                next.judge(setup, process);
            }
            Step::EndSessions(process) => {
                next.budget.ends -= 1;
                next.end_sessions(setup, process);
            }
            Step::ReceiveKeys => next.has_keys = true,
            Step::Act(process, slot) => next.act(setup, process, slot, true),
            Step::LoseWriteReply(process, slot) => next.act(setup, process, slot, false),
            Step::Serve(process, slot) => {
                next.serve(process, slot);
            }
            Step::ServeBad(process, slot) => {
                next.budget.bad -= 1;
                if let Some(Response::Tokens(token)) = next.serve(process, slot) {
                    next.server.spoil(token);
                }
            }
            Step::ServeAbandoned(abandoned_request) => {
                let (purpose, _) = next.abandoned.remove(abandoned_request);
                next.process_request(purpose);
            }
            Step::Queue(process, slot) => {
                next.budget.queues -= 1;
                next.process_mut(process).operations[slot].as_mut()?.pending = Pending::Queued;
            }
            Step::Beat => {
                next.budget.beats -= 1;
                next.time += BEAT;
            }
            Step::Leap => {
                next.allow_stopped_owner(setup);
                next.budget.leaps -= 1;
                next.budget.beats = BEATS;
                next.time += LEAP;
                next.store.is_new = false;
                // The server has dropped what it has not processed by now.
                next.abandoned.clear();
            }
            Step::Stop(process) => next.process_mut(process).stopped = true,
            Step::Continue(process) => next.process_mut(process).stopped = false,
            Step::StoreDown => next.store.state = StoreState::Down,
            Step::StoreReadOnly => next.store.state = StoreState::ReadOnly,
            Step::StoreUp => next.store.state = StoreState::Up,
            Step::LoseLock(holder) => {
                next.locks.remove(holder);
            }
            Step::SlowWrite(process, slot) => {
                let observation = next.write(setup, process, slot, true);
                next.process_mut(process).operations[slot].as_mut()?.pending = Pending::Confirming { observation };
            }
            Step::LoseWrite => {
                next.store.entry = next.store.before.take()?;
                next.allow_loss(UnavoidableLoss::WriteLost);
                next.refused.clear();
                next.note_store(None);
            }
            Step::Kill(process) => next.kill(setup, process),
            Step::LoseRequest(process, slot) => next.fail(setup, process, slot, Reply::ConnectionLost(outcome_unknown())),
            Step::LoseResponse(process, slot) => {
                if let Some(Purpose::Refresh(_)) = next.request(process, slot) {
                    next.allow_loss(UnavoidableLoss::ResponseLost);
                }
                next.fail(setup, process, slot, Reply::ConnectionLost(outcome_unknown()));
            }
            Step::TimeOut(process, slot) => {
                next.abandon(process, slot);
                if let Some(Purpose::Refresh(_)) = next.request(process, slot) {
                    next.allow_loss(UnavoidableLoss::ProcessedLate);
                }
                next.fail(setup, process, slot, Reply::OutcomeUnknown(outcome_unknown()));
            }
            Step::Refuse(process, slot) => {
                next.fail(setup, process, slot, Reply::Refused(Error::new(ErrorCode::ServerUnavailable, "429")));
            }
        }
        next.check_server();
        if next.violated.is_none() && next.unavoidable.is_none() && next.is_quiescent() && !self.probe.succeeds(&self.setup, &next) {
            next.violate(Invariant::NextProcessSucceeds);
        }
        for (process, state) in next.processes.iter_mut().enumerate() {
            if !Arc::ptr_eq(state, &world.processes[process]) {
                Arc::make_mut(state).update_digest();
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn holds<const RULE: usize>(model: &Exploration, world: &World) -> bool {
            if RULE == 0 {
                model.probe.count(&model.setup, world);
            }
            world.violated != Some(Invariant::ALL[RULE])
        }
        vec![
            Property::always(Invariant::ALL[0].name(), holds::<0>),
            Property::always(Invariant::ALL[1].name(), holds::<1>),
            Property::always(Invariant::ALL[2].name(), holds::<2>),
            Property::always(Invariant::ALL[3].name(), holds::<3>),
            Property::always(Invariant::ALL[4].name(), holds::<4>),
            Property::always(Invariant::ALL[5].name(), holds::<5>),
            Property::always(Invariant::ALL[6].name(), holds::<6>),
            Property::always(Invariant::ALL[7].name(), holds::<7>),
            Property::always(Invariant::ALL[8].name(), holds::<8>),
            Property::always(Invariant::ALL[9].name(), holds::<9>),
            Property::always(Invariant::ALL[10].name(), holds::<10>),
            Property::always(Invariant::ALL[11].name(), holds::<11>),
            Property::always(Invariant::ALL[12].name(), holds::<12>),
            Property::always(Invariant::ALL[13].name(), holds::<13>),
            Property::always(Invariant::ALL[14].name(), holds::<14>),
            Property::always(Invariant::ALL[15].name(), holds::<15>),
            Property::always(Invariant::ALL[16].name(), holds::<16>),
        ]
    }
}

/// What callers may do next. Of the processes that have done nothing yet, which are all alike, only
/// the first may begin.
fn begin(setup: &Setup, world: &World, process: usize, state: &Process, steps: &mut Vec<Step>) {
    let budget = &world.budget;
    let fresh =
        |state: &Process| state.incarnation == 0 && state.operations_started == 0 && state.is_idle() && state.local.stored().is_none();
    if process > 1 && fresh(state) && fresh(&world.processes[process - 1]) {
        return;
    }
    if state.caller.is_none() && state.operations[RELOADING].is_none() {
        if budget.calls[process] > 0 {
            steps.push(Step::Call(process));
        }
        if budget.refusals > 0 && state.local.record().is_some_and(|record| record.tokens.is_some()) {
            steps.push(Step::Refusal(process));
        }
        if budget.forces > 0 && state.operations[REFRESHING].is_none() {
            steps.push(Step::Force(process));
        }
    }
    let may = |slot: usize, simultaneous: usize| {
        state.operations[slot].is_none() && (setup.simultaneous || state.operations[simultaneous].is_none())
    };
    if may(LOGGING_IN, LOGGING_OUT) {
        if budget.logins > 0 {
            steps.push(Step::LogIn(process));
        }
        if budget.saves > 0 {
            steps.push(Step::Save(process));
        }
    }
    if may(LOGGING_OUT, LOGGING_IN) {
        steps.extend((budget.logouts > 0).then_some(Step::LogOut(process)));
        steps.extend((budget.ends > 0).then_some(Step::EndSessions(process)));
    }
    if budget.completions > 0 && world.has_keys && world.held.is_some() && state.operations[LOGGING_IN].is_none() {
        steps.push(Step::Complete(process));
    }
    let is_unjudged = state.local.record().is_some_and(|record| record.unjudged.is_some());
    if budget.judgements > 0 && is_unjudged && state.operations[JUDGING].is_none() {
        steps.push(Step::Judge(process));
    }
}

fn act(setup: &Setup, world: &World, process: usize, state: &Process, steps: &mut Vec<Step>) {
    let World { budget, time, .. } = world;
    let faulty = budget.faults > 0;
    for (slot, running) in state.operations.iter().enumerate() {
        let Some(running) = running else { continue };
        match &running.pending {
            Pending::Request { response: None, .. } if faulty => {
                steps.extend([Step::LoseRequest(process, slot), Step::TimeOut(process, slot), Step::Refuse(process, slot)]);
            }
            Pending::Request { response: None, .. } => {}
            Pending::Wait { until, .. } if until > time => {}
            Pending::Keys { .. } if !world.has_keys => {}
            Pending::Request { response: Some(_), .. } => {
                steps.push(Step::Act(process, slot));
                if faulty {
                    steps.extend([Step::LoseResponse(process, slot), Step::TimeOut(process, slot)]);
                }
            }
            Pending::Swap { .. } if faulty => {
                steps.extend([Step::Act(process, slot), Step::LoseWriteReply(process, slot)]);
                steps.extend(setup.rare.then_some(Step::SlowWrite(process, slot)));
            }
            Pending::Permit => {
                steps.push(Step::Act(process, slot));
                steps.extend((budget.queues > 0).then_some(Step::Queue(process, slot)));
            }
            _ => steps.push(Step::Act(process, slot)),
        }
    }
    if faulty && state.local.stored().is_some() {
        steps.push(Step::Kill(process));
    }
    if faulty && !state.is_idle() {
        steps.push(Step::Stop(process));
    }
}

fn serve(budget: &Budget, process: usize, state: &Process, steps: &mut Vec<Step>) {
    let waiting =
        state.operations.iter().enumerate().filter(|(_, running)| {
            running.as_ref().is_some_and(|running| matches!(running.pending, Pending::Request { response: None, .. }))
        });
    for (slot, _) in waiting {
        steps.push(Step::Serve(process, slot));
        steps.extend((budget.bad > 0 && slot != LOGGING_OUT).then_some(Step::ServeBad(process, slot)));
    }
}

/// A leap is possible when every operation that is not stopped waits, and has acted since the last
/// leap.
fn can_leap(world: &World) -> bool {
    world.awake().all(|running| running.is_waiting(world.time))
}

/// A beat is possible even during a request. It matters only to operations that wait for a claim,
/// or after a takeover.
fn can_beat(setup: &Setup, world: &World) -> bool {
    let is_claimed = world.stored().is_some_and(|stored| stored.record.claim.is_some());
    let has_lock = |process: usize, slot: usize| world.locks.iter().any(|holder| *holder == (u8::try_from(process).unwrap_or(0), slot));
    let watches = |process: usize, slot: usize, running: &RunningOperation| {
        // Before the lease expires, a beat changes nothing.
        let matters = |until: u32| until > world.time || !world.store.is_new;
        matches!(running.pending, Pending::Wait { until, .. } if matters(until))
            && (setup.exclusion == Exclusion::Lease || has_lock(process, slot))
    };
    let anybody_watches = world.processes.iter().enumerate().any(|(process, state)| {
        state.operations.iter().enumerate().any(|(slot, running)| running.as_ref().is_some_and(|running| watches(process, slot, running)))
    });
    is_claimed
        && anybody_watches
        && world.awake().all(|running| running.is_waiting(world.time) || matches!(running.pending, Pending::Request { .. }))
}

impl World {
    /// Carries out the pending action. A write that is not `is_reported` is carried out, but
    /// reported as failed.
    fn act(&mut self, setup: &Setup, process: usize, slot: usize, is_reported: bool) {
        let running = self.processes[process].operations[slot].clone().expect("the operation is in progress");
        let observation = match running.pending {
            Pending::Wait { .. } => Observation::Waited,
            Pending::TryLock if self.lock(setup, process, slot) => Observation::Locked,
            Pending::TryLock => Observation::LockBusy,
            Pending::Request { response, sent, .. } => {
                return self.deliver(setup, process, slot, response.expect("there is a response"), sent);
            }
            Pending::Load => self.load(setup, process, slot),
            Pending::Swap { .. } => self.write(setup, process, slot, is_reported),
            Pending::Confirming { observation } => observation,
            Pending::Permit => Observation::PermitAcquired { waited: false },
            Pending::Keys { record } => {
                let unjudged = number(record.unjudged.as_ref().expect("there is something to judge").reveal());
                let is_bad = self.server.notes(unjudged).bad && setup.planted != Some(Planted::IgnoreBadIdToken);
                Observation::Judged(if is_bad {
                    Judgement::Refused(Error::new(ErrorCode::Quarantined, "a bad ID token"))
                } else {
                    Judgement::Accepted(identity(&self.server, unjudged))
                })
            }
            Pending::Queued => Observation::PermitAcquired { waited: true },
            Pending::ClaimedWhileQueued { record } => {
                let request = self.send(&running.owner, &record, self.now(setup, process));
                self.process_mut(process).operations[slot].as_mut().expect("the operation is in progress").pending = request;
                return;
            }
        };
        self.observe(setup, process, slot, observation);
    }

    /// Writes. A write that is not `is_reported` is carried out, but reported as failed.
    fn write(&mut self, setup: &Setup, process: usize, slot: usize, is_reported: bool) -> Observation {
        let running = self.processes[process].operations[slot].clone().expect("the operation is in progress");
        match running.pending {
            Pending::Swap { .. } if self.store.state != StoreState::Up => store_failed(),
            Pending::Swap { expected, mut record } => {
                let is_expected = self.stored().map(|stored| &stored.version) == expected.as_ref();
                let blindly = running.stale_reads
                    || match setup.planted {
                        Some(Planted::SwapWithoutVersion) => slot == LOGGING_IN,
                        Some(Planted::JudgeWithoutVersion) => slot == JUDGING,
                        _ => false,
                    };
                if is_expected || blindly {
                    let version = format!("{}.{}", running.owner, running.swaps + 1);
                    if setup.planted == Some(Planted::LeaseByWallClock) {
                        planted::note_clock(Arc::make_mut(&mut record), self.now(setup, process));
                    }
                    if let (Some(Planted::RestoreRefused), Some(claimed), None) = (setup.planted, &running.claimed, &record.tokens) {
                        Arc::make_mut(&mut record).tokens.clone_from(&claimed.record.tokens);
                    }
                    let stored = Stored::new(version.clone(), record);
                    let state = self.process_mut(process).operations[slot].as_mut().expect("the operation is in progress");
                    state.swaps += 1;
                    if stored.record.claimed_by(&running.owner) {
                        state.claimed = Some(stored.clone());
                    }
                    if setup.planted == Some(Planted::RevokeWithoutReload) && stored.record.is_logged_out() {
                        state.claimed = Some(stored.clone());
                        state.stale_reads = true;
                    }
                    self.put(Some(stored));
                    if is_reported { Observation::Stored(version) } else { store_failed() }
                } else if is_reported {
                    Observation::Conflict
                } else {
                    store_failed()
                }
            }
            other => unreachable!("{other:?} is no write"),
        }
    }

    /// Writes to the store.
    pub(super) fn put(&mut self, stored: Option<Stored>) {
        let before = std::mem::replace(&mut self.store.entry, stored.map(Into::into));
        self.store.is_new = true;
        self.check_store(before.as_ref().map(|before| &*before.stored));
        self.store.before = (self.budget.faults > 0).then_some(before);
    }

    fn lock(&mut self, setup: &Setup, process: usize, slot: usize) -> bool {
        let process = u8::try_from(process).expect("few processes");
        let is_excluded = |holder: &(u8, usize)| holder.0 == process || setup.exclusion.is_lock();
        if self.locks.iter().any(is_excluded) {
            return false;
        }
        self.locks.push((process, slot));
        self.locks.sort_unstable();
        true
    }

    fn serve(&mut self, process: usize, slot: usize) -> Option<Response> {
        let processed = self.process_request(self.request(process, slot).expect("a request is in flight"));
        let running = self.process_mut(process).operations[slot].as_mut().expect("the operation is in progress");
        if let Pending::Request { response, .. } = &mut running.pending {
            *response = Some(processed);
        }
        Some(processed)
    }

    /// The server processes a request.
    fn process_request(&mut self, purpose: Purpose) -> Response {
        let time = self.time;
        match purpose {
            Purpose::Refresh(token) => self.server.refresh(token, time).map_or(Response::InvalidGrant, Response::Tokens),
            Purpose::Exchange => Response::Tokens(self.server.log_in(time)),
            Purpose::Revoke(token) => {
                self.allow_raced_logout(token);
                self.server.revoke(token);
                Response::Revoked
            }
        }
    }

    /// Nobody waits for this request any longer; the server may still process it.
    fn abandon(&mut self, process: usize, slot: usize) {
        let running = self.processes[process].operations[slot].as_ref();
        if let Some((Pending::Request { purpose: purpose @ (Purpose::Refresh(_) | Purpose::Revoke(_)), response: None, .. }, owner)) =
            running.map(|running| (&running.pending, running.owner.clone()))
        {
            self.abandoned.push((*purpose, owner));
            self.abandoned.sort();
        }
    }

    /// Kills a process, with all copies of the library in it.
    fn kill(&mut self, setup: &Setup, process: usize) {
        let all = setup.exclusion.is_one_process();
        for victim in (0..self.processes.len()).filter(|victim| all || *victim == process) {
            if self.processes[victim].could_lose_login() {
                self.allow_loss(UnavoidableLoss::Killed);
            }
            (0..self.processes[victim].operations.len()).for_each(|slot| self.abandon(victim, slot));
            let code = u8::try_from(victim).expect("few processes");
            self.locks.retain(|holder| holder.0 != code);
            let state = self.process_mut(victim);
            let operations_started = state.operations_started;
            *state = Process { operations_started, ..Process::new(state.incarnation + 1) };
        }
    }
}

fn outcome_unknown() -> Error {
    Error::new(ErrorCode::OutcomeUnknown, "no response")
}
