//! What can happen next.

use std::sync::Arc;

use stateright::{Model, Property};

use super::planted::{self, Planted};
use super::probe::Probe;
use super::rules::{Nature, Rule};
use super::setup::{Exclusion, Setup};
use super::world::{ARRIVING, Answer, Ask, BEAT, BEATS, LEAP, LEAVING, LOOKING, Pending, Process, REFRESHING, Running, StoreState, World};
use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::refresh::action::Observation;
use sipgate_oauth2_protocol::refresh::record::Stored;
use sipgate_oauth2_protocol::refresh::reply::Reply;

/// One thing that happens. Numbers are a process's, and a flight's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Call(usize),
    Force(usize),
    /// An API refuses the token: the caller says so and wants another.
    Refusal(usize),
    LogIn(usize),
    /// Tokens that were got elsewhere are saved.
    Save(usize),
    LogOut(usize),
    /// The pending action is carried out, and the flight decides.
    Act(usize, usize),
    /// The server works a request off.
    Serve(usize, usize),
    /// The server works off what nobody waits for any more.
    ServeOrphan(usize),
    /// Others have their turn at the server first.
    Queue(usize, usize),
    Leap,
    Beat,
    Continue(usize),
    StoreUp,
    /// From here on: faults.
    Kill(usize),
    Stop(usize),
    StoreDown,
    StoreReadOnly,
    /// The lock is lost, as a descriptor of its file was closed, and its holder knows nothing of
    /// it.
    LoseLock(usize),
    /// The last write is lost.
    LoseWrite,
    /// A write is done, and reported as failed.
    LoseWriteAnswer(usize, usize),
    /// The store is slow to say what came of a write.
    SlowWrite(usize, usize),
    /// The connection breaks before the server has the request.
    LoseRequest(usize, usize),
    /// The connection breaks after the server has worked it off.
    LoseAnswer(usize, usize),
    /// Time runs out; the server may still be at it.
    GiveUp(usize, usize),
    /// 429.
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
                | Self::LoseWriteAnswer(..)
                | Self::SlowWrite(..)
                | Self::LoseRequest(..)
                | Self::LoseAnswer(..)
                | Self::GiveUp(..)
                | Self::Refuse(..)
        )
    }
}

/// A small world and its laws.
pub(super) struct Exploration {
    pub(super) setup: Setup,
    pub(super) probe: Probe,
}

impl Model for Exploration {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.setup)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.broken.is_some() {
            return;
        }
        let left = &world.left;
        for (process, it) in world.processes.iter().enumerate() {
            if it.stopped {
                steps.push(Step::Continue(process));
                continue;
            }
            begin(&self.setup, world, process, it, steps);
            act(&self.setup, world, process, it, steps);
        }
        for (process, it) in world.processes.iter().enumerate() {
            serve(process, it, steps);
        }
        steps.extend((0..world.orphans.len()).map(Step::ServeOrphan));
        if left.leaps > 0 && can_leap(world) {
            steps.push(Step::Leap);
        }
        if left.beats > 0 && can_beat(&self.setup, world) {
            steps.push(Step::Beat);
        }
        if world.store.state != StoreState::Up {
            steps.push(Step::StoreUp);
        } else if left.faults > 0 {
            steps.push(Step::StoreDown);
            steps.extend(self.setup.rare.then_some(Step::StoreReadOnly));
        }
        if left.faults > 0 && self.setup.rare {
            steps.extend((0..world.locks.len()).map(Step::LoseLock));
        }
        if left.faults > 0 && world.store.before.is_some() {
            steps.push(Step::LoseWrite);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let setup = &self.setup;
        let mut next = world.clone();
        if step.is_fault() {
            next.left.faults -= 1;
            if next.disturbed {
                next.excuse(Nature::TwoFaults);
            }
            next.disturbed = true;
        }
        match step {
            Step::Call(process) => {
                next.left.calls[process] -= 1;
                next.call(setup, process, false);
            }
            Step::Force(process) => {
                next.left.forces -= 1;
                next.call(setup, process, true);
            }
            Step::Refusal(process) => {
                next.left.refusals -= 1;
                next.invalidate(setup, process);
            }
            Step::LogIn(process) => {
                next.left.logins -= 1;
                next.log_in(setup, process);
            }
            Step::Save(process) => {
                next.left.saves -= 1;
                next.save(setup, process);
            }
            Step::LogOut(process) => {
                next.left.logouts -= 1;
                next.log_out(setup, process);
            }
            Step::Act(process, place) => next.act(setup, process, place, true),
            Step::LoseWriteAnswer(process, place) => next.act(setup, process, place, false),
            Step::Serve(process, place) => next.serve(process, place),
            Step::ServeOrphan(orphan) => {
                let (ask, _) = next.orphans.remove(orphan);
                next.work_off(ask);
            }
            Step::Queue(process, place) => {
                next.left.queues -= 1;
                next.process_mut(process).flights[place].as_mut()?.pending = Pending::Queued;
            }
            Step::Beat => {
                next.left.beats -= 1;
                next.time += BEAT;
            }
            Step::Leap => {
                next.excuse_waiting(setup);
                next.left.leaps -= 1;
                next.left.beats = BEATS;
                next.time += LEAP;
                next.store.is_new = false;
                // What the server has not begun by now is over.
                next.orphans.clear();
            }
            Step::Stop(process) => next.process_mut(process).stopped = true,
            Step::Continue(process) => next.process_mut(process).stopped = false,
            Step::StoreDown => next.store.state = StoreState::Down,
            Step::StoreReadOnly => next.store.state = StoreState::ReadOnly,
            Step::StoreUp => next.store.state = StoreState::Up,
            Step::LoseLock(holder) => {
                next.locks.remove(holder);
            }
            Step::SlowWrite(process, place) => {
                let seen = next.write(setup, process, place, true);
                next.process_mut(process).flights[place].as_mut()?.pending = Pending::Confirming { seen };
            }
            Step::LoseWrite => {
                next.store.entry = next.store.before.take()?;
                next.excuse(Nature::WriteLost);
                next.note_store(None);
            }
            Step::Kill(process) => next.kill(setup, process),
            Step::LoseRequest(process, place) => next.fail(setup, process, place, Reply::ConnectionLost(in_doubt())),
            Step::LoseAnswer(process, place) => {
                if let Some(Ask::Refresh(_)) = next.request(process, place) {
                    next.excuse(Nature::AnswerLost);
                }
                next.fail(setup, process, place, Reply::ConnectionLost(in_doubt()));
            }
            Step::GiveUp(process, place) => {
                next.abandon(process, place);
                if let Some(Ask::Refresh(_)) = next.request(process, place) {
                    next.excuse(Nature::GivenUp);
                }
                next.fail(setup, process, place, Reply::OutcomeUnknown(in_doubt()));
            }
            Step::Refuse(process, place) => {
                next.fail(setup, process, place, Reply::Refused(Error::new(ErrorCode::ServerUnavailable, "429")));
            }
        }
        next.check_server();
        if next.broken.is_none() && next.nature.is_none() && next.is_settled() && !self.probe.succeeds(&self.setup, &next) {
            next.breaks(Rule::LoginLives);
        }
        for (process, it) in next.processes.iter_mut().enumerate() {
            if !Arc::ptr_eq(it, &world.processes[process]) {
                Arc::make_mut(it).seal();
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn holds<const RULE: usize>(model: &Exploration, world: &World) -> bool {
            if RULE == 0 {
                model.probe.count(&model.setup, world);
            }
            world.broken != Some(Rule::ALL[RULE])
        }
        vec![
            Property::always(Rule::ALL[0].name(), holds::<0>),
            Property::always(Rule::ALL[1].name(), holds::<1>),
            Property::always(Rule::ALL[2].name(), holds::<2>),
            Property::always(Rule::ALL[3].name(), holds::<3>),
            Property::always(Rule::ALL[4].name(), holds::<4>),
            Property::always(Rule::ALL[5].name(), holds::<5>),
            Property::always(Rule::ALL[6].name(), holds::<6>),
            Property::always(Rule::ALL[7].name(), holds::<7>),
            Property::always(Rule::ALL[8].name(), holds::<8>),
            Property::always(Rule::ALL[9].name(), holds::<9>),
            Property::always(Rule::ALL[10].name(), holds::<10>),
            Property::always(Rule::ALL[11].name(), holds::<11>),
            Property::always(Rule::ALL[12].name(), holds::<12>),
            Property::always(Rule::ALL[13].name(), holds::<13>),
        ]
    }
}

/// What callers may want next. Processes that have done nothing yet are all alike: one of them is
/// the next to begin.
fn begin(setup: &Setup, world: &World, process: usize, it: &Process, steps: &mut Vec<Step>) {
    let left = &world.left;
    let fresh = |it: &Process| it.life == 0 && it.flown == 0 && it.is_idle() && it.known.stored().is_none();
    if process > 1 && fresh(it) && fresh(&world.processes[process - 1]) {
        return;
    }
    if it.caller.is_none() && it.flights[LOOKING].is_none() {
        if left.calls[process] > 0 {
            steps.push(Step::Call(process));
        }
        if left.refusals > 0 && it.known.record().is_some_and(|record| record.tokens.is_some()) {
            steps.push(Step::Refusal(process));
        }
        if left.forces > 0 && it.flights[REFRESHING].is_none() {
            steps.push(Step::Force(process));
        }
    }
    let may = |place: usize, beside: usize| it.flights[place].is_none() && (setup.beside || it.flights[beside].is_none());
    if may(ARRIVING, LEAVING) {
        if left.logins > 0 {
            steps.push(Step::LogIn(process));
        }
        if left.saves > 0 {
            steps.push(Step::Save(process));
        }
    }
    if may(LEAVING, ARRIVING) && left.logouts > 0 {
        steps.push(Step::LogOut(process));
    }
}

fn act(setup: &Setup, world: &World, process: usize, it: &Process, steps: &mut Vec<Step>) {
    let World { left, time, .. } = world;
    let faulty = left.faults > 0;
    for (place, running) in it.flights.iter().enumerate() {
        let Some(running) = running else { continue };
        match &running.pending {
            Pending::Request { answer: None, .. } if faulty => {
                steps.extend([Step::LoseRequest(process, place), Step::GiveUp(process, place), Step::Refuse(process, place)]);
            }
            Pending::Request { answer: None, .. } => {}
            Pending::Wait { until, .. } if until > time => {}
            Pending::Request { answer: Some(_), .. } => {
                steps.push(Step::Act(process, place));
                if faulty {
                    steps.extend([Step::LoseAnswer(process, place), Step::GiveUp(process, place)]);
                }
            }
            Pending::Swap { .. } if faulty => {
                steps.extend([Step::Act(process, place), Step::LoseWriteAnswer(process, place)]);
                steps.extend(setup.rare.then_some(Step::SlowWrite(process, place)));
            }
            Pending::Permit => {
                steps.push(Step::Act(process, place));
                steps.extend((left.queues > 0).then_some(Step::Queue(process, place)));
            }
            _ => steps.push(Step::Act(process, place)),
        }
    }
    if faulty && it.known.stored().is_some() {
        steps.push(Step::Kill(process));
    }
    if faulty && !it.is_idle() {
        steps.push(Step::Stop(process));
    }
}

fn serve(process: usize, it: &Process, steps: &mut Vec<Step>) {
    let waiting =
        it.flights.iter().enumerate().filter(|(_, running)| {
            running.as_ref().is_some_and(|running| matches!(running.pending, Pending::Request { answer: None, .. }))
        });
    steps.extend(waiting.map(|(place, _)| Step::Serve(process, place)));
}

/// Time passes when everybody waits for it who is not stopped, and has looked around since it last
/// passed.
fn can_leap(world: &World) -> bool {
    world.awake().all(|running| running.is_at_rest(world.time))
}

/// A request may last longer than a beat. One matters only to who watches a claim, or has taken it
/// over.
fn can_beat(setup: &Setup, world: &World) -> bool {
    let is_claimed = world.stored().is_some_and(|stored| stored.record.claim.is_some());
    let has_lock = |process: usize, place: usize| world.locks.iter().any(|holder| *holder == (u8::try_from(process).unwrap_or(0), place));
    let watches = |process: usize, place: usize, running: &Running| {
        // Before a lease is over, nothing comes of watching.
        let matters = |until: u32| until > world.time || !world.store.is_new;
        matches!(running.pending, Pending::Wait { until, .. } if matters(until))
            && (setup.exclusion == Exclusion::Lease || has_lock(process, place))
    };
    let anybody_watches = world.processes.iter().enumerate().any(|(process, it)| {
        it.flights.iter().enumerate().any(|(place, running)| running.as_ref().is_some_and(|running| watches(process, place, running)))
    });
    is_claimed
        && anybody_watches
        && world.awake().all(|running| running.is_at_rest(world.time) || matches!(running.pending, Pending::Request { .. }))
}

impl World {
    /// Carries out what a flight waits for. A write that is not `answered` is done, and reported as
    /// failed.
    fn act(&mut self, setup: &Setup, process: usize, place: usize, answered: bool) {
        let running = self.processes[process].flights[place].clone().expect("it flies");
        let seen = match running.pending {
            Pending::Wait { .. } => Observation::Waited,
            Pending::TryLock if self.lock(setup, process, place) => Observation::Locked,
            Pending::TryLock => Observation::LockBusy,
            Pending::Request { answer, sent, .. } => {
                return self.deliver(setup, process, place, answer.expect("it was answered"), sent);
            }
            Pending::Load => self.load(setup, process, place),
            Pending::Swap { .. } => self.write(setup, process, place, answered),
            Pending::Confirming { seen } => seen,
            Pending::Permit => Observation::PermitAcquired { waited: false },
            Pending::Queued => Observation::PermitAcquired { waited: true },
            Pending::Held { record } => {
                let request = self.send(&running.owner, &record, self.now(setup, process));
                self.process_mut(process).flights[place].as_mut().expect("it flies").pending = request;
                return;
            }
        };
        self.tell(setup, process, place, seen);
    }

    /// What comes of a write. One that is not `answered` is done, and reported as failed.
    fn write(&mut self, setup: &Setup, process: usize, place: usize, answered: bool) -> Observation {
        let running = self.processes[process].flights[place].clone().expect("it flies");
        match running.pending {
            Pending::Swap { .. } if self.store.state != StoreState::Up => store_failed(),
            Pending::Swap { expected, mut record } => {
                let is_there = self.stored().map(|stored| &stored.version) == expected.as_ref();
                let blindly = running.blind || (setup.planted == Some(Planted::SwapBlindly) && place == ARRIVING);
                if is_there || blindly {
                    let version = format!("{}.{}", running.owner, running.swaps + 1);
                    if setup.planted == Some(Planted::LeaseByClock) {
                        planted::note_clock(Arc::make_mut(&mut record), self.now(setup, process));
                    }
                    let stored = Stored::new(version.clone(), record);
                    let it = self.process_mut(process).flights[place].as_mut().expect("it flies");
                    it.swaps += 1;
                    if stored.record.claimed_by(&running.owner) {
                        it.claimed = Some(stored.clone());
                    }
                    if setup.planted == Some(Planted::RevokeWithoutLook) && stored.record.is_logged_out() {
                        it.claimed = Some(stored.clone());
                        it.blind = true;
                    }
                    self.put(Some(stored));
                    if answered { Observation::Stored(version) } else { store_failed() }
                } else if answered {
                    Observation::Conflict
                } else {
                    store_failed()
                }
            }
            other => unreachable!("{other:?} writes nothing"),
        }
    }

    /// Writes.
    pub(super) fn put(&mut self, stored: Option<Stored>) {
        let before = std::mem::replace(&mut self.store.entry, stored.map(Into::into));
        self.store.is_new = true;
        self.check_store(before.as_ref().map(|before| &*before.stored));
        self.store.before = (self.left.faults > 0).then_some(before);
    }

    fn lock(&mut self, setup: &Setup, process: usize, place: usize) -> bool {
        let process = u8::try_from(process).expect("few processes");
        let parted = |holder: &(u8, usize)| holder.0 == process || setup.exclusion.is_lock();
        if self.locks.iter().any(parted) {
            return false;
        }
        self.locks.push((process, place));
        self.locks.sort_unstable();
        true
    }

    fn serve(&mut self, process: usize, place: usize) {
        let answered = self.work_off(self.request(process, place).expect("it asks for something"));
        let running = self.process_mut(process).flights[place].as_mut().expect("it flies");
        if let Pending::Request { answer, .. } = &mut running.pending {
            *answer = Some(answered);
        }
    }

    /// The server does what it is asked for.
    fn work_off(&mut self, ask: Ask) -> Answer {
        let time = self.time;
        match ask {
            Ask::Refresh(token) => self.server.refresh(token, time).map_or(Answer::InvalidGrant, Answer::Tokens),
            Ask::Exchange => Answer::Tokens(self.server.log_in(time)),
            Ask::Revoke(token) => {
                self.excuse_race(token);
                self.server.revoke(token);
                Answer::Revoked
            }
        }
    }

    /// A request that the server may still work off is waited for no more.
    fn abandon(&mut self, process: usize, place: usize) {
        let running = self.processes[process].flights[place].as_ref();
        if let Some((Pending::Request { ask: ask @ (Ask::Refresh(_) | Ask::Revoke(_)), answer: None, .. }, owner)) =
            running.map(|running| (&running.pending, running.owner.clone()))
        {
            self.orphans.push((*ask, owner));
            self.orphans.sort();
        }
    }

    /// Kills a process, and whatever shares it.
    fn kill(&mut self, setup: &Setup, process: usize) {
        let all = setup.exclusion.is_one_process();
        for victim in (0..self.processes.len()).filter(|victim| all || *victim == process) {
            if self.processes[victim].is_exposed() {
                self.excuse(Nature::Killed);
            }
            (0..self.processes[victim].flights.len()).for_each(|place| self.abandon(victim, place));
            let code = u8::try_from(victim).expect("few processes");
            self.locks.retain(|holder| holder.0 != code);
            let it = self.process_mut(victim);
            let flown = it.flown;
            *it = Process { flown, ..Process::new(it.life + 1) };
        }
    }
}

fn in_doubt() -> Error {
    Error::new(ErrorCode::OutcomeUnknown, "no answer")
}

pub(super) fn store_failed() -> Observation {
    Observation::StoreFailed(Error::new(ErrorCode::StoreUnavailable, "no answer"))
}
