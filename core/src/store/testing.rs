//! Helpers for the tests of the stores.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use protocol::time::Moment;

use super::token_store::{StoreEntry, StoreKey};
use crate::sys::clock::Clock;
use crate::sys::random::{SystemRandomness, tokens};

/// A directory that is deleted when the value is dropped.
pub(super) struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    pub(super) fn new() -> Self {
        let [name] = tokens(&SystemRandomness).unwrap();
        let path = std::env::temp_dir().join(format!("sipgate-oauth2 tést {name}"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // A leftover in the temporary directory does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A clock that shows what the test sets.
#[derive(Clone, Default)]
pub(super) struct SetClock(Arc<AtomicI64>);

impl SetClock {
    pub(super) fn at(now: i64) -> Self {
        let clock = Self::default();
        clock.set(now);
        clock
    }

    pub(super) fn set(&self, now: i64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn moment(&self) -> Moment {
        Moment { wall: self.0.load(Ordering::Relaxed) * 1000, mono: 0 }
    }
}

pub(super) fn key(first: u8) -> StoreKey {
    StoreKey::new(&[first; 32])
}

pub(super) fn entry(version: &str, expires_at: Option<i64>) -> StoreEntry {
    StoreEntry { version: version.to_owned(), data: format!("data of {version}").into_bytes(), expires_at }
}
