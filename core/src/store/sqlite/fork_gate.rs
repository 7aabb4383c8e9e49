//! Admits one operation at a time in this process, and no fork during an operation. Threads queue
//! here instead of polling the file lock.
//!
//! A child that was forked while another thread was inside SQLite has a copy of SQLite that stopped
//! half-way: it can wait for ever for a mutex that no thread will release. Programs that can run
//! code at a fork call [`before_fork`] and [`after_fork`]. Otherwise the child gets an error.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lock;
use crate::sys::process::{ForkSentinel, PerProcess};

/// Which process is executing SQLite code, if any.
static SENTINEL: ForkSentinel = ForkSentinel::new();

/// How long a fork waits for an operation, which takes milliseconds. After that the fork proceeds,
/// so that a disk that hangs does not hang the program.
const FORK_TIMEOUT: Duration = Duration::from_secs(2);

/// The gate of this process. A forked child has a new, open gate, in whatever state its parent's
/// was.
pub(super) fn gate() -> Arc<ForkGate> {
    static GATE: PerProcess<ForkGate> = PerProcess::new();
    GATE.get_or_make(ForkGate::default)
}

#[derive(Default)]
pub(super) struct ForkGate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// The number of threads that wait to fork. They have priority, or operations could starve
    /// them.
    forking: usize,
}

/// Keeps all other threads out until it is dropped.
pub(super) struct GateGuard<'a>(&'a ForkGate);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum EnterError {
    /// Other threads were inside until the deadline.
    TimedOut,
    /// This process was forked while its parent was inside.
    ForkedInside,
}

impl ForkGate {
    pub(super) fn enter(&self, deadline: Instant) -> Result<GateGuard<'_>, EnterError> {
        let is_taken = |state: &State| state.closed || state.forking > 0;
        let mut state = self.wait_while(self.lock(), deadline, is_taken).ok_or(EnterError::TimedOut)?;
        if !SENTINEL.enter() {
            return Err(EnterError::ForkedInside);
        }
        state.closed = true;
        Ok(GateGuard(self))
    }

    /// Closes the gate once no thread is inside. Returns `false` if one was inside until the
    /// deadline.
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

impl Drop for GateGuard<'_> {
    fn drop(&mut self) {
        SENTINEL.leave();
        self.0.open();
    }
}

thread_local! {
    /// Whether this thread closed the gate for a fork.
    static FORKING: Cell<bool> = const { Cell::new(false) };
}

/// Call this on the thread that is about to fork. Waits until no thread is inside SQLite or changes
/// a lock, and keeps all threads out until [`after_fork`].
pub fn before_fork() {
    let deadline = Instant::now() + FORK_TIMEOUT;
    FORKING.set(gate().close(deadline));
    lock::before_fork(deadline);
}

/// Call this on the same thread after the fork, in the parent and in the child, and also if the
/// fork failed. A child closes its copies of its parent's locks.
pub fn after_fork() {
    lock::after_fork();
    if FORKING.replace(false) {
        // A child has a new gate, which is open already.
        gate().open();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn one_thread_is_inside_and_the_next_enters_when_it_leaves() {
        // All tests of this process share one gate.
        let gate = gate();
        let first = gate.enter(Instant::now() + LONG).unwrap();
        assert_eq!(gate.enter(Instant::now()).err(), Some(EnterError::TimedOut));
        std::thread::scope(|scope| {
            let next = scope.spawn(|| gate.enter(Instant::now() + LONG).is_ok());
            drop(first);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn during_a_fork_no_thread_can_enter() {
        before_fork();
        std::thread::scope(|scope| {
            assert!(scope.spawn(|| gate().enter(Instant::now()).is_err()).join().unwrap());
        });
        after_fork();
        drop(gate().enter(Instant::now() + LONG).unwrap());
    }
}
