//! Replaces the core's module: what the core creates once per process is created once per
//! execution. Tests run in parallel, each with its executions on its own threads.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

#[expect(dead_code, reason = "no test here forks")]
#[path = "../../../../core/src/sys/process.rs"]
mod real;

pub(crate) use self::real::ForkSentinel;
use crate::world::World;

pub(crate) struct PerProcess<T>(Mutex<Vec<Made<T>>>);

struct Made<T> {
    thread: ThreadId,
    execution: u64,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let (thread, execution) = (thread::current().id(), World::here().number);
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = made.iter().find(|made| made.execution == execution) {
            return Arc::clone(&here.value);
        }
        made.retain(|made| made.thread != thread);
        let value = Arc::new(make());
        made.push(Made { thread, execution, value: Arc::clone(&value) });
        value
    }

    /// No process forks here, so no value is inherited from a parent.
    pub(crate) fn get_or_replace(&self, make: impl FnOnce() -> T, _on_inherited: impl FnOnce(&T)) -> Arc<T> {
        self.get_or_make(make)
    }
}

/// Created with the accounts of a store, so that each client is in its own process, which lasts as
/// long as the execution.
pub(crate) struct ProcessIdentity {
    pub(crate) id: u32,
    pub(crate) started: Option<String>,
}

impl ProcessIdentity {
    pub(crate) fn here() -> Arc<Self> {
        Arc::new(Self { id: World::here().next_process(), started: None })
    }

    pub(crate) fn is_alive(&self) -> Option<bool> {
        Some(!World::here().all_are_gone.get())
    }
}

/// No process forks here.
pub(crate) struct ProcessId;

impl ProcessId {
    pub(crate) fn current() -> Self {
        Self
    }

    pub(crate) fn is_current(&self) -> bool {
        true
    }

    /// For the core's own tests, which are compiled here but not run.
    #[cfg(test)]
    pub(crate) const fn other() -> Self {
        Self
    }
}
