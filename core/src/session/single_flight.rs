//! What one process knows of the logins in a store, and which reloads and refreshes are in
//! progress: callers that ask for the same at the same time share one.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use protocol::error::Result;
use protocol::refresh::action::Goal;
use protocol::refresh::local_state::LocalState;
use protocol::refresh::record::Account;

use crate::store::StoreKey;
use crate::sys::clock::Clock;
use crate::sys::process::ProcessIdentity;
use crate::sys::random::{self, Random};
use crate::sys::sync::{AtomicU8, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering};
use crate::worker::per_server::PerServer;
use crate::worker::semaphore::Semaphore;
use crate::worker::{pool, timer};

/// At most so many operations of one store run at once.
const MAX_STORE_OPERATIONS: usize = 32;

/// A reload that takes longer does not delay a caller who has a token.
const LATE: Duration = Duration::from_millis(250);

/// The accounts of one store in one process.
pub(crate) struct Accounts {
    shared: Arc<StoreState>,
    by_key: Mutex<ByKey>,
}

/// What the accounts of one store in one process share.
pub(crate) struct StoreState {
    pub(crate) process: Arc<ProcessIdentity>,
    /// Random: tells this copy of the library from another in the same process.
    instance: OnceLock<String>,
    /// Limits the operations of the store.
    pub(crate) store: Arc<Semaphore>,
    /// Limits the requests to each server.
    pub(crate) servers: PerServer,
    /// How many reloads are late at the moment.
    late: AtomicUsize,
}

#[derive(Default)]
struct ByKey {
    accounts: HashMap<StoreKey, Arc<AccountState>>,
    sweep_at: usize,
}

/// With fewer accounts, it is not worth looking for those that are no longer used.
const FIRST_SWEEP: usize = 1024;

/// What this process knows of one account, and what is in progress for it.
pub(crate) struct AccountState {
    pub(crate) shared: Arc<StoreState>,
    pub(crate) key: StoreKey,
    pub(crate) account: Arc<Account>,
    /// Counts changes: a token that a session caches counts only until the next one.
    changes: Arc<AtomicU64>,
    /// What its operations wait for, so that a caller whose timeout elapses can be told.
    waits_for: AtomicU8,
    state: Mutex<State>,
}

/// What an operation may wait for.
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
            Self::Store => "the store has not responded",
            Self::Server => "the login server has not responded",
            Self::Others => "another process's refresh, or the wait after one that failed, is not over",
        }
    }
}

#[derive(Default)]
struct State {
    local: LocalState,
    reload: Option<InProgress>,
    refresh: Option<InProgress>,
    judgement: Option<InProgress>,
    /// Counts reloads.
    reloads: u64,
    /// The login whose end was told.
    end_told: Option<String>,
}

/// A reload or refresh that callers may still join.
struct InProgress {
    forced: bool,
    late: bool,
    waiters: Vec<Waiter>,
}

/// A caller that waits for a reload or refresh.
pub(crate) struct Waiter {
    /// Waits until the reload is late, rather than to its end.
    pub(crate) while_in_time: bool,
    /// Called once.
    pub(crate) report: Box<dyn FnOnce(Completion) + Send>,
}

/// What a waiter is told.
#[derive(Clone, Debug)]
pub(crate) enum Completion {
    Finished {
        /// Whether the refresh was forced.
        forced: bool,
        /// Whether there are new tokens.
        outcome: Result<bool>,
    },
    /// It is still in progress, and takes longer than the waiter wants to wait.
    Delayed,
}

/// Receives the outcome of an operation, at its end or before. With `true`, it is the last report.
pub(crate) type Report = Box<dyn FnMut(&Result<bool>, bool) + Send>;

impl Accounts {
    pub(crate) fn new() -> Self {
        let shared = StoreState {
            process: ProcessIdentity::here(),
            instance: OnceLock::new(),
            store: Semaphore::with_extra_permits(MAX_STORE_OPERATIONS),
            servers: PerServer::default(),
            late: AtomicUsize::default(),
        };
        Self { shared: shared.into(), by_key: Mutex::default() }
    }

    /// What the accounts share.
    pub(crate) fn shared(&self) -> Arc<StoreState> {
        Arc::clone(&self.shared)
    }

    /// Differs from process to process, so that not all of them refresh at one instant.
    pub(crate) fn spread(&self) -> u8 {
        let ProcessIdentity { id, started } = &*self.shared.process;
        let started = started.as_deref().unwrap_or_default().bytes();
        let mixed = started.fold(*id, |mixed, byte| (mixed ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        mixed.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
    }

    pub(crate) fn state(&self, account: &Arc<Account>, key: &StoreKey, clock: &dyn Clock) -> Arc<AccountState> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account_state) = by_key.accounts.get(key) {
            return Arc::clone(account_state);
        }
        by_key.sweep(clock);
        let account_state = Arc::new(AccountState {
            shared: Arc::clone(&self.shared),
            key: key.clone(),
            account: Arc::clone(account),
            changes: Arc::default(),
            waits_for: AtomicU8::default(),
            state: Mutex::default(),
        });
        by_key.accounts.insert(key.clone(), Arc::clone(&account_state));
        account_state
    }
}

impl StoreState {
    /// Drawn when it is first needed.
    pub(crate) fn instance(&self, random: &dyn Random) -> Result<&str> {
        if self.instance.get().is_none() {
            let [drawn] = random::tokens(random)?;
            // Another thread may have been first.
            let _ = self.instance.set(drawn);
        }
        Ok(self.instance.get().map_or("", String::as_str))
    }
}

impl ByKey {
    /// Each time the number of accounts has doubled, drops those that have not been asked for in a
    /// long time. The store has all that was known of them.
    fn sweep(&mut self, clock: &dyn Clock) {
        if self.accounts.len() >= self.sweep_at.max(FIRST_SWEEP) {
            let now = clock.moment();
            // Under the lock, nobody else can get hold of one.
            self.accounts.retain(|_, account_state| {
                Arc::strong_count(account_state) > 1
                    || Arc::strong_count(&account_state.changes) > 1
                    || !account_state.read(|local| local.is_idle(now))
            });
            self.accounts.shrink_to(self.accounts.len() * 2);
            self.sweep_at = self.accounts.len() * 2;
        }
    }
}

impl AccountState {
    /// What logs call the account.
    pub(crate) fn account_hash(&self) -> String {
        self.key.account_hash().to_owned()
    }

    /// Reads or changes what is known. After a change, sessions stop using the token that they
    /// cached.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut LocalState) -> T) -> T {
        let mut state = self.lock();
        let before = state.local.clone();
        let result = act(&mut state.local);
        if state.local != before {
            self.changes.fetch_add(1, Ordering::Release);
        }
        result
    }

    pub(crate) fn read<T>(&self, act: impl FnOnce(&LocalState) -> T) -> T {
        act(&self.lock().local)
    }

    /// Whether nobody was told of the end of this login yet.
    pub(crate) fn is_first_told_of_end(&self, grant_id: &str) -> bool {
        self.lock().end_told.replace(grant_id.to_owned()).as_deref() != Some(grant_id)
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

    /// Calls `waiter` when the reload or refresh completes: the one in progress, or a new one that
    /// `start` starts.
    pub(crate) fn join(self: &Arc<Self>, goal: Goal, waiter: Waiter, start: impl FnOnce(Goal, Report)) {
        self.share(goal, Some(waiter), start);
    }

    /// Starts a refresh or a judgement that no caller waits for, unless one is in progress.
    pub(crate) fn begin(self: &Arc<Self>, goal: Goal, start: impl FnOnce(Goal, Report)) {
        self.share(goal, None, start);
    }

    fn share(self: &Arc<Self>, goal: Goal, waiter: Option<Waiter>, start: impl FnOnce(Goal, Report)) {
        let reloads = matches!(goal, Goal::Reload);
        let slot = match goal {
            Goal::Reload => State::reload,
            Goal::JudgeIdToken => State::judgement,
            _ => State::refresh,
        };
        let mut state = self.lock();
        let is_new = slot(&mut state).is_none();
        let in_progress = slot(&mut state).get_or_insert_with(|| InProgress {
            forced: matches!(goal, Goal::ForceRefresh),
            late: false,
            waiters: Vec::new(),
        });
        // If one reload is late, so are others.
        let late = in_progress.late || (reloads && self.shared.late.load(Ordering::Acquire) > 0);
        let delayed = match waiter {
            Some(waiter) if waiter.while_in_time && late => Some(waiter),
            waiter => {
                in_progress.waiters.extend(waiter);
                None
            }
        };
        state.reloads += u64::from(reloads && is_new);
        let reload = state.reloads;
        drop(state);
        if is_new {
            let account_state = Arc::clone(self);
            start(goal, Box::new(move |outcome, is_last| account_state.wake(slot, outcome, is_last)));
        }
        if reloads && is_new {
            let account_state = Arc::clone(self);
            timer::after(LATE, move || account_state.be_late(reload));
        }
        if let Some(waiter) = delayed {
            (waiter.report)(Completion::Delayed);
        }
    }

    /// The reload of this number takes long, if it still is in progress.
    fn be_late(&self, reload: u64) {
        let mut state = self.lock();
        if state.reloads != reload {
            return;
        }
        let Some(in_progress) = state.reload.as_mut() else { return };
        in_progress.late = true;
        self.shared.late.fetch_add(1, Ordering::AcqRel);
        let (delayed, staying): (Vec<_>, Vec<_>) =
            std::mem::take(&mut in_progress.waiters).into_iter().partition(|waiter| waiter.while_in_time);
        in_progress.waiters = staying;
        drop(state);
        if delayed.is_empty() {
            return;
        }
        // They may run an application's code. If no thread can be had, they wait for the reload.
        let report = move || delayed.into_iter().for_each(|waiter| (waiter.report)(Completion::Delayed));
        let _ = pool::run(report);
    }

    /// Reports to all that wait so far. Until the last report, others may still join.
    fn wake(&self, slot: fn(&mut State) -> &mut Option<InProgress>, outcome: &Result<bool>, is_last: bool) {
        let mut state = self.lock();
        let Some(in_progress) = slot(&mut state) else { return };
        let forced = in_progress.forced;
        let waiters = std::mem::take(&mut in_progress.waiters);
        if is_last {
            if in_progress.late {
                self.shared.late.fetch_sub(1, Ordering::AcqRel);
            }
            *slot(&mut state) = None;
        }
        drop(state);
        for waiter in waiters {
            (waiter.report)(Completion::Finished { forced, outcome: outcome.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reload(&mut self) -> &mut Option<InProgress> {
        &mut self.reload
    }

    fn refresh(&mut self) -> &mut Option<InProgress> {
        &mut self.refresh
    }

    fn judgement(&mut self) -> &mut Option<InProgress> {
        &mut self.judgement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::refresh::record::Record;
    use protocol::time::Moment;

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
    fn state(accounts: &Accounts, number: usize, at: u64) -> Arc<AccountState> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        let account_state = accounts.state(&account(number), &StoreKey::new(&key), &At(at));
        account_state.with(|local| local.loaded(None, At(at).moment()));
        account_state
    }

    fn numbers(accounts: &Accounts) -> Vec<usize> {
        let mut numbers: Vec<_> =
            accounts.by_key.lock().unwrap().accounts.values().map(|account_state| account_state.account.account.parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn what_nobody_has_asked_for_in_an_hour_is_dropped_once_there_are_many() {
        let accounts = Accounts::new();
        for number in 0..FIRST_SWEEP {
            state(&accounts, number, if number < 1000 { 0 } else { 1 });
        }
        state(&accounts, FIRST_SWEEP, HOUR);
        assert_eq!(numbers(&accounts), Vec::from_iter(1000..=FIRST_SWEEP));
    }

    #[test]
    fn what_is_in_use_or_not_in_the_store_stays() {
        let accounts = Accounts::new();
        let held = state(&accounts, 0, 0);
        let at_hand = Arc::clone(state(&accounts, 1, 0).changes());
        state(&accounts, 2, 0).with(|local| local.hold_unsaved(Record::empty(account(2)), At(0).moment()));
        state(&accounts, 3, 0).with(|local| local.invalidate("refused", At(0).moment()));
        for number in 4..FIRST_SWEEP {
            state(&accounts, number, 0);
        }
        state(&accounts, FIRST_SWEEP, HOUR);
        assert_eq!(numbers(&accounts), [0, 1, 2, 3, FIRST_SWEEP]);
        drop((held, at_hand));
    }
}
