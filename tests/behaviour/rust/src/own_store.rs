//! An application's own store, as small as one can be, and it fails when it is told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sipgate_oauth2::{StoreEntry, StoreFailure, StoreKey, Swapped, TokenStore};

/// The same store for all its clones.
#[derive(Clone, Default)]
pub(crate) struct OwnStore(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    entries: HashMap<StoreKey, StoreEntry>,
    /// How often it can still be written; without a number, always.
    saves_left: Option<u64>,
}

impl OwnStore {
    pub(crate) fn limit(&self, saves_left: Option<u64>) {
        self.contents().saves_left = saves_left;
    }

    /// Makes what `other` holds all that is here.
    pub(crate) fn copy_from(&self, other: &Self) {
        let entries = other.contents().entries.clone();
        self.contents().entries = entries;
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for OwnStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, StoreFailure> {
        Ok(self.contents().entries.get(key).cloned())
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<Swapped, StoreFailure> {
        let mut contents = self.contents();
        if contents.saves_left == Some(0) {
            return Err("the disk is full".into());
        }
        contents.saves_left = contents.saves_left.map(|left| left - 1);
        if contents.entries.get(key).map(|there| there.version.as_str()) != expected {
            return Ok(Swapped::Conflict);
        }
        contents.entries.insert(key.clone(), entry.clone());
        Ok(Swapped::Stored)
    }
}
