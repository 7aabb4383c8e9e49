//! A kit is worth what it catches: for each promise a store that breaks it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

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
    ComparesTheBeginning,
    ComparesPatterns,
    NeverMatches,
    CutsKeys,
    KeysWithoutLastDigits,
    CutsAtNul,
    TrimsText,
    ReplacesBadText,
    CutsLongData,
    DropsEmptyData,
    ForgetsEnds,
    RoundsEnds,
    InventsEnds,
    MakesVersions,
    LooksThenWrites,
    CachesPerThread,
    TakesEndsForMilliseconds,
    DropsWhatEndsSoon,
    KeepsEndsIn32Bits,
    KeepsOnlyFifty,
    LocksEverybody,
    LocksOncePerThread,
    KeepsLocks,
    IsAlwaysBusy,
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
            Way::CutsKeys => key[..32].to_owned(),
            Way::KeysWithoutLastDigits => key[..62].to_owned(),
            _ => key.to_owned(),
        }
    }

    fn matches(&self, there: Option<&str>, expected: Option<&str>) -> bool {
        match (self.way, there, expected) {
            (Way::NeverMatches, Some(_), Some(_)) | (Way::NeverStoresFirst, None, None) => false,
            (Way::ReplacesWhenNothingIsExpected, _, None) | (Way::StoresWithoutWhatIsExpected, None, _) => true,
            (Way::ComparesWithoutCase, Some(there), Some(expected)) => there.eq_ignore_ascii_case(expected),
            (Way::ComparesTrimmed, Some(there), Some(expected)) => there == expected.trim_end(),
            (Way::ComparesTheBeginning, Some(there), Some(expected)) => there.starts_with(expected) || expected.starts_with(there),
            (Way::ComparesPatterns, Some(there), Some(expected)) => expected == "%" || there == expected,
            _ => there == expected,
        }
    }

    fn altered(&self, mut entry: StoreEntry) -> StoreEntry {
        let text = || String::from_utf8_lossy(&entry.data).into_owned();
        match self.way {
            Way::CutsAtNul => entry.data = entry.data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
            Way::TrimsText => entry.data = entry.data.trim_ascii().to_vec(),
            Way::ReplacesBadText => entry.data = text().into_bytes(),
            Way::CutsLongData => entry.data.truncate(65_535),
            Way::ForgetsEnds => entry.expires_at = None,
            Way::RoundsEnds => entry.expires_at = entry.expires_at.map(|ends| ends / 7 * 7 + 1),
            Way::InventsEnds => entry.expires_at = entry.expires_at.or(Some(i64::MAX)),
            Way::MakesVersions => entry.version = entry.version.to_lowercase(),
            _ => {}
        }
        entry
    }

    fn sweep(&self, entries: &mut HashMap<String, StoreEntry>, kept: &str) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        match self.way {
            Way::TakesEndsForMilliseconds => entries.retain(|_, entry| entry.expires_at.is_none_or(|ends| ends > now * 1000)),
            Way::DropsWhatEndsSoon => entries.retain(|key, entry| key == kept || entry.expires_at.is_none_or(|ends| ends > now + 300)),
            Way::KeepsEndsIn32Bits => entries.retain(|_, entry| entry.expires_at.is_none_or(|ends| i64::from(ends as i32) > now)),
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
        if self.way == Way::LooksThenWrites {
            drop(entries);
            thread::sleep(Duration::from_millis(5));
            entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        }
        if !matches {
            match (self.way, entries.get_mut(&key)) {
                (Way::WritesBeforeComparing, Some(there)) => there.data.clone_from(&entry.data),
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
            Way::LocksEverybody => Ok(StoreLock::Held(Box::new(()))),
            Way::IsAlwaysBusy => Ok(StoreLock::Busy),
            Way::KeepsLocks => {
                let first = self.locked.fetch_add(1, Ordering::Relaxed) == 0;
                Ok(if first { StoreLock::Held(Box::new(())) } else { StoreLock::Busy })
            }
            // As a record lock does on its own: the whole process is the owner, or here its unnamed threads.
            Way::LocksOncePerThread if thread::current().name().is_none() => Ok(StoreLock::Held(Box::new(()))),
            _ => self.locks.try_lock(key),
        }
    }
}

#[test]
fn a_store_without_a_fault_passes() {
    assert_eq!(check(&Wrong::new(Way::None)), Ok(()));
}

#[test]
fn every_promise_is_checked_by_a_store_that_breaks_it() {
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
        (Way::ComparesTheBeginning, Promise::ExactVersion),
        (Way::ComparesPatterns, Promise::ExactVersion),
        (Way::NeverMatches, Promise::ExactVersion),
        (Way::CutsKeys, Promise::ExactKey),
        (Way::KeysWithoutLastDigits, Promise::ExactKey),
        (Way::CutsAtNul, Promise::ExactEntry),
        (Way::TrimsText, Promise::ExactEntry),
        (Way::ReplacesBadText, Promise::ExactEntry),
        (Way::CutsLongData, Promise::ExactEntry),
        (Way::DropsEmptyData, Promise::ExactEntry),
        (Way::ForgetsEnds, Promise::ExactEntry),
        (Way::RoundsEnds, Promise::ExactEntry),
        (Way::InventsEnds, Promise::ExactEntry),
        (Way::MakesVersions, Promise::ExactEntry),
        (Way::LooksThenWrites, Promise::OneWinner),
        (Way::CachesPerThread, Promise::NoStaleCopy),
        (Way::TakesEndsForMilliseconds, Promise::KeptUntilItsEnd),
        (Way::DropsWhatEndsSoon, Promise::KeptUntilItsEnd),
        (Way::KeepsEndsIn32Bits, Promise::KeptUntilItsEnd),
        (Way::KeepsOnlyFifty, Promise::KeptWithoutEnd),
        (Way::LocksEverybody, Promise::LockExcludes),
        (Way::LocksOncePerThread, Promise::LockExcludes),
        (Way::KeepsLocks, Promise::LockEnds),
        (Way::IsAlwaysBusy, Promise::LockEnds),
    ] {
        let violations = check(&Wrong::new(way)).expect_err(&format!("{way:?} was not noticed"));
        let promises: Vec<_> = violations.iter().map(super::Violation::promise).collect();
        assert!(promises.contains(&promise), "{way:?}: {violations:?}");
    }
}

#[test]
fn a_store_that_breaks_one_promise_is_not_accused_of_others() {
    for (way, promise) in [
        (Way::ReplacesBadText, Promise::ExactEntry),
        (Way::LooksThenWrites, Promise::OneWinner),
        (Way::KeepsOnlyFifty, Promise::KeptWithoutEnd),
        (Way::LocksEverybody, Promise::LockExcludes),
        (Way::IsAlwaysBusy, Promise::LockEnds),
    ] {
        let violations = check(&Wrong::new(way)).expect_err("it is wrong");
        assert!(violations.iter().all(|violation| violation.promise() == promise), "{way:?}: {violations:?}");
    }
}

#[test]
fn a_violation_says_what_was_promised_and_what_came() {
    let violations = check(&Wrong::new(Way::IsAlwaysBusy)).expect_err("it is wrong");
    assert_eq!(violations[0].to_string(), "broken: a lock that was dropped can be taken: the lock of a new key was busy");
}

#[test]
fn a_function_that_fails_is_told_once_with_what_it_failed_with() {
    let violations = check(&Wrong::new(Way::FailsToLoad)).unwrap_err();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].to_string(), "broken: its functions work: loading failed: no such table");
    assert_eq!(std::error::Error::source(&violations[0]).unwrap().to_string(), "no such table");
}
