//! A custom store that a test can look into.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sipgate_oauth2::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

/// A custom store, whose entries a test can damage.
#[derive(Clone, Default)]
pub(crate) struct Drawer(pub(crate) Arc<Mutex<BTreeMap<StoreKey, StoreEntry>>>);

impl TokenStore for Drawer {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let mut entries = self.0.lock().unwrap();
        if entries.get(key).map(|entry| entry.version.as_str()) != expected {
            return Ok(SwapOutcome::Conflict);
        }
        entries.insert(key.clone(), entry.clone());
        Ok(SwapOutcome::Stored)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        Ok(self.0.lock().unwrap().keys().filter(|key| Some(*key) > after).take(limit).cloned().collect())
    }
}
