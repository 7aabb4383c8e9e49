//! What one process knows of the logins in a store, and who is flying for them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::pilot::Pilot;
use crate::clock::Clock;
use crate::error::Result;
use crate::process::Origin;
use crate::random::{self, SystemRandomness};
use crate::refresh::known::Known;
use crate::refresh::record::Account;
use crate::refresh::step::Goal;
use crate::store::StoreKey;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::worker;

/// The lanes of one store in one process.
pub(crate) struct Lanes {
    origin: Origin,
    /// Tells this copy of the library from another in the same process.
    instance: String,
    by_key: Mutex<ByKey>,
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
    pub(crate) key: StoreKey,
    pub(crate) account: Arc<Account>,
    pub(crate) process: u32,
    pub(crate) instance: String,
    /// Counts what changed: what a source keeps for itself counts only while this stands.
    changes: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Known,
    looking: Option<Crowd>,
    renewing: Option<Crowd>,
}

/// Who waits for a flight.
struct Crowd {
    forced: bool,
    waiters: Vec<Waiter>,
}

/// Called once, when the flight it waits for ends.
pub(crate) type Waiter = Box<dyn FnOnce(Landed) + Send>;

/// The end of a flight, for one who waited.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    /// Whether it was a flight that renews in any case.
    pub(crate) forced: bool,
    /// Whether it brought new tokens.
    pub(crate) outcome: Result<bool>,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        let instance = random::tokens(&SystemRandomness::new()).map_or_else(|_| String::new(), |[instance]| instance);
        Self { origin: Origin::here(), instance, by_key: Mutex::default() }
    }

    pub(crate) fn lane(&self, account: &Arc<Account>, key: &StoreKey, clock: &dyn Clock) -> Arc<Lane> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = by_key.lanes.get(key) {
            return Arc::clone(lane);
        }
        by_key.sweep(clock);
        let lane = Arc::new(Lane {
            key: key.clone(),
            account: Arc::clone(account),
            process: self.origin.id(),
            instance: self.instance.clone(),
            changes: Arc::default(),
            state: Mutex::default(),
        });
        by_key.lanes.insert(key.clone(), Arc::clone(&lane));
        lane
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
        self.key.as_str()[..16].to_owned()
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

    pub(crate) fn changes(&self) -> &Arc<AtomicU64> {
        &self.changes
    }

    /// Has `waiter` told when a look or a renewal has ended: the one that is under way, or a new one.
    pub(crate) fn join(self: &Arc<Self>, goal: Goal, pilot: Pilot, waiter: Waiter) {
        let slot = if matches!(goal, Goal::Look) { State::looking } else { State::renewing };
        {
            let mut state = self.lock();
            let crowd = slot(&mut state);
            if let Some(crowd) = crowd {
                crowd.waiters.push(waiter);
                return;
            }
            *crowd = Some(Crowd { forced: matches!(goal, Goal::Force), waiters: vec![waiter] });
        }
        let lane = Arc::clone(self);
        let flown = worker::run(move || pilot.fly(goal, |outcome, is_over| lane.wake(slot, outcome, is_over)));
        if let Err(error) = flown {
            self.wake(slot, &Err(error), true);
        }
    }

    /// Tells all who wait so far. Until the flight is over, others may still join it.
    fn wake(&self, slot: fn(&mut State) -> &mut Option<Crowd>, outcome: &Result<bool>, is_over: bool) {
        let mut state = self.lock();
        let Some(crowd) = slot(&mut state) else { return };
        let forced = crowd.forced;
        let waiters = std::mem::take(&mut crowd.waiters);
        if is_over {
            *slot(&mut state) = None;
        }
        drop(state);
        for waiter in waiters {
            waiter(Landed { forced, outcome: outcome.clone() });
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
