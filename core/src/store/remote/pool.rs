//! The connections of a process to one server.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use protocol::error::{Error, ErrorCode, Result};

use super::backoff::Backoff;
use crate::sys::process::{PerProcess, ProcessId};
use crate::worker::timer;

/// How long a connection stays open without being used.
const IDLE: Duration = Duration::from_secs(30);

/// What a pool keeps.
pub(crate) trait Connection: Send + 'static {
    /// Whether it can be used again. Does not wait.
    fn is_usable(&mut self) -> bool;
}

/// Whether an operation without a response may be made again. It may have reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Once, if the server may have closed the connection while it was idle.
    Once,
    Never,
}

/// The connections of each process, up to a limit. They are opened when they are needed, and closed
/// when they are idle. A forked child forgets its parent's connections without touching them.
pub(crate) struct Pool<C: Connection> {
    place: String,
    limit: usize,
    idle: Duration,
    shared: PerProcess<Shared<C>>,
}

/// A connection for one operation. It is closed when it is dropped, unless it is given back.
pub(crate) struct Pooled<C: Connection> {
    connection: Option<C>,
    was_idle: bool,
    slot: Slot<C>,
}

impl<C: Connection> Pool<C> {
    /// `place` names the server in errors.
    pub(crate) fn new(place: String, connections: usize) -> Self {
        Self::with_idle(place, connections, IDLE)
    }

    fn with_idle(place: String, limit: usize, idle: Duration) -> Self {
        Self { place, limit, idle, shared: PerProcess::new() }
    }

    /// The connection that was used last, or a new one. Waits for one until the deadline. After a
    /// failure to open one, its error is returned for a while.
    pub(crate) fn get(&self, deadline: Instant, open: impl FnOnce() -> Result<C>) -> Result<Pooled<C>> {
        let shared = self.shared();
        let mut state = shared.lock();
        loop {
            if let Some(Idle { mut connection, .. }) = state.idle.pop() {
                let slot = Slot::take(&shared, &mut state);
                drop(state);
                if connection.is_usable() {
                    return Ok(Pooled { connection: Some(connection), was_idle: true, slot });
                }
                drop((connection, slot));
                state = shared.lock();
                continue;
            }
            let now = Instant::now();
            if let Some(error) = state.backoff.refusal(now) {
                return Err(error);
            }
            if state.in_use < self.limit {
                break;
            }
            if now >= deadline {
                return Err(self.all_in_use());
            }
            state.waiting += 1;
            (state, _) = shared.changed.wait_timeout(state, deadline - now).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        let slot = Slot::take(&shared, &mut state);
        drop(state);
        match open() {
            Ok(connection) => Ok(Pooled { connection: Some(connection), was_idle: false, slot }),
            Err(error) => {
                self.back_off(&error);
                Err(error)
            }
        }
    }

    /// Counts a connection that is of no use as one that could not be opened: a pooler whose server
    /// is down accepts connections.
    pub(crate) fn back_off(&self, error: &Error) {
        let shared = self.shared();
        shared.lock().backoff.failed(error.clone(), Instant::now());
        shared.changed.notify_all();
    }

    /// Closes all connections that are open now; those in use are closed when they are given back.
    /// One connection broke, and the others are probably no better.
    pub(crate) fn clear(&self) {
        let shared = self.shared();
        let mut state = shared.lock();
        state.generation += 1;
        let idle = mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    fn all_in_use(&self) -> Error {
        let (place, limit) = (&self.place, self.limit);
        let problem = match limit {
            1 => "its only connection was in use".to_owned(),
            _ => format!("all {limit} connections were in use"),
        };
        Error::new(ErrorCode::StoreUnavailable, format!("store {place}: {problem} until the timeout; try again, or set more connections"))
    }

    fn shared(&self) -> Arc<Shared<C>> {
        self.shared.get_or_make(|| Shared { idle: self.idle, state: Mutex::new(State::new()), changed: Condvar::new() })
    }
}

impl<C: Connection> Pooled<C> {
    /// Whether it has been used before: the server may have closed it since.
    pub(crate) fn was_idle(&self) -> bool {
        self.was_idle
    }

    /// Makes it available to the next operation. It has worked, so the server is there.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.slot.keep(connection);
        }
    }
}

impl<C: Connection> Deref for Pooled<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection.as_ref().expect("it is taken only by give_back, which consumes this")
    }
}

impl<C: Connection> DerefMut for Pooled<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("it is taken only by give_back, which consumes this")
    }
}

impl<C: Connection> Drop for Pooled<C> {
    fn drop(&mut self) {
        if !self.slot.process.is_current() {
            mem::forget(self.connection.take());
        }
    }
}

struct Shared<C: Connection> {
    idle: Duration,
    state: Mutex<State<C>>,
    changed: Condvar,
}

struct State<C> {
    /// In the order of their last use.
    idle: Vec<Idle<C>>,
    in_use: usize,
    /// How many threads wait for one.
    waiting: usize,
    /// Connections of an earlier generation are not used again.
    generation: u64,
    backoff: Backoff,
    /// Whether a timer will close idle connections.
    closing: bool,
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C> State<C> {
    fn new() -> Self {
        Self { idle: Vec::new(), in_use: 0, waiting: 0, generation: 0, backoff: Backoff::default(), closing: false }
    }
}

impl<C: Connection> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_later(self: &Arc<Self>, delay: Duration) {
        let shared = Arc::downgrade(self);
        // Without a thread, they stay open until they are used again.
        if timer::try_after(delay, move || Self::close_idle(&shared)).is_err() {
            self.lock().closing = false;
        }
    }

    fn close_idle(shared: &Weak<Self>) {
        let Some(shared) = shared.upgrade() else { return };
        let mut state = shared.lock();
        let now = Instant::now();
        let expired = state.idle.iter().take_while(|idle| now.duration_since(idle.since) >= shared.idle).count();
        let closed: Vec<_> = state.idle.drain(..expired).collect();
        let next = state.idle.first().map(|idle| (idle.since + shared.idle).saturating_duration_since(now));
        state.closing = next.is_some();
        drop(state);
        drop(closed);
        if let Some(delay) = next {
            shared.close_later(delay);
        }
    }
}

/// The right to one of the connections of a process. It ends when it is dropped.
struct Slot<C: Connection> {
    shared: Arc<Shared<C>>,
    process: ProcessId,
    generation: u64,
}

impl<C: Connection> Slot<C> {
    fn take(shared: &Arc<Shared<C>>, state: &mut State<C>) -> Self {
        state.in_use += 1;
        Self { shared: Arc::clone(shared), process: ProcessId::current(), generation: state.generation }
    }

    fn keep(&self, connection: C) {
        if !self.process.is_current() {
            return mem::forget(connection);
        }
        let mut state = self.shared.lock();
        state.backoff.succeeded();
        if state.generation != self.generation {
            drop(state);
            return drop(connection);
        }
        state.idle.push(Idle { connection, since: Instant::now() });
        let close = !mem::replace(&mut state.closing, true);
        drop(state);
        if close {
            self.shared.close_later(self.shared.idle);
        }
    }
}

impl<C: Connection> Drop for Slot<C> {
    fn drop(&mut self) {
        if self.process.is_current() {
            let mut state = self.shared.lock();
            state.in_use -= 1;
            let is_awaited = state.waiting > 0;
            drop(state);
            if is_awaited {
                self.shared.changed.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests;
