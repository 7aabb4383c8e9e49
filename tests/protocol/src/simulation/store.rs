//! The store: one versioned register per account, with a memory of what was there before, so that
//! it can lose its last write.

use std::sync::Arc;

use sipgate_oauth2_protocol::refresh::record::{Record, Stored};

/// How many states a restored copy may be behind.
const KEPT: usize = 12;

#[derive(Debug)]
pub(super) struct Store {
    locks: bool,
    shelves: Vec<Shelf>,
    versions: u64,
    /// Until when it answers nothing.
    pub(super) gone_until: u64,
    pub(super) read_only_until: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    now: Option<Stored>,
    before: Vec<Option<Stored>>,
    /// The flight that holds the lock.
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
        let shelves = (0..accounts).map(|_| Shelf::default()).collect();
        Self { locks, shelves, versions: 0, gone_until: 0, read_only_until: 0 }
    }

    pub(super) fn load(&self, account: usize) -> Option<&Stored> {
        self.shelves[account].now.as_ref()
    }

    /// The version under which it was stored; nothing on a conflict.
    pub(super) fn swap(&mut self, account: usize, expected: Option<&str>, record: &Arc<Record>) -> Option<String> {
        let shelf = &mut self.shelves[account];
        if shelf.now.as_ref().map(|stored| stored.version.as_str()) != expected {
            return None;
        }
        self.versions += 1;
        let version = format!("v{}", self.versions);
        if shelf.before.len() == KEPT {
            shelf.before.remove(0);
        }
        shelf.before.push(shelf.now.replace(Stored::new(version.clone(), Arc::clone(record))));
        Some(version)
    }

    /// Loses the last `writes`. Whether there were any.
    pub(super) fn lose(&mut self, account: usize, writes: usize, now: u64) -> bool {
        let shelf = &mut self.shelves[account];
        let mut lost = false;
        for _ in 0..writes {
            if let Some(before) = shelf.before.pop() {
                shelf.now = before;
                shelf.lost_at = Some(now);
                lost = true;
            }
        }
        lost
    }

    pub(super) fn lost_since(&self, account: usize, then: u64) -> bool {
        self.shelves[account].lost_at.is_some_and(|at| at >= then)
    }

    pub(super) fn try_lock(&mut self, account: usize, flight: u64) -> TryLock {
        let lock = &mut self.shelves[account].lock;
        match lock {
            _ if !self.locks => TryLock::Without,
            Some(holder) if *holder != flight => TryLock::Busy,
            _ => {
                *lock = Some(flight);
                TryLock::Locked
            }
        }
    }

    pub(super) fn unlock(&mut self, account: usize, flight: u64) {
        let lock = &mut self.shelves[account].lock;
        if *lock == Some(flight) {
            *lock = None;
        }
    }

    /// The lock is free, and whoever held it knows nothing of that.
    pub(super) fn lose_lock(&mut self, account: usize) -> Option<u64> {
        self.shelves[account].lock.take()
    }

    pub(super) fn holder(&self, account: usize) -> Option<u64> {
        self.shelves[account].lock
    }
}
