//! The fork guard. A forked child must not use what its parent opened: a shared TLS session is nonce reuse, a shared connection
//! hands one process the other's answers, and a lock that was held at the fork stays held for ever.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;

/// A value made once per process. A child that was forked makes its own and forgets the parent's: dropping it could touch a
/// connection or a lock that the parent still uses.
pub(crate) struct PerProcess<T> {
    current: ArcSwapOption<Owned<T>>,
}

struct Owned<T> {
    origin: Origin,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { current: ArcSwapOption::const_empty() }
    }

    /// This process's value, made by `make` when there is none yet. When two threads make one at once, one of them is used.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let here = Origin::here();
        let seen = self.current.load();
        if let Some(owned) = seen.as_ref()
            && owned.origin == here
        {
            return Arc::clone(&owned.value);
        }
        let made = Arc::new(Owned { origin: here, value: Arc::new(make()) });
        let previous = self.current.compare_and_swap(&seen, Some(Arc::clone(&made)));
        match previous.as_ref() {
            Some(other) if other.origin == here => Arc::clone(&other.value),
            inherited => {
                mem::forget(inherited.cloned());
                Arc::clone(&made.value)
            }
        }
    }
}

/// The process in which something was made. What has an effect on the system when it is dropped asks whether it still is there: a
/// forked child drops copies of what is its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u32);

impl Origin {
    pub(crate) fn here() -> Self {
        Self(std::process::id())
    }

    /// The process id, as others are told.
    pub(crate) fn id(self) -> u32 {
        self.0
    }

    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// Another process, for tests that cannot fork.
    #[cfg(test)]
    pub(crate) const fn elsewhere() -> Self {
        Self(0)
    }
}

/// Whether a process is in the midst of something that a forked child could not go on with. The caller sees to it that only one thread at
/// a time is.
pub(crate) struct Presence(AtomicU32);

impl Presence {
    const NOBODY: u32 = 0;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::NOBODY))
    }

    /// False in a process that was forked while its parent was inside, from then on.
    pub(crate) fn enter(&self) -> bool {
        self.0.compare_exchange(Self::NOBODY, std::process::id(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// By whoever entered.
    pub(crate) fn leave(&self) {
        self.0.store(Self::NOBODY, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_made_and_shared_within_a_process() {
        let holder = PerProcess::new();
        let first = holder.get_or_make(|| 1);
        let second = holder.get_or_make(|| 2);
        assert_eq!((*first, *second), (1, 1));
    }

    #[test]
    fn the_value_of_another_process_is_replaced_and_never_dropped() {
        struct Loud;
        impl Drop for Loud {
            fn drop(&mut self) {
                panic!("the parent's value was dropped");
            }
        }
        let holder = PerProcess::new();
        holder.current.store(Some(Arc::new(Owned { origin: Origin::elsewhere(), value: Arc::new(Some(Loud)) })));
        assert!(holder.get_or_make(|| None).is_none());
    }

    #[test]
    fn who_is_forked_inside_never_gets_in() {
        let presence = Presence::new();
        assert!(presence.enter());
        presence.leave();
        assert!(presence.enter());
        assert!(!presence.enter());
    }
}
