//! An application's own store, as small as one can be.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sipgate_oauth2::{StoreEntry, StoreFailure, StoreKey, Swapped, TokenStore};

#[derive(Default)]
pub(crate) struct OwnStore(Mutex<HashMap<StoreKey, StoreEntry>>);

impl OwnStore {
    fn entries(&self) -> MutexGuard<'_, HashMap<StoreKey, StoreEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for OwnStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, StoreFailure> {
        Ok(self.entries().get(key).cloned())
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<Swapped, StoreFailure> {
        let mut entries = self.entries();
        if entries.get(key).map(|there| there.version.as_str()) != expected {
            return Ok(Swapped::Conflict);
        }
        entries.insert(key.clone(), entry.clone());
        Ok(Swapped::Stored)
    }
}
