//! One function per promise, or per way to break one.

use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use protocol::error::{Error, ErrorCode};

use super::violation::{Promise, Violation};
use crate::store::token_store::{StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock as _, SystemClock};
use crate::sys::random::{Random as _, SystemRandomness};

type Outcome = Result<(), Violation>;

pub(super) const ALL: [fn(&dyn TokenStore) -> Outcome; 15] = [
    a_new_key_has_no_entry,
    a_swap_that_expects_no_entry_stores_the_first,
    a_swap_that_expects_no_entry_conflicts_with_one,
    a_swap_that_expects_an_entry_conflicts_with_none,
    a_conflict_changes_nothing,
    similar_versions_are_different,
    similar_keys_are_different,
    entries_come_back_exactly,
    one_of_several_racing_swaps_wins,
    other_threads_see_what_was_stored,
    entries_are_kept_until_they_expire,
    an_expired_entry_can_be_replaced,
    entries_without_an_expiry_are_kept,
    a_lock_has_one_holder_and_can_be_taken_again,
    keys_are_listed_in_their_order,
];

/// How many threads race for one version, and how often.
const RACERS: usize = 8;
const RACES: usize = 4;
/// More entries than a small cache keeps.
const MANY: usize = 64;

fn a_new_key_has_no_entry(store: &dyn TokenStore) -> Outcome {
    match Slot::new(store)?.load()? {
        None => Ok(()),
        Some(_) => broken(Promise::NothingThere, "loading a new key returned an entry"),
    }
}

fn a_swap_that_expects_no_entry_stores_the_first(store: &dyn TokenStore) -> Outcome {
    let slot = Slot::new(store)?;
    let entry = slot.entry()?;
    if slot.swap(None, &entry)? == SwapOutcome::Conflict {
        return broken(Promise::ExpectsNothing, "a save that expected no entry was a conflict although there was none");
    }
    match slot.load()? {
        None => broken(Promise::ExpectsNothing, "the entry of a first save was not there"),
        Some(_) => Ok(()),
    }
}

fn a_swap_that_expects_no_entry_conflicts_with_one(store: &dyn TokenStore) -> Outcome {
    let (slot, _) = Slot::filled(store)?;
    match slot.swap(None, &slot.entry()?)? {
        SwapOutcome::Conflict => Ok(()),
        SwapOutcome::Stored => broken(Promise::ExpectsNothing, "a save that expected no entry replaced one"),
    }
}

fn a_swap_that_expects_an_entry_conflicts_with_none(store: &dyn TokenStore) -> Outcome {
    let slot = Slot::new(store)?;
    if slot.swap(Some(&version()?), &slot.entry()?)? == SwapOutcome::Stored {
        return broken(Promise::ExactVersion, "a save that expected a version stored although there was no entry");
    }
    match slot.load()? {
        None => Ok(()),
        Some(_) => broken(Promise::ConflictChangesNothing, "a conflict without an entry created one"),
    }
}

fn a_conflict_changes_nothing(store: &dyn TokenStore) -> Outcome {
    let (slot, current) = Slot::filled(store)?;
    for expected in [None, Some(version()?)] {
        slot.swap(expected.as_deref(), &slot.entry()?)?;
    }
    match slot.load()? {
        Some(now) if now == current => Ok(()),
        _ => broken(Promise::ConflictChangesNothing, "the entry was different after a conflict"),
    }
}

fn similar_versions_are_different(store: &dyn TokenStore) -> Outcome {
    let slot = Slot::new(store)?;
    let version = format!("{}aB", &version()?[..20]);
    slot.swap(None, &StoreEntry { version: version.clone(), ..slot.entry()? })?;
    let similar = [
        ("a version in lower case", version.to_lowercase()),
        ("a version in upper case", version.to_uppercase()),
        ("the start of the version", version[..21].to_owned()),
        ("the version followed by a space", format!("{version} ")),
        ("the version followed by a letter", format!("{version}A")),
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
        SwapOutcome::Conflict => broken(Promise::ExactVersion, "a save that expected the current version was a conflict"),
    }
}

fn similar_keys_are_different(store: &dyn TokenStore) -> Outcome {
    let mut digest = digest()?;
    let mut slots = Vec::new();
    for index in [None, Some(0), Some(15), Some(31)] {
        if let Some(index) = index {
            digest[index] ^= 1;
        }
        let slot = Slot { store, key: StoreKey::new(&digest) };
        let entry = slot.entry()?;
        if slot.swap(None, &entry)? == SwapOutcome::Conflict {
            return broken(Promise::ExactKey, "a new key had the entry of another key");
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

fn entries_come_back_exactly(store: &dyn TokenStore) -> Outcome {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let datas = [
        ("no data", Vec::new()),
        ("a NUL alone", vec![0]),
        ("bytes of every value", all_bytes.clone()),
        ("text surrounded by spaces and line breaks", b" \r\n{\"a\":\t1}\r\n ".to_vec()),
        ("64 KiB", all_bytes.repeat(256)),
    ];
    let (slot, mut current) = Slot::filled(store)?;
    let expiry = soon();
    for (expiry, (what, data)) in (expiry..).zip(datas) {
        for expires_at in [Some(expiry), None] {
            let entry = StoreEntry { version: version()?, data: data.clone(), expires_at };
            slot.swap(Some(&current.version), &entry)?;
            let Some(loaded) = slot.load()? else { return broken(Promise::ExactEntry, format!("an entry with {what} did not come back")) };
            for (part, same) in [
                ("version", loaded.version == entry.version),
                ("data", loaded.data == entry.data),
                ("expiry", loaded.expires_at == entry.expires_at),
            ] {
                if !same {
                    return broken(Promise::ExactEntry, format!("an entry with {what} came back with another {part}"));
                }
            }
            current = entry;
        }
    }
    slot.let_expire(&current)
}

fn one_of_several_racing_swaps_wins(store: &dyn TokenStore) -> Outcome {
    for _ in 0..RACES {
        let slot = Slot::new(store)?;
        let mut expected = None;
        // The first race is for a new key, the second for a version.
        for _ in 0..2 {
            let entries = (0..RACERS).map(|_| slot.entry()).collect::<Result<Vec<_>, _>>()?;
            let winners = race(&slot, expected.as_deref(), &entries)?;
            let [winner] = winners[..] else {
                return broken(Promise::OneWinner, format!("{} of {RACERS} racing saves were stored", winners.len()));
            };
            if slot.load()?.is_none_or(|loaded| loaded.version != winner.version) {
                return broken(Promise::OneWinner, "after racing saves, the entry was not the one that was stored");
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

fn other_threads_see_what_was_stored(store: &dyn TokenStore) -> Outcome {
    let (slot, mut current) = Slot::filled(store)?;
    let (request, requests) = mpsc::channel();
    let (response, responses) = mpsc::channel();
    thread::scope(|scope| {
        let slot = &slot;
        // The same thread loads repeatedly: a copy that it keeps shows at the second load.
        let reader = scope.spawn(move || requests.iter().try_for_each(|()| response.send(slot.load())));
        let mut compare = || {
            for _ in 0..3 {
                let Some(loaded) = request.send(()).ok().and_then(|()| responses.recv().ok()) else { return Ok(()) };
                if loaded?.is_none_or(|loaded| loaded.version != current.version) {
                    return broken(Promise::NoStaleCopy, "a thread did not load the entry that was stored before");
                }
                let entry = slot.entry()?;
                slot.swap(Some(&current.version), &entry)?;
                current = entry;
            }
            Ok(())
        };
        let compared = compare();
        drop(request);
        finished(reader.join().map(|_| Ok(())))?;
        compared
    })
}

fn entries_are_kept_until_they_expire(store: &dyn TokenStore) -> Outcome {
    let far = SystemClock.unix_seconds() + 4_000_000_000;
    let mut kept = Vec::new();
    for expiry in [soon(), SystemClock.unix_seconds() + 3600, far] {
        let slot = Slot::new(store)?;
        let entry = StoreEntry { expires_at: Some(expiry), ..slot.entry()? };
        slot.swap(None, &entry)?;
        kept.push((slot, entry));
    }
    // A store may delete expired entries when it is written.
    Slot::filled(store)?;
    for (slot, entry) in kept {
        if slot.load()?.is_none_or(|loaded| loaded.version != entry.version) {
            return broken(Promise::KeptUntilExpiry, "an entry was gone before it expired");
        }
        slot.let_expire(&entry)?;
    }
    Ok(())
}

/// It may still be there, or be left out by a load: the next save must agree with that.
fn an_expired_entry_can_be_replaced(store: &dyn TokenStore) -> Outcome {
    let slot = Slot::new(store)?;
    let expired = StoreEntry { expires_at: Some(SystemClock.unix_seconds() - 60), ..slot.entry()? };
    slot.swap(None, &expired)?;
    let there = slot.load()?.map(|entry| entry.version);
    match slot.swap(there.as_deref(), &slot.entry()?)? {
        SwapOutcome::Stored => Ok(()),
        SwapOutcome::Conflict => broken(Promise::ExpectsNothing, "a save conflicted with an expired entry that a load leaves out"),
    }
}

fn entries_without_an_expiry_are_kept(store: &dyn TokenStore) -> Outcome {
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
            slot.let_expire(&entry)?;
        }
    }
    if gone > 0 { broken(Promise::KeptWithoutExpiry, format!("{gone} of {MANY} entries without an expiry were gone")) } else { Ok(()) }
}

fn a_lock_has_one_holder_and_can_be_taken_again(store: &dyn TokenStore) -> Outcome {
    let slot = Slot::new(store)?;
    let guard = match slot.try_lock()? {
        StoreLock::Unsupported => return Ok(()),
        StoreLock::Busy => return broken(Promise::LockEnds, "the lock of a new key was busy"),
        StoreLock::Held(guard) => guard,
    };
    let from_elsewhere = || thread::scope(|scope| finished(scope.spawn(|| slot.try_lock()).join()));
    for again in [slot.try_lock()?, from_elsewhere()?] {
        if !matches!(again, StoreLock::Busy) {
            return broken(Promise::LockExcludes, format!("taking a lock that was held gave {again:?}"));
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

fn keys_are_listed_in_their_order(store: &dyn TokenStore) -> Outcome {
    let list = |after: Option<&StoreKey>, limit| store.keys(after, limit).map_err(|error| Violation::failed("listing keys", error));
    match store.keys(None, 1) {
        Err(error) if error.downcast_ref::<Error>().is_some_and(|error| error.code() == ErrorCode::Unsupported) => return Ok(()),
        listed => drop(listed.map_err(|error| Violation::failed("listing keys", error))?),
    }
    // No other key is between these. Numbers go before letters, and the last is stored first.
    let mut digest = digest()?;
    let mut kept: Vec<StoreKey> = Vec::new();
    for last in [0xA0, 0x0A, 0x90, 0x09] {
        digest[31] = last;
        let slot = Slot { store, key: StoreKey::new(&digest) };
        slot.swap(None, &slot.entry()?)?;
        kept.push(slot.key);
    }
    kept.sort();
    for (after, limit, expected) in [(0, 3, &kept[1..]), (0, 1, &kept[1..2]), (2, 1, &kept[3..])] {
        if list(Some(&kept[after]), limit)? != expected {
            return broken(
                Promise::ListsKeys,
                format!("of {} keys after a known one, others were listed, or in another order", expected.len()),
            );
        }
    }
    for (what, after) in [("after the last one stored", Some(&kept[3])), ("from the first on", None)] {
        let listed = list(after, 2)?;
        let ordered = listed.is_sorted_by(|one, other| one < other) && listed.first().is_none_or(|first| Some(first) > after);
        if listed.len() > 2 || !ordered {
            return broken(Promise::ListsKeys, format!("too many keys were listed {what}, or in another order"));
        }
    }
    if list(None, 1)?.is_empty() {
        return broken(Promise::ListsKeys, "without a key to start after, none was listed");
    }
    Ok(())
}

/// A store and a key of it.
struct Slot<'a> {
    store: &'a dyn TokenStore,
    key: StoreKey,
}

impl<'a> Slot<'a> {
    fn new(store: &'a dyn TokenStore) -> Result<Self, Violation> {
        Ok(Self { store, key: StoreKey::new(&digest()?) })
    }

    /// A slot with an entry.
    fn filled(store: &'a dyn TokenStore) -> Result<(Self, StoreEntry), Violation> {
        let slot = Self::new(store)?;
        let entry = slot.entry()?;
        slot.swap(None, &entry)?;
        Ok((slot, entry))
    }

    /// An ordinary entry, which expires after the check.
    fn entry(&self) -> Result<StoreEntry, Violation> {
        let version = version()?;
        Ok(StoreEntry { data: format!("data of {version}").into_bytes(), version, expires_at: Some(soon()) })
    }

    fn load(&self) -> Result<Option<StoreEntry>, Violation> {
        self.store.load(&self.key).map_err(|error| Violation::failed("loading", error))
    }

    fn swap(&self, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, Violation> {
        self.store.swap(&self.key, expected, entry).map_err(|error| Violation::failed("saving", error))
    }

    fn try_lock(&self) -> Result<StoreLock, Violation> {
        self.store.try_lock(&self.key).map_err(|error| Violation::failed("locking", error))
    }

    /// Replaces an entry that would otherwise be kept by one that expires.
    fn let_expire(&self, current: &StoreEntry) -> Outcome {
        self.swap(Some(&current.version), &self.entry()?).map(drop)
    }
}

fn broken<T>(promise: Promise, detail: impl Into<String>) -> Result<T, Violation> {
    Err(Violation::new(promise, detail))
}

/// The result of a thread.
fn finished<T>(joined: thread::Result<Result<T, Violation>>) -> Result<T, Violation> {
    joined.unwrap_or_else(|_| broken(Promise::Works, "it panicked"))
}

/// Long enough to check a slow store.
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

fn draw(bytes: &mut [u8]) -> Outcome {
    SystemRandomness.fill(bytes).map_err(|error| Violation::failed("drawing random bytes", error.into()))
}
