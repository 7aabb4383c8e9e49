//! The library's own threads: made as needed up to a limit, gone when idle. A caller's thread never carries a token request, so that a
//! caller can leave at any time without cutting one off.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};
use crate::process::PerProcess;
use crate::sync::{Condvar, Mutex, MutexGuard, thread};

const MAX_THREADS: usize = 64;

const IDLE: Duration = Duration::from_secs(5);

static WORKERS: PerProcess<Workers> = PerProcess::new();

/// Runs `job` on a thread of the library's, at once or when one is free.
pub(crate) fn run(job: impl FnOnce() + Send + 'static) -> Result<()> {
    let workers = WORKERS.get_or_make(Workers::default);
    let mut state = workers.lock();
    state.queue.push_back(Box::new(job));
    if state.idle >= state.queue.len() {
        drop(state);
        workers.wake.notify_one();
        return Ok(());
    }
    if state.threads == MAX_THREADS {
        return Ok(());
    }
    let own = Arc::clone(&workers);
    match thread::Builder::new().name("sipgate-oauth2".into()).spawn(move || own.work()) {
        Ok(_) => state.threads += 1,
        Err(_) if state.threads > 0 => {}
        Err(cause) => {
            state.queue.pop_back();
            return Err(
                Error::new(ErrorCode::Busy, "no thread could be started; try again when the machine is less busy").with_cause(cause)
            );
        }
    }
    Ok(())
}

#[derive(Default)]
struct Workers {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Box<dyn FnOnce() + Send>>,
    threads: usize,
    idle: usize,
}

impl Workers {
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // A job answers for its own panics; this keeps the count of threads right whatever happens.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (woken, wait) =
                self.wake.wait_timeout_while(state, IDLE, |state| state.queue.is_empty()).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
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
    fn more_jobs_than_threads_are_all_done() {
        let (sender, receiver) = mpsc::channel();
        for number in 0..3 * MAX_THREADS {
            let sender = sender.clone();
            run(move || sender.send(number).unwrap()).unwrap();
        }
        drop(sender);
        assert_eq!(receiver.iter().count(), 3 * MAX_THREADS);
    }

    #[test]
    fn a_waiting_job_does_not_hold_up_the_next() {
        let (release, held) = mpsc::channel::<()>();
        let (sender, receiver) = mpsc::channel();
        run(move || held.recv().unwrap_or_default()).unwrap();
        run(move || sender.send(()).unwrap()).unwrap();
        receiver.recv().unwrap();
        release.send(()).unwrap();
    }

    #[test]
    fn a_panic_in_a_job_costs_no_thread() {
        let (sender, receiver) = mpsc::channel();
        run(|| panic!("planted")).unwrap();
        run(move || sender.send(()).unwrap()).unwrap();
        receiver.recv().unwrap();
    }
}
