//! The realm's clock. Tests move it forward; clients keep that of the machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A century: more than any lifetime, and far from what a number can hold.
const MOST: u64 = 100 * 366 * 86_400;

static AHEAD: AtomicU64 = AtomicU64::new(0);

/// The realm's time: when codes, tokens and sessions begin and end.
pub(crate) fn now() -> u64 {
    of_clients() + ahead()
}

/// The machine's time, by which clients judge what is signed for them.
pub(crate) fn of_clients() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

/// How many seconds the realm's clock is ahead of that of its clients.
pub(crate) fn ahead() -> u64 {
    AHEAD.load(Ordering::Relaxed)
}

/// Moves the realm's clock forward. Fails if that is more than a century in all.
pub(crate) fn advance(seconds: u64) -> Result<(), String> {
    let later = |ahead: u64| ahead.checked_add(seconds).filter(|ahead| *ahead <= MOST);
    let moved = AHEAD.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    moved.map(|_| ()).map_err(|_| format!("seconds: the clock can be at most {MOST} seconds ahead"))
}

pub(crate) fn reset() {
    AHEAD.store(0, Ordering::Relaxed);
}
