//! Deliberate bugs. Each is one that a published library has or had; a model that finds none of
//! them proves nothing.

use sipgate_oauth2_protocol::refresh::record::{LEASE_MILLISECONDS, Record, Stored};
use sipgate_oauth2_protocol::refresh::reply::Reply;
use sipgate_oauth2_protocol::time::Moment;

/// Around the real `decide`: what it sees, or what becomes of its actions, is altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    /// The callers get the new token before it is stored.
    HandOutBeforeCommit,
    /// After `invalid_grant` the record is marked dead as it was before the request.
    NoReload,
    /// A claim is taken over when it is old by the clock of whoever looks.
    LeaseByWallClock,
    /// After `invalid_grant` the login is deleted.
    DeleteOnInvalidGrant,
    /// A request that timed out is sent again at once.
    ReplayAfterTimeout,
    /// A login is written over whatever is there by now.
    SwapWithoutVersion,
    /// The server is asked to end a session without another look at whose it is.
    RevokeWithoutReload,
    /// A logout counts as finished although the server has not said so.
    ForgetUnconfirmedLogout,
    /// Whoever gets the lock takes the owner of what was claimed under it for dead.
    TrustFreeLock,
    /// A claim counts as watched while the store did not response.
    CountOutageAsWatched,
    /// Who takes a claim over does not wait for what its owner may hold.
    TakeoverWithoutWait,
    /// A claim is as old as the store's response to it.
    ClaimDatedLate,
    /// The turn at the server is waited for under the claim.
    ClaimBeforePermit,
}

impl Planted {
    pub(super) const ALL: [Self; 13] = [
        Self::HandOutBeforeCommit,
        Self::NoReload,
        Self::LeaseByWallClock,
        Self::DeleteOnInvalidGrant,
        Self::ReplayAfterTimeout,
        Self::SwapWithoutVersion,
        Self::RevokeWithoutReload,
        Self::ForgetUnconfirmedLogout,
        Self::TrustFreeLock,
        Self::CountOutageAsWatched,
        Self::TakeoverWithoutWait,
        Self::ClaimDatedLate,
        Self::ClaimBeforePermit,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HandOutBeforeCommit => "hand-out-before-commit",
            Self::NoReload => "no-reload",
            Self::LeaseByWallClock => "lease-by-wall-clock",
            Self::DeleteOnInvalidGrant => "delete-on-invalid-grant",
            Self::ReplayAfterTimeout => "replay-after-timeout",
            Self::SwapWithoutVersion => "swap-without-version",
            Self::RevokeWithoutReload => "revoke-without-reload",
            Self::ForgetUnconfirmedLogout => "forget-unconfirmed-logout",
            Self::TrustFreeLock => "trust-free-lock",
            Self::CountOutageAsWatched => "count-outage-as-watched",
            Self::TakeoverWithoutWait => "takeover-without-wait",
            Self::ClaimDatedLate => "claim-dated-late",
            Self::ClaimBeforePermit => "claim-before-permit",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|planted| planted.name() == name)
    }
}

/// The member in which the clock of the claim's owner is noted.
const CLAIMED_AT: &str = "claimed_at";

/// A claim as it is written.
pub(super) fn note_clock(record: &mut Record, now: Moment) {
    let noted = [(CLAIMED_AT.to_owned(), now.wall.into())].into_iter().collect();
    record.unknown_members = record.claim.is_some().then(|| Box::new(noted));
}

/// A claim as it is read: as if it was not there, when it is too old.
pub(super) fn compare_clocks(stored: &mut Stored, owner: &str, now: Moment) {
    let claimed_at = stored.record.unknown_members.as_ref().and_then(|others| others.get(CLAIMED_AT)?.as_i64());
    let old = claimed_at.is_some_and(|at| u64::try_from(now.wall - at).is_ok_and(|age| age > LEASE_MILLISECONDS));
    if old && !stored.record.claimed_by(owner) {
        stored.record = Record { claim: None, ..(*stored.record).clone() }.into();
    }
}

/// An response as it is taken.
pub(super) fn mistake(reply: Reply) -> Reply {
    match reply {
        Reply::OutcomeUnknown(error) => Reply::ConnectionLost(error),
        reply => reply,
    }
}
