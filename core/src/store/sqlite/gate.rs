//! One operation at a time in this process: record locks do not exclude a process from itself, and closing any descriptor of a file gives up
//! all the process's locks on it. One gate for all databases, as two paths may lead to one file.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::process::PerProcess;

/// This process's gate. A forked child has its own, open one, whoever was inside the parent's at that moment.
pub(super) fn gate() -> Arc<Gate> {
    static GATE: PerProcess<Gate> = PerProcess::new();
    GATE.get_or_make(Gate::default)
}

#[derive(Default)]
pub(super) struct Gate {
    inside: Mutex<bool>,
    left: Condvar,
}

/// Being inside, until this is dropped.
pub(super) struct Inside<'a>(&'a Gate);

impl Gate {
    /// Nothing if it was not to be had before the deadline.
    pub(super) fn enter(&self, deadline: Instant) -> Option<Inside<'_>> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while *inside {
            let left = deadline.checked_duration_since(Instant::now())?;
            inside = self.left.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *inside = true;
        Some(Inside(self))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0.inside.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_at_a_time_is_inside() {
        let gate = Gate::default();
        let first = gate.enter(Instant::now()).unwrap();
        assert!(gate.enter(Instant::now()).is_none());
        drop(first);
        assert!(gate.enter(Instant::now()).is_some());
    }

    #[test]
    fn who_leaves_lets_the_next_one_in() {
        let gate = Gate::default();
        let first = gate.enter(Instant::now()).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| gate.enter(Instant::now() + Duration::from_secs(60)).is_some());
            drop(first);
            assert!(next.join().unwrap());
        });
    }
}
