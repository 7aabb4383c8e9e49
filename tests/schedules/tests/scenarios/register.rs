//! A custom store that can fail.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use schedules::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore, pass};
use shuttle::sync::Mutex;

/// Clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct Register {
    contents: Arc<Mutex<Contents>>,
    has_locks: bool,
    planted: Option<Planted>,
}

#[derive(Default)]
struct Contents {
    entries: HashMap<StoreKey, StoreEntry>,
    before: HashMap<StoreKey, StoreEntry>,
    locks: HashMap<StoreKey, Weak<()>>,
    operations: usize,
    trouble: Option<(Trouble, Range<usize>)>,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Errs,
    /// It is carried out all the same.
    ErrsAfterwards,
    Panics,
    /// It is carried out half a minute later.
    Hangs,
}

/// How long an operation hangs.
pub(crate) const HANGING: Duration = Duration::from_secs(30);

/// A rule of stores that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    LocksForAll,
    SwapsAnything,
    ReadsThePreviousEntry,
}

impl Register {
    pub(crate) fn with_locks() -> Self {
        Self { has_locks: true, ..Self::default() }
    }

    pub(crate) fn planted(planted: Planted) -> Self {
        Self { planted: Some(planted), has_locks: planted == Planted::LocksForAll, ..Self::default() }
    }

    /// Makes these of the next operations fail.
    pub(crate) fn fail(&self, trouble: Trouble, which: Range<usize>) {
        let mut contents = self.contents.lock().unwrap();
        let done = contents.operations;
        contents.trouble = Some((trouble, done + which.start..done + which.end));
    }

    pub(crate) fn repair(&self) {
        self.contents.lock().unwrap().trouble = None;
    }

    fn operate<T>(&self, act: impl FnOnce(&mut Contents) -> T) -> Result<T, BoxError> {
        let mut contents = self.contents.lock().unwrap();
        let number = contents.operations;
        contents.operations += 1;
        match contents.trouble.clone().filter(|(_, which)| which.contains(&number)) {
            None => Ok(act(&mut contents)),
            Some((Trouble::Errs, _)) => Err("planted".into()),
            Some((Trouble::ErrsAfterwards, _)) => {
                act(&mut contents);
                Err("planted".into())
            }
            Some((Trouble::Hangs, _)) => {
                drop(contents);
                pass(HANGING);
                Ok(act(&mut self.contents.lock().unwrap()))
            }
            Some((Trouble::Panics, _)) => {
                drop(contents);
                // This bypasses the panic hook, which would end the execution.
                resume_unwind(Box::new("planted"))
            }
        }
    }
}

impl TokenStore for Register {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        self.operate(|contents| {
            let entries = if self.planted == Some(Planted::ReadsThePreviousEntry) { &contents.before } else { &contents.entries };
            entries.get(key).cloned()
        })
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        self.operate(|contents| {
            let compares = self.planted != Some(Planted::SwapsAnything);
            if compares && contents.entries.get(key).map(|there| there.version.as_str()) != expected {
                return SwapOutcome::Conflict;
            }
            contents.before = contents.entries.clone();
            contents.entries.insert(key.clone(), entry.clone());
            SwapOutcome::Stored
        })
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        if !self.has_locks {
            return Ok(StoreLock::Unsupported);
        }
        self.operate(|contents| {
            let taken = contents.locks.get(key).is_some_and(|lock| lock.strong_count() > 0);
            if taken && self.planted != Some(Planted::LocksForAll) {
                return StoreLock::Busy;
            }
            let held = Arc::new(());
            contents.locks.insert(key.clone(), Arc::downgrade(&held));
            StoreLock::Held(Box::new(held))
        })
    }
}
