//! Jobs that run later. One thread waits for all of them, and ends when there are none.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::sys::process::PerProcess;
use crate::sys::sync::{Condvar, Instant, Mutex, MutexGuard, thread};

const IDLE: Duration = Duration::from_secs(5);

static TIMER: PerProcess<Timer> = PerProcess::new();

/// Runs `job` after `delay`. The job must be short, because it delays the others.
///
/// If no thread can be started, the calling thread waits and runs the job.
pub(crate) fn after(delay: Duration, job: impl FnOnce() + Send + 'static) {
    if let Err(job) = try_after(delay, job) {
        thread::sleep(delay);
        job();
    }
}

/// The same, but returns the job if no thread can be started.
pub(crate) fn try_after(delay: Duration, job: impl FnOnce() + Send + 'static) -> Result<(), Job> {
    TIMER.get_or_make(Timer::default).add(delay, Box::new(job))
}

pub(crate) type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Ordered by due time, then by the order in which they were added.
    jobs: BTreeMap<(Instant, u64), Job>,
    added: u64,
    running: bool,
}

impl Timer {
    fn add(self: &Arc<Self>, delay: Duration, job: Job) -> Result<(), Job> {
        let Some(due) = Instant::now().checked_add(delay) else { return Ok(()) };
        let mut state = self.lock();
        state.added += 1;
        let key = (due, state.added);
        state.jobs.insert(key, job);
        if !state.running {
            let timer = Arc::clone(self);
            if thread::Builder::new().name("sipgate-oauth2-timer".into()).spawn(move || timer.work()).is_err() {
                return state.jobs.remove(&key).map_or(Ok(()), Err);
            }
            state.running = true;
        }
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            let next = state.jobs.first_key_value().map(|(key, _)| *key);
            let wait = next.map_or(IDLE, |(due, _)| due.saturating_duration_since(Instant::now()));
            if let Some(key) = next.filter(|_| wait.is_zero()) {
                let job = state.jobs.remove(&key);
                drop(state);
                // A panic must not stop the other jobs.
                let _ = catch_unwind(AssertUnwindSafe(|| job.map(|job| job())));
                state = self.lock();
                continue;
            }
            let is_unchanged = |state: &mut State| state.jobs.first_key_value().map(|(key, _)| *key) == next;
            let (woken, waited) = self.changed.wait_timeout_while(state, wait, is_unchanged).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() && state.jobs.is_empty() {
                state.running = false;
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
    fn jobs_run_in_the_order_of_their_due_times_and_a_panic_stops_none() {
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
    fn a_job_does_not_wait_for_one_that_is_due_later() {
        let (sender, receiver) = mpsc::channel();
        after(Duration::from_secs(3600), || {});
        after(Duration::ZERO, move || sender.send(()).unwrap());
        receiver.recv().unwrap();
    }
}
