//! A store in memory, which ends with the process.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use super::token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock, SystemClock};
use crate::sys::process::PerProcess;
use crate::sys::sync::{Mutex, MutexGuard};

/// A store in memory. A forked child starts with an empty store: if it kept its parent's refresh
/// tokens, both processes would spend them.
pub(crate) struct Memory {
    clock: Box<dyn Clock>,
    contents: PerProcess<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    entries: HashMap<StoreKey, StoreEntry>,
    /// The number of entries at which expired ones are removed next.
    sweep_at: usize,
    /// A lock is held while its `Weak` can be upgraded.
    locks: HashMap<StoreKey, Weak<()>>,
}

/// With fewer entries than this, expired ones are not worth searching for.
const FIRST_SWEEP: usize = 64;

impl Memory {
    pub(crate) fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    fn with_clock(clock: impl Clock + 'static) -> Self {
        Self { clock: Box::new(clock), contents: PerProcess::new() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Contents) -> T) -> T {
        let contents = self.contents.get_or_make(Mutex::default);
        let mut contents: MutexGuard<'_, Contents> = contents.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut contents)
    }
}

impl TokenStore for Memory {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let now = self.clock.unix_seconds();
        Ok(self.with(|contents| contents.entries.get(key).filter(|entry| !has_expired(entry, now)).cloned()))
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let now = self.clock.unix_seconds();
        Ok(self.with(|contents| {
            let current = contents.entries.get(key).filter(|entry| !has_expired(entry, now));
            if current.map(|entry| entry.version.as_str()) != expected {
                return SwapOutcome::Conflict;
            }
            contents.entries.insert(key.clone(), entry.clone());
            contents.sweep(now);
            SwapOutcome::Stored
        }))
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        Ok(self.with(|contents| {
            contents.locks.retain(|_, lock| lock.strong_count() > 0);
            if contents.locks.contains_key(key) {
                return StoreLock::Busy;
            }
            let held = Arc::new(());
            contents.locks.insert(key.clone(), Arc::downgrade(&held));
            StoreLock::Held(Box::new(held))
        }))
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let mut keys: Vec<_> = self.with(|contents| contents.entries.keys().filter(|key| Some(*key) > after).cloned().collect());
        keys.sort();
        keys.truncate(limit);
        Ok(keys)
    }
}

impl Contents {
    /// Removes expired entries each time the number of entries has doubled, so that a swap stays
    /// cheap.
    fn sweep(&mut self, now: i64) {
        if self.entries.len() >= self.sweep_at.max(FIRST_SWEEP) {
            self.entries.retain(|_, entry| !has_expired(entry, now));
            self.sweep_at = self.entries.len() * 2;
        }
    }
}

fn has_expired(entry: &StoreEntry, now: i64) -> bool {
    entry.expires_at.is_some_and(|expires_at| expires_at < now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;
    use crate::store::testing::{SetClock, entry, key};

    #[test]
    fn it_keeps_the_promises_of_a_store() {
        assert_eq!(conformance::check(&Memory::new()), Ok(()));
    }

    #[test]
    fn an_expired_entry_counts_as_absent() {
        let clock = SetClock::at(99);
        let store = Memory::with_clock(clock.clone());
        assert_eq!(store.swap(&key(1), None, &entry("a", Some(100))).unwrap(), SwapOutcome::Stored);
        clock.set(100);
        assert!(store.load(&key(1)).unwrap().is_some());
        clock.set(101);
        assert_eq!(store.load(&key(1)).unwrap(), None);
        assert_eq!(store.swap(&key(1), Some("a"), &entry("b", None)).unwrap(), SwapOutcome::Conflict);
        assert_eq!(store.swap(&key(1), None, &entry("b", None)).unwrap(), SwapOutcome::Stored);
    }

    #[test]
    fn expired_entries_do_not_accumulate() {
        let clock = SetClock::default();
        let store = Memory::with_clock(clock.clone());
        for number in 0..1000_i64 {
            clock.set(number * 2);
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            store.swap(&StoreKey::new(&digest), None, &entry("a", Some(number * 2))).unwrap();
        }
        assert!(store.with(|contents| contents.entries.len()) <= FIRST_SWEEP);
    }

    #[test]
    fn keys_are_listed_page_by_page() {
        let store = Memory::new();
        let mut all: Vec<_> = [3, 1, 2].map(key).into();
        for key in &all {
            store.swap(key, None, &entry("a", None)).unwrap();
        }
        all.sort();
        assert_eq!(store.keys(None, 2).unwrap(), all[..2]);
        assert_eq!(store.keys(Some(&all[1]), 2).unwrap(), all[2..]);
        assert_eq!(store.keys(Some(&all[2]), 2).unwrap(), []);
    }

    #[test]
    fn keys_are_locked_independently() {
        let store = Memory::new();
        let first = store.try_lock(&key(1)).unwrap();
        assert!(matches!(store.try_lock(&key(1)).unwrap(), StoreLock::Busy));
        assert!(matches!(store.try_lock(&key(2)).unwrap(), StoreLock::Held(_)));
        drop(first);
        assert!(matches!(store.try_lock(&key(1)).unwrap(), StoreLock::Held(_)));
    }
}
