//! Things to do later. One thread waits for all of them; it ends when there are none.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::sys::process::PerProcess;
use crate::sys::sync::{Condvar, Instant, Mutex, MutexGuard, thread};

const IDLE: Duration = Duration::from_secs(5);

static TIMER: PerProcess<Timer> = PerProcess::new();

/// Runs `job` after `delay`. It must be short: others wait behind it.
///
/// Where no thread can be had, this one waits.
pub(crate) fn after(delay: Duration, job: impl FnOnce() + Send + 'static) {
    let timer = TIMER.get_or_make(Timer::default);
    if let Err(job) = timer.add(delay, Box::new(job)) {
        thread::sleep(delay);
        job();
    }
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By when they are due, and in the order they were added.
    jobs: BTreeMap<(Instant, u64), Job>,
    added: u64,
    runs: bool,
}

impl Timer {
    fn add(self: &Arc<Self>, delay: Duration, job: Job) -> Result<(), Job> {
        let Some(due) = Instant::now().checked_add(delay) else { return Ok(()) };
        let mut state = self.lock();
        state.added += 1;
        let place = (due, state.added);
        state.jobs.insert(place, job);
        if !state.runs {
            let own = Arc::clone(self);
            if thread::Builder::new().name("sipgate-oauth2-timer".into()).spawn(move || own.work()).is_err() {
                return state.jobs.remove(&place).map_or(Ok(()), Err);
            }
            state.runs = true;
        }
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            let next = state.jobs.first_key_value().map(|(place, _)| *place);
            let wait = next.map_or(IDLE, |(due, _)| due.saturating_duration_since(Instant::now()));
            if let Some(place) = next.filter(|_| wait.is_zero()) {
                let job = state.jobs.remove(&place);
                drop(state);
                // The others' time comes all the same.
                let _ = catch_unwind(AssertUnwindSafe(|| job.map(|job| job())));
                state = self.lock();
                continue;
            }
            let is_the_same = |state: &mut State| state.jobs.first_key_value().map(|(place, _)| *place) == next;
            let (woken, waited) = self.changed.wait_timeout_while(state, wait, is_the_same).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() && state.jobs.is_empty() {
                state.runs = false;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_run_in_the_order_of_their_time_and_a_panic_holds_up_none() {
        let (sender, receiver) = mpsc::channel();
        after(Duration::from_millis(1), || panic!("planted"));
        for number in [3_u64, 1, 2] {
            let sender = sender.clone();
            after(Duration::from_millis(50 * number), move || sender.send(number).unwrap());
        }
        drop(sender);
        assert_eq!(Vec::from_iter(receiver.iter()), [1, 2, 3]);
    }

    #[test]
    fn a_job_that_is_due_sooner_does_not_wait_for_one_that_is_due_later() {
        let (sender, receiver) = mpsc::channel();
        after(Duration::from_secs(3600), || {});
        after(Duration::ZERO, move || sender.send(()).unwrap());
        receiver.recv().unwrap();
    }
}
