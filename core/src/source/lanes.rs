//! What one process knows of the logins in a store, and who is flying for them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use super::pilot::Pilot;
use super::token_source::account_hash;
use crate::clock::Clock;
use crate::error::Result;
use crate::process::ProcessIdentity;
use crate::random::{self, Random};
use crate::refresh::known::Known;
use crate::refresh::record::Account;
use crate::refresh::step::Goal;
use crate::store::StoreKey;
use crate::sync::{AtomicU8, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering};
use crate::worker::pool;
use crate::worker::servers::Servers;
use crate::worker::timer;
use crate::worker::turns::Turns;

/// So many operations of one store are under way at once.
const MOST_STORE_OPERATIONS: usize = 32;

/// A look into the store that takes longer does not hold up a caller who has a token.
const LATE: Duration = Duration::from_millis(250);

/// The lanes of one store in one process.
pub(crate) struct Lanes {
    home: Arc<Home>,
    by_key: Mutex<ByKey>,
}

/// What the lanes of one store in one process have in common.
pub(crate) struct Home {
    pub(crate) process: Arc<ProcessIdentity>,
    /// Random: tells this copy of the library from another in the same process.
    instance: OnceLock<String>,
    /// What the store bears.
    pub(crate) store: Arc<Turns>,
    /// What each server bears.
    pub(crate) servers: Servers,
    /// How many looks into the store are late just now.
    late: AtomicUsize,
}

#[derive(Default)]
struct ByKey {
    lanes: HashMap<StoreKey, Arc<Lane>>,
    sweep_at: usize,
}

/// Below so many lanes, those that nobody asks for any more are not worth looking for.
const FIRST_SWEEP: usize = 1024;

/// One key.
pub(crate) struct Lane {
    pub(crate) home: Arc<Home>,
    pub(crate) key: StoreKey,
    pub(crate) account: Arc<Account>,
    /// Counts what changed: what a source keeps for itself counts only while this stands.
    changes: Arc<AtomicU64>,
    /// What its flights wait for, for who asks why it takes so long.
    waits_for: AtomicU8,
    state: Mutex<State>,
}

/// What a flight may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WaitsFor {
    Store,
    Server,
    /// Another process's refresh, or the end of a back-off.
    Others,
}

impl WaitsFor {
    fn read(code: u8) -> Self {
        [Self::Store, Self::Server, Self::Others].into_iter().find(|known| *known as u8 == code).unwrap_or(Self::Store)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "the store has not answered",
            Self::Server => "the login server has not answered",
            Self::Others => "another process's refresh, or the wait after one that failed, is not over",
        }
    }
}

#[derive(Default)]
struct State {
    known: Known,
    looking: Option<Crowd>,
    renewing: Option<Crowd>,
    looks: u64,
}

/// Who waits for a flight.
struct Crowd {
    forced: bool,
    late: bool,
    waiters: Vec<Waiter>,
}

/// Who waits for a flight, and how long.
pub(crate) struct Waiter {
    /// Until a look is late, rather than to the end.
    pub(crate) while_in_time: bool,
    /// Called once.
    pub(crate) told: Box<dyn FnOnce(Landed) + Send>,
}

/// The end of a flight, for one who waited.
#[derive(Clone, Debug)]
pub(crate) enum Landed {
    Ended {
        /// Whether it was a flight that renews in any case.
        forced: bool,
        /// Whether it brought new tokens.
        outcome: Result<bool>,
    },
    /// It goes on, and takes longer than who waited wants to wait.
    Late,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        let home = Home {
            process: ProcessIdentity::here(),
            instance: OnceLock::new(),
            store: Turns::with_relief(MOST_STORE_OPERATIONS),
            servers: Servers::default(),
            late: AtomicUsize::default(),
        };
        Self { home: home.into(), by_key: Mutex::default() }
    }

    /// Differs from process to process, so that not all of them refresh at one instant.
    pub(crate) fn spread(&self) -> u8 {
        let ProcessIdentity { id, started } = &*self.home.process;
        let started = started.as_deref().unwrap_or_default().bytes();
        let mixed = started.fold(*id, |mixed, byte| (mixed ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        mixed.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
    }

    pub(crate) fn lane(&self, account: &Arc<Account>, key: &StoreKey, clock: &dyn Clock) -> Arc<Lane> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = by_key.lanes.get(key) {
            return Arc::clone(lane);
        }
        by_key.sweep(clock);
        let lane = Arc::new(Lane {
            home: Arc::clone(&self.home),
            key: key.clone(),
            account: Arc::clone(account),
            changes: Arc::default(),
            waits_for: AtomicU8::default(),
            state: Mutex::default(),
        });
        by_key.lanes.insert(key.clone(), Arc::clone(&lane));
        lane
    }
}

impl Home {
    /// Drawn when it is first needed.
    pub(crate) fn instance(&self, random: &dyn Random) -> Result<&str> {
        if self.instance.get().is_none() {
            let [drawn] = random::tokens(random)?;
            // Another thread's may have been first.
            let _ = self.instance.set(drawn);
        }
        Ok(self.instance.get().map_or("", String::as_str))
    }
}

impl ByKey {
    /// Drops the lanes that nobody has asked for in a long time, each time their number has doubled: what they know is in the store, too.
    fn sweep(&mut self, clock: &dyn Clock) {
        if self.lanes.len() >= self.sweep_at.max(FIRST_SWEEP) {
            let now = clock.moment();
            // Others get hold of one here only, under the lock.
            self.lanes.retain(|_, lane| {
                Arc::strong_count(lane) > 1 || Arc::strong_count(&lane.changes) > 1 || !lane.read(|known| known.is_idle(now))
            });
            self.lanes.shrink_to(self.lanes.len() * 2);
            self.sweep_at = self.lanes.len() * 2;
        }
    }
}

impl Lane {
    /// Whose lane it is, for logs.
    pub(crate) fn account_hash(&self) -> String {
        account_hash(&self.key).to_owned()
    }

    /// Reads or changes what is known. Whatever sources hold for themselves is looked at anew.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        let mut state = self.lock();
        let before = state.known.clone();
        let result = act(&mut state.known);
        if state.known != before {
            self.changes.fetch_add(1, Ordering::Release);
        }
        result
    }

    /// Only reads.
    pub(crate) fn read<T>(&self, act: impl FnOnce(&Known) -> T) -> T {
        act(&self.lock().known)
    }

    pub(crate) fn waits_for(&self) -> WaitsFor {
        WaitsFor::read(self.waits_for.load(Ordering::Relaxed))
    }

    pub(crate) fn wait_for(&self, what: WaitsFor) {
        self.waits_for.store(what as u8, Ordering::Relaxed);
    }

    pub(crate) fn changes(&self) -> &Arc<AtomicU64> {
        &self.changes
    }

    /// Has `waiter` told when a look or a renewal has ended: the one that is under way, or a new one.
    pub(crate) fn join(self: &Arc<Self>, goal: Goal, pilot: Pilot, waiter: Waiter) {
        self.fly(goal, pilot, Some(waiter));
    }

    /// Starts a renewal that nobody waits for, unless one is under way.
    pub(crate) fn begin(self: &Arc<Self>, goal: Goal, pilot: Pilot) {
        self.fly(goal, pilot, None);
    }

    fn fly(self: &Arc<Self>, goal: Goal, pilot: Pilot, waiter: Option<Waiter>) {
        let looks = matches!(goal, Goal::Look);
        let slot = if looks { State::looking } else { State::renewing };
        let mut state = self.lock();
        let is_new = slot(&mut state).is_none();
        let crowd = slot(&mut state).get_or_insert_with(|| Crowd { forced: matches!(goal, Goal::Force), late: false, waiters: Vec::new() });
        // Where one look is late, so are others.
        let late = crowd.late || (looks && self.home.late.load(Ordering::Acquire) > 0);
        let turned_away = match waiter {
            Some(waiter) if waiter.while_in_time && late => Some(waiter),
            waiter => {
                crowd.waiters.extend(waiter);
                None
            }
        };
        state.looks += u64::from(looks && is_new);
        let look = state.looks;
        drop(state);
        if is_new {
            let lane = Arc::clone(self);
            pilot.fly(goal, move |outcome, is_over| lane.wake(slot, outcome, is_over));
        }
        if looks && is_new {
            let lane = Arc::clone(self);
            timer::after(LATE, move || lane.be_late(look));
        }
        if let Some(waiter) = turned_away {
            (waiter.told)(Landed::Late);
        }
    }

    /// That look takes long, if it still is under way.
    fn be_late(&self, look: u64) {
        let mut state = self.lock();
        if state.looks != look {
            return;
        }
        let Some(crowd) = state.looking.as_mut() else { return };
        crowd.late = true;
        self.home.late.fetch_add(1, Ordering::AcqRel);
        let (leaving, staying): (Vec<_>, Vec<_>) = std::mem::take(&mut crowd.waiters).into_iter().partition(|waiter| waiter.while_in_time);
        crowd.waiters = staying;
        drop(state);
        if leaving.is_empty() {
            return;
        }
        // They may run an application's code. Where no thread can be had, they wait for the look.
        let tell = move || leaving.into_iter().for_each(|waiter| (waiter.told)(Landed::Late));
        let _ = pool::run(tell);
    }

    /// Tells all who wait so far. Until the flight is over, others may still join it.
    fn wake(&self, slot: fn(&mut State) -> &mut Option<Crowd>, outcome: &Result<bool>, is_over: bool) {
        let mut state = self.lock();
        let Some(crowd) = slot(&mut state) else { return };
        let forced = crowd.forced;
        let waiters = std::mem::take(&mut crowd.waiters);
        if is_over {
            if crowd.late {
                self.home.late.fetch_sub(1, Ordering::AcqRel);
            }
            *slot(&mut state) = None;
        }
        drop(state);
        for waiter in waiters {
            (waiter.told)(Landed::Ended { forced, outcome: outcome.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn looking(&mut self) -> &mut Option<Crowd> {
        &mut self.looking
    }

    fn renewing(&mut self) -> &mut Option<Crowd> {
        &mut self.renewing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refresh::moment::Moment;
    use crate::refresh::record::Record;

    struct At(u64);

    impl Clock for At {
        fn moment(&self) -> Moment {
            Moment { wall: 0, mono: self.0 }
        }
    }

    const HOUR: u64 = 3_600_000;

    fn account(number: usize) -> Arc<Account> {
        Account { issuer: String::new(), client_id: String::new(), account: number.to_string() }.into()
    }

    /// As after a look into the store at that time.
    fn lane(lanes: &Lanes, number: usize, at: u64) -> Arc<Lane> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        let lane = lanes.lane(&account(number), &StoreKey::new(&key), &At(at));
        lane.with(|known| known.looked(None, At(at).moment()));
        lane
    }

    fn numbers(lanes: &Lanes) -> Vec<usize> {
        let mut numbers: Vec<_> = lanes.by_key.lock().unwrap().lanes.values().map(|lane| lane.account.account.parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn what_nobody_has_asked_for_in_an_hour_is_dropped_once_there_are_many() {
        let lanes = Lanes::new();
        for number in 0..FIRST_SWEEP {
            lane(&lanes, number, if number < 1000 { 0 } else { 1 });
        }
        lane(&lanes, FIRST_SWEEP, HOUR);
        assert_eq!(numbers(&lanes), Vec::from_iter(1000..=FIRST_SWEEP));
    }

    #[test]
    fn what_is_in_use_or_not_in_the_store_stays() {
        let lanes = Lanes::new();
        let held = lane(&lanes, 0, 0);
        let at_hand = Arc::clone(lane(&lanes, 1, 0).changes());
        lane(&lanes, 2, 0).with(|known| known.holds(Record::vacant(account(2)), At(0).moment()));
        lane(&lanes, 3, 0).with(|known| known.invalidate("refused", At(0).moment()));
        for number in 4..FIRST_SWEEP {
            lane(&lanes, number, 0);
        }
        lane(&lanes, FIRST_SWEEP, HOUR);
        assert_eq!(numbers(&lanes), [0, 1, 2, 3, FIRST_SWEEP]);
        drop((held, at_hand));
    }
}
