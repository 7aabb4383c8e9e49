//! Replaces the core's module: shuttle's primitives, and timeouts by this execution's time.

use std::ops::Add;
use std::sync::{Arc, LockResult, PoisonError};
use std::time::Duration;

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

use crate::world::World;

pub(crate) mod thread {
    pub(crate) use shuttle::thread::Builder;

    /// Waits until the time has passed.
    pub(crate) fn sleep(time: super::Duration) {
        let (asleep, bell) = (super::Mutex::new(()), super::Condvar::new());
        let dreaming = asleep.lock().unwrap_or_else(super::PoisonError::into_inner);
        drop(bell.wait_timeout_while(dreaming, time, |()| true));
    }
}

/// Like [`std::sync::Condvar`].
#[derive(Default)]
pub(crate) struct Condvar(Arc<shuttle::sync::Condvar>);

#[derive(Clone, Copy)]
pub(crate) struct WaitTimeoutResult(bool);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let world = World::here();
        let until = world.time.now().checked_add(time);
        let _alarm = until.map(|until| world.time.wake_at(until, &self.0));
        while condition(&mut guard) {
            if until.is_some_and(|until| until <= world.time.now()) {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        Ok((guard, WaitTimeoutResult(false)))
    }
}

impl WaitTimeoutResult {
    pub(crate) fn timed_out(self) -> bool {
        self.0
    }
}

/// Like [`std::time::Instant`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(World::here().time.now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) fn checked_add(self, time: Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}
