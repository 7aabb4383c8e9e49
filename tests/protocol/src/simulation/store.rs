//! The store: one versioned record for each account, with a history, so that it can lose writes.

use std::sync::Arc;

use sipgate_oauth2_protocol::refresh::record::{Record, Stored};

/// The longest history of an account.
const HISTORY: usize = 12;

#[derive(Debug)]
pub(super) struct Store {
    locks: bool,
    entries: Vec<Entry>,
    versions: u64,
    /// Until when it does not respond.
    pub(super) down_until: u64,
    pub(super) read_only_until: u64,
}

#[derive(Debug, Default)]
struct Entry {
    now: Option<Stored>,
    before: Vec<Option<Stored>>,
    /// The operation that holds the lock.
    lock: Option<u64>,
    /// When it last lost a write.
    lost_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TryLock {
    Locked,
    Busy,
    Without,
}

impl Store {
    pub(super) fn new(locks: bool, accounts: usize) -> Self {
        let entries = (0..accounts).map(|_| Entry::default()).collect();
        Self { locks, entries, versions: 0, down_until: 0, read_only_until: 0 }
    }

    pub(super) fn load(&self, account: usize) -> Option<&Stored> {
        self.entries[account].now.as_ref()
    }

    /// The new version; `None` on a conflict.
    pub(super) fn swap(&mut self, account: usize, expected: Option<&str>, record: &Arc<Record>) -> Option<String> {
        let entry = &mut self.entries[account];
        if entry.now.as_ref().map(|stored| stored.version.as_str()) != expected {
            return None;
        }
        self.versions += 1;
        let version = format!("v{}", self.versions);
        if entry.before.len() == HISTORY {
            entry.before.remove(0);
        }
        entry.before.push(entry.now.replace(Stored::new(version.clone(), Arc::clone(record))));
        Some(version)
    }

    /// Loses the last `writes`. Returns whether there were any.
    pub(super) fn lose(&mut self, account: usize, writes: usize, now: u64) -> bool {
        let entry = &mut self.entries[account];
        let mut lost = false;
        for _ in 0..writes {
            if let Some(before) = entry.before.pop() {
                entry.now = before;
                entry.lost_at = Some(now);
                lost = true;
            }
        }
        lost
    }

    pub(super) fn lost_since(&self, account: usize, then: u64) -> bool {
        self.entries[account].lost_at.is_some_and(|at| at >= then)
    }

    pub(super) fn try_lock(&mut self, account: usize, operation: u64) -> TryLock {
        let lock = &mut self.entries[account].lock;
        match lock {
            _ if !self.locks => TryLock::Without,
            Some(holder) if *holder != operation => TryLock::Busy,
            _ => {
                *lock = Some(operation);
                TryLock::Locked
            }
        }
    }

    pub(super) fn unlock(&mut self, account: usize, operation: u64) {
        let lock = &mut self.entries[account].lock;
        if *lock == Some(operation) {
            *lock = None;
        }
    }

    /// Frees the lock unnoticed, and returns its holder.
    pub(super) fn lose_lock(&mut self, account: usize) -> Option<u64> {
        self.entries[account].lock.take()
    }

    pub(super) fn holder(&self, account: usize) -> Option<u64> {
        self.entries[account].lock
    }
}
