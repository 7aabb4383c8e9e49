//! What one process knows of the logins in a store, and who is flying for them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::pilot::Pilot;
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
    by_key: Mutex<HashMap<StoreKey, Arc<Lane>>>,
}

/// One key.
pub(crate) struct Lane {
    pub(crate) key: StoreKey,
    pub(crate) account: Account,
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

    pub(crate) fn lane(&self, account: &Account, key: &StoreKey) -> Arc<Lane> {
        let mut lanes = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(key) {
            return Arc::clone(lane);
        }
        let lane = Arc::new(Lane {
            key: key.clone(),
            account: account.clone(),
            process: self.origin.id(),
            instance: self.instance.clone(),
            changes: Arc::default(),
            state: Mutex::default(),
        });
        lanes.insert(key.clone(), Arc::clone(&lane));
        lane
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
