//! Threads that are started when they are needed, and end when they are idle. Each job holds a
//! permit, which limits their number.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};

use crate::sys::process::PerProcess;
use crate::sys::sync::{Condvar, Mutex, MutexGuard, thread};

const IDLE: Duration = Duration::from_secs(5);

static POOL: PerProcess<Pool> = PerProcess::new();

/// Runs `job` at once on a thread of the pool. On an error, `job` is dropped.
pub(crate) fn run(job: impl FnOnce() + Send + 'static) -> Result<()> {
    let pool = POOL.get_or_make(Pool::default);
    let mut state = pool.lock();
    state.jobs.push_back(Box::new(job));
    if state.idle >= state.jobs.len() {
        drop(state);
        pool.wake.notify_one();
        return Ok(());
    }
    let worker = Arc::clone(&pool);
    match thread::Builder::new().name("sipgate-oauth2".into()).spawn(move || worker.work()) {
        Ok(_) => state.threads += 1,
        // The job runs when another thread is free.
        Err(_) if state.threads > 0 => {}
        Err(cause) => {
            let job = state.jobs.pop_back();
            drop(state);
            drop(job);
            return Err(
                Error::new(ErrorCode::Busy, "no thread could be started; try again when the machine is less busy").with_cause(cause)
            );
        }
    }
    Ok(())
}

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn FnOnce() + Send>>,
    threads: usize,
    idle: usize,
}

impl Pool {
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A job handles its own panics. This keeps the count of threads right if it does
                // not.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (woken, wait) =
                self.wake.wait_timeout_while(state, IDLE, |state| state.jobs.is_empty()).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.jobs.is_empty() {
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
    fn jobs_that_block_do_not_delay_the_next() {
        let (sender, receiver) = mpsc::channel();
        let releases: Vec<_> = (0..200)
            .map(|_| {
                let (release, held) = mpsc::channel::<()>();
                run(move || held.recv().unwrap_or_default()).unwrap();
                release
            })
            .collect();
        run(move || sender.send(()).unwrap()).unwrap();
        receiver.recv().unwrap();
        drop(releases);
    }

    #[test]
    fn a_panic_in_a_job_ends_no_thread() {
        let (sender, receiver) = mpsc::channel();
        run(|| panic!("planted")).unwrap();
        run(move || sender.send(()).unwrap()).unwrap();
        receiver.recv().unwrap();
    }
}
