//! Time that passes only when all threads wait: it advances to the next instant that one waits for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use shuttle::sync::Condvar;

use crate::world::World;

/// The most that passes at once while a thread can run.
const HURRY: Duration = Duration::from_millis(100);

/// The time of one execution.
#[derive(Default)]
pub(crate) struct Time {
    /// The time since the execution began.
    now: Cell<Duration>,
    /// Whether time passes although a thread can run.
    pub(crate) hurries: Cell<bool>,
    alarms: RefCell<BTreeMap<(Duration, u64), Arc<Condvar>>>,
    set: Cell<u64>,
    clock: RefCell<Option<Waker>>,
}

/// An alarm that is set until this is dropped. At its time, it wakes the threads that wait for its
/// bell.
pub(crate) struct Alarm {
    at: (Duration, u64),
}

impl Time {
    pub(crate) fn now(&self) -> Duration {
        self.now.get()
    }

    pub(crate) fn wake_at(&self, at: Duration, bell: &Arc<Condvar>) -> Alarm {
        let number = self.set.replace(self.set.get() + 1);
        self.alarms.borrow_mut().insert((at, number), Arc::clone(bell));
        if let Some(clock) = self.clock.take() {
            clock.wake();
        }
        Alarm { at: (at, number) }
    }

    /// Starts the thread that lets time pass whenever it is scheduled. No thread waits for its end.
    pub(crate) fn start_clock() {
        drop(shuttle::future::spawn(poll_fn(|context| {
            let world = World::here();
            if world.time.pass() {
                context.waker().wake_by_ref();
            } else {
                world.time.clock.replace(Some(context.waker().clone()));
            }
            Poll::<()>::Pending
        })));
    }

    /// Advances to the next alarm, or towards it; `false` if none is set.
    fn pass(&self) -> bool {
        let Some(((next, _), _)) = self.alarms.borrow().first_key_value().map(|(at, bell)| (*at, Arc::clone(bell))) else { return false };
        let next = if self.hurries.get() { next.min(self.now() + HURRY) } else { next };
        self.now.set(self.now().max(next));
        let due: Vec<Arc<Condvar>> = self.alarms.borrow().range(..=(self.now(), u64::MAX)).map(|(_, bell)| Arc::clone(bell)).collect();
        due.iter().for_each(|bell| bell.notify_all());
        true
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        World::here().time.alarms.borrow_mut().remove(&self.at);
    }
}
