//! Deliberate bugs. Each is one that a published library has or had; a model that finds none of them proves nothing.

use serde_json::Value;

use super::setup::{self, Setup};
use crate::refresh::answer::Reply;
use crate::refresh::moment::Moment;
use crate::refresh::record::{LEASE_MILLISECONDS, Record, Stored};

/// Around the real `decide`: what it sees, or what becomes of its actions, is altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    /// The callers get the new token before it is stored.
    HandOutBeforeCommit,
    /// After `invalid_grant` the record is marked dead as it was before the request.
    NoReload,
    /// A claim is taken over when it is old by the clock of whoever looks.
    LeaseByClock,
    /// After `invalid_grant` the login is deleted.
    DeleteOnInvalidGrant,
    /// A request that timed out is sent again at once.
    ReplayAfterTimeout,
}

impl Planted {
    pub(super) const ALL: [Self; 5] =
        [Self::HandOutBeforeCommit, Self::NoReload, Self::LeaseByClock, Self::DeleteOnInvalidGrant, Self::ReplayAfterTimeout];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HandOutBeforeCommit => "hand-out-before-commit",
            Self::NoReload => "no-reload",
            Self::LeaseByClock => "lease-by-clock",
            Self::DeleteOnInvalidGrant => "delete-on-invalid-grant",
            Self::ReplayAfterTimeout => "replay-after-timeout",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|planted| planted.name() == name)
    }

    /// A world, of those that are explored without it, in which it must show.
    pub(super) fn setup(self) -> Setup {
        let name = match self {
            Self::HandOutBeforeCommit => "no fault, lock",
            Self::NoReload | Self::DeleteOnInvalidGrant | Self::ReplayAfterTimeout => "one fault, lease",
            Self::LeaseByClock => "a clock ahead, lease",
        };
        let setup = setup::all().into_iter().find(|setup| setup.name == name).expect("it is one of them");
        Setup { planted: Some(self), ..setup }
    }
}

/// The member in which the clock of the claim's owner is noted.
const CLAIMED_AT: &str = "claimed_at";

/// A claim as it is written.
pub(super) fn note_clock(record: &mut Record, now: Moment) {
    record.others.remove(CLAIMED_AT);
    if record.claim.is_some() {
        record.others.insert(CLAIMED_AT.into(), now.wall.into());
    }
}

/// A claim as it is read: as if it was not there, when it is too old.
pub(super) fn compare_clocks(stored: &mut Stored, owner: &str, now: Moment) {
    let claimed_at = stored.record.others.get(CLAIMED_AT).and_then(Value::as_i64);
    let old = claimed_at.is_some_and(|at| u64::try_from(now.wall - at).is_ok_and(|age| age > LEASE_MILLISECONDS));
    if old && !stored.record.claimed_by(owner) {
        stored.record = Record { claim: None, ..(*stored.record).clone() }.into();
    }
}

/// An answer as it is taken.
pub(super) fn mistake(reply: Reply) -> Reply {
    match reply {
        Reply::InDoubt(error) => Reply::Broken(error),
        reply => reply,
    }
}
