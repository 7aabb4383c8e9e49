//! A minimal custom store, which fails, hangs or breaks a promise on command.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sipgate_oauth2::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

/// Clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct CustomStore(Arc<(Mutex<Contents>, Condvar)>);

#[derive(Default)]
struct Contents {
    entries: HashMap<StoreKey, StoreEntry>,
    /// How many more saves succeed; `None`: all of them.
    saves_left: Option<u64>,
    /// Like a database that was stopped: no call returns while this is set.
    hangs: bool,
    mistake: Option<String>,
}

impl CustomStore {
    pub(crate) fn hang(&self, hangs: bool) {
        self.contents().hangs = hangs;
        self.0.1.notify_all();
    }

    pub(crate) fn limit(&self, saves_left: Option<u64>) {
        self.contents().saves_left = saves_left;
    }

    pub(crate) fn mistake(&self, mistake: Option<String>) {
        self.contents().mistake = mistake;
    }

    /// Replaces the content with that of `other`.
    pub(crate) fn copy_from(&self, other: &Self) {
        let entries = other.contents().entries.clone();
        self.contents().entries = entries;
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the store does not hang.
    fn available(&self) -> MutexGuard<'_, Contents> {
        self.0.1.wait_while(self.contents(), |contents| contents.hangs).unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for CustomStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Ok(self.available().entries.get(key).cloned())
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let mut contents = self.available();
        if contents.saves_left == Some(0) {
            return Err("the disk is full".into());
        }
        contents.saves_left = contents.saves_left.map(|left| left - 1);
        let is_mistaken = contents.mistake.as_deref() == Some("saves nothing");
        if contents.entries.get(key).map(|there| there.version.as_str()) != expected || is_mistaken {
            return Ok(SwapOutcome::Conflict);
        }
        contents.entries.insert(key.clone(), entry.clone());
        Ok(SwapOutcome::Stored)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let contents = self.available();
        match contents.mistake.as_deref() {
            Some("lists the first keys always") => return numbered(0..limit),
            Some("lists the last keys first") => return numbered((0..limit).rev()),
            Some("lists too many keys") => return numbered(0..=limit),
            _ => {}
        }
        let mut keys: Vec<_> = contents.entries.keys().filter(|key| Some(*key) > after).cloned().collect();
        keys.sort();
        keys.truncate(limit);
        Ok(keys)
    }
}

fn numbered(numbers: impl Iterator<Item = usize>) -> Result<Vec<StoreKey>, BoxError> {
    numbers.map(|number| Ok(StoreKey::parse(&format!("{number:064x}"))?)).collect()
}
