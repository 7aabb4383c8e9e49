//! One operation at a time in this process, and no fork in the midst of one. Threads wait here in turn, rather than ask for file locks again and again.
//!
//! A child that was forked while another thread was inside SQLite has a copy of it that stopped in the midst of something: it can hang for ever
//! on a mutex that nobody will release. Whoever can run code at a fork calls [`before_fork`] and [`after_fork`] there. Where nobody does, the child
//! is told.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lock;
use crate::sys::process::{PerProcess, Presence};

/// What is inside SQLite: this process, none, or the parent at the time of the fork.
static PRESENCE: Presence = Presence::new();

/// A fork waits so long for an operation, which takes milliseconds. Rather than hang a program whose disk does, it goes on.
const FORK_WAIT: Duration = Duration::from_secs(2);

/// This process's gate. A forked child has its own, open one, whoever was inside the parent's at that moment.
pub(super) fn gate() -> Arc<Gate> {
    static GATE: PerProcess<Gate> = PerProcess::new();
    GATE.get_or_make(Gate::default)
}

#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// Threads that want to fork, which go first: those that want in could keep them out for ever.
    forking: usize,
}

/// Being the only one, until this is dropped.
pub(super) struct Inside<'a>(&'a Gate);

/// Why somebody may not go in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Others were inside until the deadline.
    Busy,
    /// This process was forked while its parent was inside.
    ForkedInside,
}

impl Gate {
    pub(super) fn enter(&self, deadline: Instant) -> Result<Inside<'_>, Refused> {
        let state = self.lock();
        let mut state = self.wait_while(state, deadline, |state| state.closed || state.forking > 0).ok_or(Refused::Busy)?;
        if !PRESENCE.enter() {
            return Err(Refused::ForkedInside);
        }
        state.closed = true;
        Ok(Inside(self))
    }

    /// Closes it with nobody inside, unless somebody is until the deadline.
    fn close(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        state.forking += 1;
        match self.wait_while(state, deadline, |state| state.closed) {
            Some(mut state) => {
                state.forking -= 1;
                state.closed = true;
                true
            }
            None => {
                self.lock().forking -= 1;
                self.opened.notify_all();
                false
            }
        }
    }

    fn open(&self) {
        self.lock().closed = false;
        self.opened.notify_all();
    }

    fn wait_while<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        deadline: Instant,
        condition: fn(&State) -> bool,
    ) -> Option<MutexGuard<'a, State>> {
        while condition(&state) {
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.opened.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        PRESENCE.leave();
        self.0.open();
    }
}

thread_local! {
    /// Whether this thread closed the gate for a fork.
    static FORKING: Cell<bool> = const { Cell::new(false) };
}

/// To be called by the thread that is about to fork: waits until no thread is inside SQLite or takes a lock, and keeps it so.
pub fn before_fork() {
    let deadline = Instant::now() + FORK_WAIT;
    FORKING.set(gate().close(deadline));
    lock::before_fork(deadline);
}

/// To be called by that thread after the fork, in the parent and in the child, also when the fork failed. A child gives up its copies of locks.
pub fn after_fork() {
    lock::after_fork();
    if FORKING.replace(false) {
        // The child's is a new one, which is open already.
        gate().open();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: Duration = Duration::from_secs(60);

    #[test]
    fn while_one_is_inside_nobody_else_gets_in_and_who_leaves_lets_the_next_one_in() {
        // The gates of the tests are this process's one, which other tests use as well.
        let gate = gate();
        let first = gate.enter(Instant::now() + AGES).unwrap();
        assert_eq!(gate.enter(Instant::now()).err(), Some(Refused::Busy));
        std::thread::scope(|scope| {
            let next = scope.spawn(|| gate.enter(Instant::now() + AGES).is_ok());
            drop(first);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn at_a_fork_nobody_is_inside() {
        before_fork();
        std::thread::scope(|scope| {
            assert!(scope.spawn(|| gate().enter(Instant::now()).is_err()).join().unwrap());
        });
        after_fork();
        drop(gate().enter(Instant::now() + AGES).unwrap());
    }
}
