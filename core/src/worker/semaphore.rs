//! Limits how many jobs run at a server or a store at a time. A job that waits for a permit
//! occupies no thread.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::timer;
use crate::sys::sync::{Mutex, MutexGuard};

/// If no permit is released for this long, an extra one is granted: the running jobs may wait for a
/// job in the queue, for example when a custom store calls the library.
const STALL: Duration = Duration::from_millis(250);

/// How many extra permits are granted at most, as a multiple of the limit.
const MAX_EXTRA: usize = 4;

/// A semaphore with a queue of callbacks instead of blocked threads.
pub(crate) struct Semaphore {
    /// The number of permits, without extra ones.
    limit: usize,
    state: Mutex<State>,
    /// Whether a running job may wait for a job in the queue.
    grants_extra: bool,
}

#[derive(Default)]
struct State {
    in_use: usize,
    queue: VecDeque<Resume>,
    /// How many permits were released so far.
    released: u64,
    /// Whether a timer checks for a stall.
    watching: bool,
}

type Resume = Box<dyn FnOnce(Permit) + Send>;

/// Released on drop.
pub(crate) struct Permit(Arc<Semaphore>);

impl Semaphore {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default(), grants_extra: false })
    }

    /// A semaphore that grants extra permits if a running job seems to wait for a job in the queue.
    pub(crate) fn with_extra_permits(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default(), grants_extra: true })
    }

    /// Returns `job` and a permit if one is free. Otherwise `resume` is called with both later, on
    /// a thread that it must not block.
    pub(crate) fn acquire<J: Send + 'static>(self: &Arc<Self>, job: J, resume: fn(J, Permit)) -> Option<(J, Permit)> {
        let mut state = self.lock();
        if state.in_use < self.limit {
            state.in_use += 1;
            return Some((job, Permit(Arc::clone(self))));
        }
        state.queue.push_back(Box::new(move |permit| resume(job, permit)));
        let watch = self.grants_extra && !std::mem::replace(&mut state.watching, true);
        let released = state.released;
        drop(state);
        if watch {
            self.watch(released);
        }
        None
    }

    fn watch(self: &Arc<Self>, released: u64) {
        let semaphore = Arc::clone(self);
        timer::after(STALL, move || semaphore.grant_extra(released));
    }

    /// Grants an extra permit if none was released since `released`. The newest job gets it: the
    /// job that the running ones wait for was queued after they started.
    fn grant_extra(self: &Arc<Self>, released: u64) {
        let mut state = self.lock();
        let is_stalled = state.released == released && state.in_use < self.limit * (1 + MAX_EXTRA);
        let newest = if is_stalled { state.queue.pop_back() } else { None };
        state.in_use += usize::from(newest.is_some());
        state.watching = !state.queue.is_empty();
        let (watch, released) = (state.watching, state.released);
        drop(state);
        if watch {
            self.watch(released);
        }
        if let Some(resume) = newest {
            resume(Permit(Arc::clone(self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.released += 1;
        let next = state.queue.pop_front();
        state.in_use -= usize::from(next.is_none());
        drop(state);
        if let Some(resume) = next {
            resume(Permit(Arc::clone(&self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    fn resume((number, sender): (u32, Sender<(u32, Permit)>), permit: Permit) {
        // The test may have ended.
        let _ = sender.send((number, permit));
    }

    #[test]
    fn jobs_in_the_queue_get_permits_in_order() {
        let (sender, receiver) = channel();
        let semaphore = Semaphore::new(2);
        let mut first = (0..2).map(|number| semaphore.acquire((number, sender.clone()), resume).expect("a permit").1).collect::<Vec<_>>();
        assert!((2..5).all(|number| semaphore.acquire((number, sender.clone()), resume).is_none()));
        first.clear();
        for expected in 2..5 {
            assert_eq!(receiver.recv().unwrap().0, expected);
        }
        assert!(semaphore.acquire((5, sender), resume).is_some());
    }

    #[test]
    fn a_job_that_the_running_ones_wait_for_gets_an_extra_permit() {
        let (sender, receiver) = channel();
        let semaphore = Semaphore::with_extra_permits(2);
        let running = (0..2).map(|number| semaphore.acquire((number, sender.clone()), resume).expect("a permit").1).collect::<Vec<_>>();
        assert!((2..5).all(|number| semaphore.acquire((number, sender.clone()), resume).is_none()));
        let (newest, permit) = receiver.recv().unwrap();
        assert_eq!(newest, 4);
        drop((permit, running));
    }
}
