//! The fork guard. A forked child must not use what its parent opened: a shared TLS session is nonce reuse, a shared connection
//! hands one process the other's answers, and a lock that was held at the fork stays held for ever.

use std::mem;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// A value made once per process. A child that was forked makes its own and forgets the parent's: dropping it could touch a
/// connection or a lock that the parent still uses.
pub(crate) struct PerProcess<T> {
    current: ArcSwapOption<Owned<T>>,
}

struct Owned<T> {
    process: u32,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { current: ArcSwapOption::const_empty() }
    }

    /// This process's value, made by `make` when there is none yet. When two threads make one at once, one of them is used.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let process = std::process::id();
        let seen = self.current.load();
        if let Some(owned) = seen.as_ref()
            && owned.process == process
        {
            return Arc::clone(&owned.value);
        }
        let made = Arc::new(Owned { process, value: Arc::new(make()) });
        let previous = self.current.compare_and_swap(&seen, Some(Arc::clone(&made)));
        match previous.as_ref() {
            Some(other) if other.process == process => Arc::clone(&other.value),
            inherited => {
                mem::forget(inherited.cloned());
                Arc::clone(&made.value)
            }
        }
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
        holder.current.store(Some(Arc::new(Owned { process: 0, value: Arc::new(Some(Loud)) })));
        assert!(holder.get_or_make(|| None).is_none());
    }
}
