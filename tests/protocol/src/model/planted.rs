//! Planted mistakes. Published libraries have made each of them, and the model must find it.

use sipgate_oauth2_protocol::refresh::record::{LEASE_MILLISECONDS, Record, Stored};
use sipgate_oauth2_protocol::refresh::reply::Reply;
use sipgate_oauth2_protocol::time::Moment;

/// Changes an observation or an action, around the real `decide`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    /// Callers get the new token before it is stored.
    HandOutBeforeCommit,
    /// After `invalid_grant` the record that was claimed is marked as rejected, without a reload.
    NoReload,
    /// A claim is taken over once it is old by the loading process's wall clock.
    LeaseByWallClock,
    /// After `invalid_grant` the record is deleted.
    DeleteOnInvalidGrant,
    /// A request that timed out is replayed at once.
    ReplayAfterTimeout,
    /// A login is stored over any record.
    SwapWithoutVersion,
    /// The revocation is sent without another load of the tombstone.
    RevokeWithoutReload,
    /// A logout is completed although the server has not confirmed it.
    ForgetUnconfirmedLogout,
    /// The holder of the lock assumes that the owner of any claim made under it has exited.
    TrustFreeLock,
    /// A claim counts as watched during an outage of the store.
    CountOutageAsWatched,
    /// A takeover does not wait for the tokens that the former owner may hold.
    TakeoverWithoutWait,
    /// The age of a claim counts from the store's response.
    ClaimDatedLate,
    /// The permit is waited for under the claim.
    ClaimBeforePermit,
    /// A response with a bad ID token is dropped.
    DropBadIdToken,
    /// The access token beside a bad ID token is handed out.
    IgnoreBadIdToken,
    /// A judgement is stored over any record.
    JudgeWithoutVersion,
    /// A refresh restores the access token that was stored when it was sent.
    RestoreRefused,
    /// A login is stored before its ID token was judged.
    StoreUnjudgedLogin,
    /// Each call that saves a login takes it for a new one.
    SaveTwice,
    /// The end of a session ends whatever login there is.
    EndAnySession,
}

impl Planted {
    pub(super) const ALL: [Self; 20] = [
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
        Self::DropBadIdToken,
        Self::IgnoreBadIdToken,
        Self::JudgeWithoutVersion,
        Self::RestoreRefused,
        Self::StoreUnjudgedLogin,
        Self::SaveTwice,
        Self::EndAnySession,
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
            Self::DropBadIdToken => "drop-bad-id-token",
            Self::IgnoreBadIdToken => "ignore-bad-id-token",
            Self::JudgeWithoutVersion => "judge-without-version",
            Self::RestoreRefused => "restore-refused",
            Self::StoreUnjudgedLogin => "store-unjudged-login",
            Self::SaveTwice => "save-twice",
            Self::EndAnySession => "end-any-session",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|planted| planted.name() == name)
    }
}

/// The member that holds the time of the claim on its owner's wall clock.
const CLAIMED_AT: &str = "claimed_at";

/// Adds the time to a claim that is written.
pub(super) fn note_clock(record: &mut Record, now: Moment) {
    let noted = [(CLAIMED_AT.to_owned(), now.wall.into())].into_iter().collect();
    record.unknown_members = record.claim.is_some().then(|| Box::new(noted));
}

/// Removes a claim that is too old from what is loaded.
pub(super) fn compare_clocks(stored: &mut Stored, owner: &str, now: Moment) {
    let claimed_at = stored.record.unknown_members.as_ref().and_then(|others| others.get(CLAIMED_AT)?.as_i64());
    let old = claimed_at.is_some_and(|at| u64::try_from(now.wall - at).is_ok_and(|age| age > LEASE_MILLISECONDS));
    if old && !stored.record.claimed_by(owner) {
        stored.record = Record { claim: None, ..(*stored.record).clone() }.into();
    }
}

/// Turns a timeout into a lost connection, which is replayed.
pub(super) fn mistake(reply: Reply) -> Reply {
    match reply {
        Reply::OutcomeUnknown(error) => Reply::ConnectionLost(error),
        reply => reply,
    }
}
