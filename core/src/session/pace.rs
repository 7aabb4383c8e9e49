//! How fast logins are kept alive: five a second, however many machines do so. Each process
//! reserves its turns in the store.

use protocol::error::Result;
use protocol::time::Moment;
use serde::{Deserialize, Serialize};

use super::entry::key;
use super::json_entry::{load, write};
use super::store::Store;
use crate::context::Context;

const INTERVAL_MILLISECONDS: u64 = 200;

/// The most turns that are reserved at once. A process reserves one at first, and then twice as
/// many each time, so that one with many idle logins rarely asks the store.
const MOST_TURNS: u64 = 25;

/// A process does not reserve further ahead than this. It asks again later.
const LONGEST_AHEAD_MILLISECONDS: i64 = 30_000;
const POLL_MILLISECONDS: u64 = 1_000;

/// The store may forget reservations after this long.
const KEPT_SECONDS: i64 = 3_600;

#[derive(Default)]
pub(super) struct Pace {
    /// The next turn of this process, by the monotonic clock.
    next: u64,
    turns: u64,
    reserved: u64,
}

/// In milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    In(u64),
    AskAgainIn(u64),
}

#[derive(Serialize, Deserialize)]
struct Reservations {
    /// Until when the turns are taken, in milliseconds since 1970.
    until: i64,
}

impl Pace {
    pub(super) fn turn(&mut self, context: &Context, store: &Store, now: Moment) -> Result<Turn> {
        if self.turns == 0 && !self.reserve(context, store, now)? {
            return Ok(Turn::AskAgainIn(POLL_MILLISECONDS));
        }
        self.turns -= 1;
        let at = self.next.max(now.mono);
        self.next = at + INTERVAL_MILLISECONDS;
        Ok(Turn::In(at - now.mono))
    }

    fn reserve(&mut self, context: &Context, store: &Store, now: Moment) -> Result<bool> {
        let key = key(&["keep-alive pace", &context.metadata.issuer, &context.credentials.client_id]);
        let found = load::<Reservations>(store, &key)?;
        let ahead = found.as_ref().map_or(0, |(_, reserved)| reserved.until.saturating_sub(now.wall));
        // A reservation further ahead was made by a wrong clock.
        let ahead = if ahead <= 2 * LONGEST_AHEAD_MILLISECONDS { ahead.max(0) } else { 0 };
        if ahead > LONGEST_AHEAD_MILLISECONDS {
            return Ok(false);
        }
        let turns = (self.reserved * 2).clamp(1, MOST_TURNS);
        let length = turns * INTERVAL_MILLISECONDS;
        let until = now.wall + ahead + i64::try_from(length).unwrap_or(i64::MAX);
        let expected = found.as_ref().map(|(version, _)| version.as_str());
        if write(context, store, &key, expected, &Reservations { until }, KEPT_SECONDS)?.is_none() {
            return Ok(false);
        }
        self.next = now.mono + u64::try_from(ahead).unwrap_or(0);
        (self.turns, self.reserved) = (turns, turns);
        Ok(true)
    }
}
