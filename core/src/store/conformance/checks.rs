//! One function per promise, or per way to break it.

use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Promise, Violation};
use crate::store::token_store::{StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock as _, SystemClock};
use crate::sys::random::{Random as _, SystemRandomness};

type Completer = Result<(), Violation>;

pub(super) const ALL: [fn(&dyn TokenStore) -> Completer; 13] = [
    nothing_is_there_at_first,
    a_swap_that_expects_nothing_stores,
    a_swap_that_expects_nothing_finds_something,
    a_swap_that_expects_something_finds_nothing,
    a_conflict_changes_nothing,
    similar_versions_are_different,
    similar_keys_are_different,
    entries_come_back_exactly,
    of_racing_swaps_one_wins,
    other_threads_see_what_was_stored,
    entries_stay_until_their_end,
    entries_without_an_end_stay,
    a_lock_is_held_by_one_and_ends,
];

/// How many race for one version, and how often.
const RACERS: usize = 8;
const RACES: usize = 4;
/// More than a cache that was meant to be small keeps.
const MANY: usize = 64;

fn nothing_is_there_at_first(store: &dyn TokenStore) -> Completer {
    match Slot::new(store)?.load()? {
        None => Ok(()),
        Some(_) => broken(Promise::NothingThere, "load of a key that was never stored gave an entry"),
    }
}

fn a_swap_that_expects_nothing_stores(store: &dyn TokenStore) -> Completer {
    let slot = Slot::new(store)?;
    let entry = slot.entry()?;
    if slot.swap(None, &entry)? == SwapOutcome::Conflict {
        return broken(Promise::ExpectsNothing, "a save that expected nothing was a conflict where nothing was");
    }
    match slot.load()? {
        None => broken(Promise::ExpectsNothing, "what a first save stored was not there"),
        Some(_) => Ok(()),
    }
}

fn a_swap_that_expects_nothing_finds_something(store: &dyn TokenStore) -> Completer {
    let (slot, _) = Slot::filled(store)?;
    match slot.swap(None, &slot.entry()?)? {
        SwapOutcome::Conflict => Ok(()),
        SwapOutcome::Stored => broken(Promise::ExpectsNothing, "a save that expected nothing replaced an entry"),
    }
}

fn a_swap_that_expects_something_finds_nothing(store: &dyn TokenStore) -> Completer {
    let slot = Slot::new(store)?;
    if slot.swap(Some(&version()?), &slot.entry()?)? == SwapOutcome::Stored {
        return broken(Promise::ExactVersion, "a save that expected a version stored where nothing was");
    }
    match slot.load()? {
        None => Ok(()),
        Some(_) => broken(Promise::ConflictChangesNothing, "a conflict where nothing was left an entry"),
    }
}

fn a_conflict_changes_nothing(store: &dyn TokenStore) -> Completer {
    let (slot, there) = Slot::filled(store)?;
    for expected in [None, Some(version()?)] {
        slot.swap(expected.as_deref(), &slot.entry()?)?;
    }
    match slot.load()? {
        Some(now) if now == there => Ok(()),
        _ => broken(Promise::ConflictChangesNothing, "after conflicts the entry was not what it had been"),
    }
}

fn similar_versions_are_different(store: &dyn TokenStore) -> Completer {
    let slot = Slot::new(store)?;
    let version = format!("{}aB", &version()?[..20]);
    slot.swap(None, &StoreEntry { version: version.clone(), ..slot.entry()? })?;
    let similar = [
        ("a version in lower case", version.to_lowercase()),
        ("a version in upper case", version.to_uppercase()),
        ("the beginning of the version", version[..21].to_owned()),
        ("the version with a space behind it", format!("{version} ")),
        ("the version with something behind it", format!("{version}A")),
        ("an empty version", String::new()),
        ("a pattern that matches every version", "%".to_owned()),
    ];
    for (what, similar) in similar {
        if slot.swap(Some(&similar), &slot.entry()?)? == SwapOutcome::Stored {
            return broken(Promise::ExactVersion, format!("a save that expected {what} was stored"));
        }
    }
    match slot.swap(Some(&version), &slot.entry()?)? {
        SwapOutcome::Stored => Ok(()),
        SwapOutcome::Conflict => broken(Promise::ExactVersion, "a save that expected the version that was there was a conflict"),
    }
}

fn similar_keys_are_different(store: &dyn TokenStore) -> Completer {
    let mut digest = digest()?;
    let mut slots = Vec::new();
    for index in [None, Some(0), Some(15), Some(31)] {
        if let Some(index) = index {
            digest[index] ^= 1;
        }
        let slot = Slot { store, key: StoreKey::new(&digest) };
        let entry = slot.entry()?;
        if slot.swap(None, &entry)? == SwapOutcome::Conflict {
            return broken(Promise::ExactKey, "a key of its own was taken by an entry under another key");
        }
        slots.push((slot, entry));
    }
    for (slot, entry) in slots {
        if slot.load()?.is_none_or(|loaded| loaded.version != entry.version) {
            return broken(Promise::ExactKey, "an entry was replaced by one under another key");
        }
    }
    Ok(())
}

fn entries_come_back_exactly(store: &dyn TokenStore) -> Completer {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let datas = [
        ("no data", Vec::new()),
        ("a NUL alone", vec![0]),
        ("bytes of every value", all_bytes.clone()),
        ("text with line ends and spaces about it", b" \r\n{\"a\":\t1}\r\n ".to_vec()),
        ("64 KiB", all_bytes.repeat(256)),
    ];
    let (slot, mut there) = Slot::filled(store)?;
    let ends = soon();
    for (ends, (what, data)) in (ends..).zip(datas) {
        for expires_at in [Some(ends), None] {
            let entry = StoreEntry { version: version()?, data: data.clone(), expires_at };
            slot.swap(Some(&there.version), &entry)?;
            let Some(loaded) = slot.load()? else { return broken(Promise::ExactEntry, format!("an entry with {what} did not come back")) };
            for (part, same) in [
                ("version", loaded.version == entry.version),
                ("data", loaded.data == entry.data),
                ("end", loaded.expires_at == entry.expires_at),
            ] {
                if !same {
                    return broken(Promise::ExactEntry, format!("an entry with {what} came back with another {part}"));
                }
            }
            there = entry;
        }
    }
    slot.let_go(&there)
}

fn of_racing_swaps_one_wins(store: &dyn TokenStore) -> Completer {
    for _ in 0..RACES {
        let slot = Slot::new(store)?;
        let mut expected = None;
        // The first race is for an empty key, the second for a version.
        for _ in 0..2 {
            let entries = (0..RACERS).map(|_| slot.entry()).collect::<Result<Vec<_>, _>>()?;
            let winners = race(&slot, expected.as_deref(), &entries)?;
            let [winner] = winners[..] else {
                return broken(Promise::OneWinner, format!("{} of {RACERS} racing saves were stored", winners.len()));
            };
            if slot.load()?.is_none_or(|loaded| loaded.version != winner.version) {
                return broken(Promise::OneWinner, "after racing saves another entry was there than the one that was stored");
            }
            expected = Some(winner.version.clone());
        }
    }
    Ok(())
}

fn race<'a>(slot: &Slot<'_>, expected: Option<&str>, entries: &'a [StoreEntry]) -> Result<Vec<&'a StoreEntry>, Violation> {
    let start = &Barrier::new(entries.len());
    thread::scope(|scope| {
        let racers: Vec<_> = entries
            .iter()
            .map(|entry| {
                scope.spawn(move || {
                    start.wait();
                    Ok((slot.swap(expected, entry)? == SwapOutcome::Stored).then_some(entry))
                })
            })
            .collect();
        racers.into_iter().filter_map(|racer| finished(racer.join()).transpose()).collect()
    })
}

fn other_threads_see_what_was_stored(store: &dyn TokenStore) -> Completer {
    let (slot, mut there) = Slot::filled(store)?;
    let (ask, asked) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    thread::scope(|scope| {
        let slot = &slot;
        // One thread that looks again and again, as a copy of its own would show only at the second look.
        let looking = scope.spawn(move || asked.iter().try_for_each(|()| answer.send(slot.load())));
        let mut compare = || {
            for _ in 0..3 {
                let Some(loaded) = ask.send(()).ok().and_then(|()| answers.recv().ok()) else { return Ok(()) };
                if loaded?.is_none_or(|loaded| loaded.version != there.version) {
                    return broken(Promise::NoStaleCopy, "a thread loaded another entry than the one that was stored before");
                }
                let entry = slot.entry()?;
                slot.swap(Some(&there.version), &entry)?;
                there = entry;
            }
            Ok(())
        };
        let compared = compare();
        drop(ask);
        finished(looking.join().map(|_| Ok(())))?;
        compared
    })
}

fn entries_stay_until_their_end(store: &dyn TokenStore) -> Completer {
    let far = SystemClock.unix_seconds() + 4_000_000_000;
    let mut kept = Vec::new();
    for ends in [soon(), SystemClock.unix_seconds() + 3600, far] {
        let slot = Slot::new(store)?;
        let entry = StoreEntry { expires_at: Some(ends), ..slot.entry()? };
        slot.swap(None, &entry)?;
        kept.push((slot, entry));
    }
    // A store may sweep when it is written to.
    Slot::filled(store)?;
    for (slot, entry) in kept {
        if slot.load()?.is_none_or(|loaded| loaded.version != entry.version) {
            return broken(Promise::KeptUntilItsEnd, "an entry was gone before its end");
        }
        slot.let_go(&entry)?;
    }
    Ok(())
}

fn entries_without_an_end_stay(store: &dyn TokenStore) -> Completer {
    let mut kept = Vec::new();
    for _ in 0..MANY {
        let slot = Slot::new(store)?;
        let entry = StoreEntry { expires_at: None, ..slot.entry()? };
        slot.swap(None, &entry)?;
        kept.push((slot, entry));
    }
    let mut gone = 0;
    for (slot, entry) in kept {
        if slot.load()?.is_none_or(|loaded| loaded.version != entry.version) {
            gone += 1;
        } else {
            slot.let_go(&entry)?;
        }
    }
    if gone > 0 { broken(Promise::KeptWithoutEnd, format!("of {MANY} entries without an end {gone} were gone")) } else { Ok(()) }
}

fn a_lock_is_held_by_one_and_ends(store: &dyn TokenStore) -> Completer {
    let slot = Slot::new(store)?;
    let guard = match slot.try_lock()? {
        StoreLock::Unsupported => return Ok(()),
        StoreLock::Busy => return broken(Promise::LockEnds, "the lock of a new key was busy"),
        StoreLock::Held(guard) => guard,
    };
    let from_elsewhere = || thread::scope(|scope| finished(scope.spawn(|| slot.try_lock()).join()));
    for again in [slot.try_lock()?, from_elsewhere()?] {
        if !matches!(again, StoreLock::Busy) {
            return broken(Promise::LockExcludes, format!("a lock that was held was answered with {again:?}"));
        }
    }
    drop(guard);
    for from_here in [false, true] {
        let again = if from_here { slot.try_lock()? } else { from_elsewhere()? };
        if !matches!(again, StoreLock::Held(_)) {
            return broken(Promise::LockEnds, "a lock that was dropped could not be taken");
        }
    }
    Ok(())
}

/// A key of a store.
struct Slot<'a> {
    store: &'a dyn TokenStore,
    key: StoreKey,
}

impl<'a> Slot<'a> {
    fn new(store: &'a dyn TokenStore) -> Result<Self, Violation> {
        Ok(Self { store, key: StoreKey::new(&digest()?) })
    }

    /// One with an entry.
    fn filled(store: &'a dyn TokenStore) -> Result<(Self, StoreEntry), Violation> {
        let slot = Self::new(store)?;
        let entry = slot.entry()?;
        slot.swap(None, &entry)?;
        Ok((slot, entry))
    }

    /// An entry like any other, which ends by itself when the check is long over.
    fn entry(&self) -> Result<StoreEntry, Violation> {
        let version = version()?;
        Ok(StoreEntry { data: format!("data of {version}").into_bytes(), version, expires_at: Some(soon()) })
    }

    fn load(&self) -> Result<Option<StoreEntry>, Violation> {
        self.store.load(&self.key).map_err(|failure| Violation::failed("loading", failure))
    }

    fn swap(&self, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, Violation> {
        self.store.swap(&self.key, expected, entry).map_err(|failure| Violation::failed("saving", failure))
    }

    fn try_lock(&self) -> Result<StoreLock, Violation> {
        self.store.try_lock(&self.key).map_err(|failure| Violation::failed("locking", failure))
    }

    /// Lets an entry end that would otherwise stay.
    fn let_go(&self, there: &StoreEntry) -> Completer {
        self.swap(Some(&there.version), &self.entry()?).map(drop)
    }
}

fn broken<T>(promise: Promise, detail: impl Into<String>) -> Result<T, Violation> {
    Err(Violation::new(promise, detail))
}

/// What a thread came to.
fn finished<T>(joined: thread::Result<Result<T, Violation>>) -> Result<T, Violation> {
    joined.unwrap_or_else(|_| broken(Promise::Works, "it panicked"))
}

/// Long enough for a slow store to be checked.
fn soon() -> i64 {
    SystemClock.unix_seconds() + 60
}

fn version() -> Result<String, Violation> {
    let mut bytes = [0; 16];
    draw(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn digest() -> Result<[u8; 32], Violation> {
    let mut bytes = [0; 32];
    draw(&mut bytes)?;
    Ok(bytes)
}

fn draw(bytes: &mut [u8]) -> Completer {
    SystemRandomness::new().fill(bytes).map_err(|failure| Violation::failed("drawing random bytes", failure.into()))
}
