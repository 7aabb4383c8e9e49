//! An application's own store, as small as one can be, and it fails when it is told to.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sipgate_oauth2::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

/// The same store for all its clones.
#[derive(Clone, Default)]
pub(crate) struct CustomStore(Arc<(Mutex<Contents>, Condvar)>);

#[derive(Default)]
struct Contents {
    entries: HashMap<StoreKey, StoreEntry>,
    /// How often it can still be written; without a number, always.
    saves_left: Option<u64>,
    /// As a database that was stopped: nothing is answered until this ends.
    hangs: bool,
}

impl CustomStore {
    pub(crate) fn hang(&self, hangs: bool) {
        self.contents().hangs = hangs;
        self.0.1.notify_all();
    }

    pub(crate) fn limit(&self, saves_left: Option<u64>) {
        self.contents().saves_left = saves_left;
    }

    /// Makes what `other` holds all that is here.
    pub(crate) fn copy_from(&self, other: &Self) {
        let entries = other.contents().entries.clone();
        self.contents().entries = entries;
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The contents, once the store does not hang.
    fn answering(&self) -> MutexGuard<'_, Contents> {
        self.0.1.wait_while(self.contents(), |contents| contents.hangs).unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for CustomStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Ok(self.answering().entries.get(key).cloned())
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let mut contents = self.answering();
        if contents.saves_left == Some(0) {
            return Err("the disk is full".into());
        }
        contents.saves_left = contents.saves_left.map(|left| left - 1);
        if contents.entries.get(key).map(|there| there.version.as_str()) != expected {
            return Ok(SwapOutcome::Conflict);
        }
        contents.entries.insert(key.clone(), entry.clone());
        Ok(SwapOutcome::Stored)
    }
}
