//! The check must notice every broken promise: for each promise, there is a store that breaks it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use protocol::error::{Error, ErrorCode};

use super::{Promise, check};
use crate::store::memory::Memory;
use crate::store::token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};

/// A store in memory that is wrong in one way.
struct Wrong {
    way: Way,
    entries: Mutex<HashMap<String, StoreEntry>>,
    locks: Memory,
    locked: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    None,
    FailsToLoad,
    PanicsAtLoad,
    InventsEntries,
    StoresNothing,
    NeverStoresFirst,
    ReplacesWhenNothingIsExpected,
    StoresWithoutWhatIsExpected,
    LeavesEntryAfterConflict,
    WritesBeforeComparing,
    ComparesWithoutCase,
    ComparesTrimmed,
    ComparesPrefixes,
    ComparesPatterns,
    NeverMatches,
    TruncatesKeys,
    KeysWithoutLastDigits,
    CutsAtNul,
    TrimsText,
    ReplacesBadText,
    TruncatesLongData,
    DropsEmptyData,
    ForgetsExpiry,
    RoundsExpiry,
    InventsExpiry,
    MakesVersions,
    ReadsThenWrites,
    CachesPerThread,
    ReadsExpiryAsMilliseconds,
    DropsWhatExpiresSoon,
    KeepsExpiryIn32Bits,
    KeepsOnlyFifty,
    LocksForEveryone,
    LocksOncePerThread,
    KeepsLocks,
    IsAlwaysBusy,
    CannotList,
    ListsInAnyOrder,
    ListsTooMany,
    ListsFromTheKey,
    ListsNothingNew,
}

thread_local! {
    static COPIES: RefCell<HashMap<String, StoreEntry>> = RefCell::default();
}

impl Wrong {
    fn new(way: Way) -> Self {
        Self { way, entries: Mutex::default(), locks: Memory::new(), locked: AtomicUsize::new(0) }
    }

    fn key(&self, key: &StoreKey) -> String {
        let key = key.as_str();
        match self.way {
            Way::TruncatesKeys => key[..32].to_owned(),
            Way::KeysWithoutLastDigits => key[..62].to_owned(),
            _ => key.to_owned(),
        }
    }

    fn matches(&self, current: Option<&str>, expected: Option<&str>) -> bool {
        match (self.way, current, expected) {
            (Way::NeverMatches, Some(_), Some(_)) | (Way::NeverStoresFirst, None, None) => false,
            (Way::ReplacesWhenNothingIsExpected, _, None) | (Way::StoresWithoutWhatIsExpected, None, _) => true,
            (Way::ComparesWithoutCase, Some(current), Some(expected)) => current.eq_ignore_ascii_case(expected),
            (Way::ComparesTrimmed, Some(current), Some(expected)) => current == expected.trim_end(),
            (Way::ComparesPrefixes, Some(current), Some(expected)) => current.starts_with(expected) || expected.starts_with(current),
            (Way::ComparesPatterns, Some(current), Some(expected)) => expected == "%" || current == expected,
            _ => current == expected,
        }
    }

    fn altered(&self, mut entry: StoreEntry) -> StoreEntry {
        let text = || String::from_utf8_lossy(&entry.data).into_owned();
        match self.way {
            Way::CutsAtNul => entry.data = entry.data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
            Way::TrimsText => entry.data = entry.data.trim_ascii().to_vec(),
            Way::ReplacesBadText => entry.data = text().into_bytes(),
            Way::TruncatesLongData => entry.data.truncate(65_535),
            Way::ForgetsExpiry => entry.expires_at = None,
            Way::RoundsExpiry => entry.expires_at = entry.expires_at.map(|expiry| expiry / 7 * 7 + 1),
            Way::InventsExpiry => entry.expires_at = entry.expires_at.or(Some(i64::MAX)),
            Way::MakesVersions => entry.version = entry.version.to_lowercase(),
            _ => {}
        }
        entry
    }

    fn sweep(&self, entries: &mut HashMap<String, StoreEntry>, kept: &str) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        match self.way {
            Way::ReadsExpiryAsMilliseconds => entries.retain(|_, entry| entry.expires_at.is_none_or(|expiry| expiry > now * 1000)),
            Way::DropsWhatExpiresSoon => {
                entries.retain(|key, entry| key == kept || entry.expires_at.is_none_or(|expiry| expiry > now + 300));
            }
            Way::KeepsExpiryIn32Bits => entries.retain(|_, entry| entry.expires_at.is_none_or(|expiry| i64::from(expiry as i32) > now)),
            Way::KeepsOnlyFifty if entries.len() > 50 => entries.retain(|key, _| key == kept),
            _ => {}
        }
    }
}

impl TokenStore for Wrong {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let key = self.key(key);
        match self.way {
            Way::FailsToLoad => return Err("no such table".into()),
            Way::PanicsAtLoad if thread::current().name().is_none() => panic!("not on this thread"),
            Way::CachesPerThread => {
                if let Some(copy) = COPIES.with_borrow(|copies| copies.get(&key).cloned()) {
                    return Ok(Some(copy));
                }
            }
            _ => {}
        }
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = entries.get(&key).cloned().map(|entry| self.altered(entry));
        match self.way {
            Way::InventsEntries => found = found.or(Some(StoreEntry { version: String::new(), data: Vec::new(), expires_at: None })),
            Way::DropsEmptyData => found = found.filter(|entry| !entry.data.is_empty()),
            Way::CachesPerThread => {
                if let Some(found) = &found {
                    COPIES.with_borrow_mut(|copies| copies.insert(key, found.clone()));
                }
            }
            _ => {}
        }
        Ok(found)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let key = self.key(key);
        if self.way == Way::StoresNothing {
            return Ok(SwapOutcome::Stored);
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = self.matches(entries.get(&key).map(|entry| entry.version.as_str()), expected);
        if self.way == Way::ReadsThenWrites {
            drop(entries);
            thread::sleep(Duration::from_millis(5));
            entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        }
        if !matches {
            match (self.way, entries.get_mut(&key)) {
                (Way::WritesBeforeComparing, Some(current)) => current.data.clone_from(&entry.data),
                (Way::LeavesEntryAfterConflict, None) => drop(entries.insert(key, entry.clone())),
                _ => {}
            }
            return Ok(SwapOutcome::Conflict);
        }
        entries.insert(key.clone(), entry.clone());
        self.sweep(&mut entries, &key);
        drop(entries);
        if self.way == Way::CachesPerThread {
            COPIES.with_borrow_mut(|copies| copies.insert(key, entry.clone()));
        }
        Ok(SwapOutcome::Stored)
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        match self.way {
            Way::LocksForEveryone => Ok(StoreLock::Held(Box::new(()))),
            Way::IsAlwaysBusy => Ok(StoreLock::Busy),
            Way::KeepsLocks => {
                let first = self.locked.fetch_add(1, Ordering::Relaxed) == 0;
                Ok(if first { StoreLock::Held(Box::new(())) } else { StoreLock::Busy })
            }
            // As a POSIX record lock: the whole process owns it, or here its unnamed threads.
            Way::LocksOncePerThread if thread::current().name().is_none() => Ok(StoreLock::Held(Box::new(()))),
            _ => self.locks.try_lock(key),
        }
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        if self.way == Way::CannotList {
            return Err(Error::new(ErrorCode::Unsupported, "it cannot").into());
        }
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<_> = entries.keys().filter_map(|key| StoreKey::parse(key).ok()).collect();
        keys.sort();
        match self.way {
            Way::ListsInAnyOrder => keys.reverse(),
            Way::ListsNothingNew => keys.truncate(1),
            _ => {}
        }
        keys.retain(|key| Some(key) > after || (self.way == Way::ListsFromTheKey && Some(key) == after));
        keys.truncate(if self.way == Way::ListsTooMany { limit + 1 } else { limit });
        Ok(keys)
    }
}

#[test]
fn a_store_without_a_fault_passes() {
    assert_eq!(check(&Wrong::new(Way::None)), Ok(()));
    assert_eq!(check(&Wrong::new(Way::CannotList)), Ok(()));
}

#[test]
fn a_store_that_breaks_a_promise_is_reported() {
    for (way, promise) in [
        (Way::FailsToLoad, Promise::Works),
        (Way::PanicsAtLoad, Promise::Works),
        (Way::InventsEntries, Promise::NothingThere),
        (Way::StoresNothing, Promise::ExpectsNothing),
        (Way::NeverStoresFirst, Promise::ExpectsNothing),
        (Way::ReplacesWhenNothingIsExpected, Promise::ExpectsNothing),
        (Way::StoresWithoutWhatIsExpected, Promise::ExactVersion),
        (Way::LeavesEntryAfterConflict, Promise::ConflictChangesNothing),
        (Way::WritesBeforeComparing, Promise::ConflictChangesNothing),
        (Way::ComparesWithoutCase, Promise::ExactVersion),
        (Way::ComparesTrimmed, Promise::ExactVersion),
        (Way::ComparesPrefixes, Promise::ExactVersion),
        (Way::ComparesPatterns, Promise::ExactVersion),
        (Way::NeverMatches, Promise::ExactVersion),
        (Way::TruncatesKeys, Promise::ExactKey),
        (Way::KeysWithoutLastDigits, Promise::ExactKey),
        (Way::CutsAtNul, Promise::ExactEntry),
        (Way::TrimsText, Promise::ExactEntry),
        (Way::ReplacesBadText, Promise::ExactEntry),
        (Way::TruncatesLongData, Promise::ExactEntry),
        (Way::DropsEmptyData, Promise::ExactEntry),
        (Way::ForgetsExpiry, Promise::ExactEntry),
        (Way::RoundsExpiry, Promise::ExactEntry),
        (Way::InventsExpiry, Promise::ExactEntry),
        (Way::MakesVersions, Promise::ExactEntry),
        (Way::ReadsThenWrites, Promise::OneWinner),
        (Way::CachesPerThread, Promise::NoStaleCopy),
        (Way::ReadsExpiryAsMilliseconds, Promise::KeptUntilExpiry),
        (Way::DropsWhatExpiresSoon, Promise::KeptUntilExpiry),
        (Way::KeepsExpiryIn32Bits, Promise::KeptUntilExpiry),
        (Way::KeepsOnlyFifty, Promise::KeptWithoutExpiry),
        (Way::LocksForEveryone, Promise::LockExcludes),
        (Way::LocksOncePerThread, Promise::LockExcludes),
        (Way::KeepsLocks, Promise::LockEnds),
        (Way::IsAlwaysBusy, Promise::LockEnds),
        (Way::ListsInAnyOrder, Promise::ListsKeys),
        (Way::ListsTooMany, Promise::ListsKeys),
        (Way::ListsFromTheKey, Promise::ListsKeys),
        (Way::ListsNothingNew, Promise::ListsKeys),
    ] {
        let violations = check(&Wrong::new(way)).expect_err(&format!("{way:?} was not noticed"));
        let promises: Vec<_> = violations.iter().map(super::Violation::promise).collect();
        assert!(promises.contains(&promise), "{way:?}: {violations:?}");
    }
}

#[test]
fn a_store_that_breaks_one_promise_is_not_reported_for_others() {
    for (way, promise) in [
        (Way::ReplacesBadText, Promise::ExactEntry),
        (Way::ReadsThenWrites, Promise::OneWinner),
        (Way::KeepsOnlyFifty, Promise::KeptWithoutExpiry),
        (Way::LocksForEveryone, Promise::LockExcludes),
        (Way::IsAlwaysBusy, Promise::LockEnds),
    ] {
        let violations = check(&Wrong::new(way)).expect_err("it is wrong");
        assert!(violations.iter().all(|violation| violation.promise() == promise), "{way:?}: {violations:?}");
    }
}

#[test]
fn a_violation_names_the_promise_and_what_happened() {
    let violations = check(&Wrong::new(Way::IsAlwaysBusy)).expect_err("it is wrong");
    assert_eq!(violations[0].to_string(), "broken: a lock that was dropped can be taken again: the lock of a new key was busy");
}

#[test]
fn a_failing_function_is_reported_once_with_its_error() {
    let violations = check(&Wrong::new(Way::FailsToLoad)).unwrap_err();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].to_string(), "broken: its functions work: loading failed: no such table");
    assert_eq!(std::error::Error::source(&violations[0]).unwrap().to_string(), "no such table");
}
