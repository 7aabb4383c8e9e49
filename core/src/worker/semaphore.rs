//! Semaphore at something that bears only so many at once: a server, or a store. Who waits for a permit has no thread.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::timer;
use crate::sys::sync::{Mutex, MutexGuard};

/// When nobody has finished for this long, one more than usual may begin: those at work may wait for one that waits here, as where an application's
/// store calls the library.
const STUCK: Duration = Duration::from_millis(250);

/// At most so many times the usual number begin on top of it.
const MOST_EXTRA: usize = 4;

/// See the module.
pub(crate) struct Semaphore {
    /// The usual number at once.
    most: usize,
    state: Mutex<State>,
    /// Whether those at work may wait for those that are not.
    may_be_stuck: bool,
}

#[derive(Default)]
struct State {
    taken: usize,
    waiting: VecDeque<Waiting>,
    finished: u64,
    watched: bool,
}

type Waiting = Box<dyn FnOnce(Permit) + Send>;

/// A permit, until this is dropped.
pub(crate) struct Permit(Arc<Semaphore>);

impl Semaphore {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default(), may_be_stuck: false })
    }

    /// Where those at work may wait for those that are not.
    pub(crate) fn with_relief(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default(), may_be_stuck: true })
    }

    /// Takes a permit: at once, and then `job` comes back with it; or later, and then `resume` is called with both, on a thread that must not be held up.
    pub(crate) fn acquire<J: Send + 'static>(self: &Arc<Self>, job: J, resume: fn(J, Permit)) -> Option<(J, Permit)> {
        let mut state = self.lock();
        if state.taken < self.most {
            state.taken += 1;
            return Some((job, Permit(Arc::clone(self))));
        }
        state.waiting.push_back(Box::new(move |permit| resume(job, permit)));
        let watch = self.may_be_stuck && !std::mem::replace(&mut state.watched, true);
        let finished = state.finished;
        drop(state);
        if watch {
            self.watch(finished);
        }
        None
    }

    fn watch(self: &Arc<Self>, finished: u64) {
        let own = Arc::clone(self);
        timer::after(STUCK, move || own.relieve(finished));
    }

    /// The newest goes first: what the others wait for has come after them.
    fn relieve(self: &Arc<Self>, finished: u64) {
        let mut state = self.lock();
        let is_stuck = state.finished == finished && state.taken < self.most * (1 + MOST_EXTRA);
        let relieved = if is_stuck { state.waiting.pop_back() } else { None };
        state.taken += usize::from(relieved.is_some());
        state.watched = !state.waiting.is_empty();
        let (watch, finished) = (state.watched, state.finished);
        drop(state);
        if watch {
            self.watch(finished);
        }
        if let Some(relieved) = relieved {
            relieved(Permit(Arc::clone(self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.finished += 1;
        let next = state.waiting.pop_front();
        state.taken -= usize::from(next.is_none());
        drop(state);
        if let Some(next) = next {
            next(Permit(Arc::clone(&self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    fn resume((number, sender): (u32, Sender<(u32, Permit)>), permit: Permit) {
        // The test may be over.
        let _ = sender.send((number, permit));
    }

    #[test]
    fn those_that_wait_come_in_their_order() {
        let (sender, receiver) = channel();
        let permits = Semaphore::new(2);
        let mut first = (0..2).map(|number| permits.acquire((number, sender.clone()), resume).expect("a permit").1).collect::<Vec<_>>();
        assert!((2..5).all(|number| permits.acquire((number, sender.clone()), resume).is_none()));
        first.clear();
        for expected in 2..5 {
            assert_eq!(receiver.recv().unwrap().0, expected);
        }
        assert!(permits.acquire((5, sender), resume).is_some());
    }

    #[test]
    fn one_that_the_others_wait_for_comes_all_the_same() {
        let (sender, receiver) = channel();
        let permits = Semaphore::with_relief(2);
        let at_work = (0..2).map(|number| permits.acquire((number, sender.clone()), resume).expect("a permit").1).collect::<Vec<_>>();
        assert!((2..5).all(|number| permits.acquire((number, sender.clone()), resume).is_none()));
        let (newest, permit) = receiver.recv().unwrap();
        assert_eq!(newest, 4);
        drop((permit, at_work));
    }
}
