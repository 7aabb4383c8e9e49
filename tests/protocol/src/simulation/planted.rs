//! Deliberate mistakes, which the checks must find.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    HandOutBeforeCommit,
    ReplayAfterTimeout,
    ShortLease,
    NoReload,
    DeleteOnInvalidGrant,
    ForgetUnconfirmedLogout,
    RevokeWithoutReload,
    SwapWithoutVersion,
    /// The holder of the lock assumes that the owner of any claim made under it has exited.
    TrustFreeLock,
    /// A claim counts as watched during an outage of the store, and a takeover does not wait for
    /// the tokens that the former owner may hold.
    TakeoverWithoutWait,
    /// The age of a claim counts from the store's response.
    ClaimDatedLate,
}

impl Planted {
    pub(super) const ALL: [Self; 11] = [
        Self::HandOutBeforeCommit,
        Self::ReplayAfterTimeout,
        Self::ShortLease,
        Self::NoReload,
        Self::DeleteOnInvalidGrant,
        Self::ForgetUnconfirmedLogout,
        Self::RevokeWithoutReload,
        Self::SwapWithoutVersion,
        Self::TrustFreeLock,
        Self::TakeoverWithoutWait,
        Self::ClaimDatedLate,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HandOutBeforeCommit => "hand-out-before-commit",
            Self::ReplayAfterTimeout => "replay-after-timeout",
            Self::ShortLease => "short-lease",
            Self::NoReload => "no-reload",
            Self::DeleteOnInvalidGrant => "delete-on-invalid-grant",
            Self::ForgetUnconfirmedLogout => "forget-unconfirmed-logout",
            Self::RevokeWithoutReload => "revoke-without-reload",
            Self::SwapWithoutVersion => "swap-without-version",
            Self::TrustFreeLock => "trust-free-lock",
            Self::TakeoverWithoutWait => "takeover-without-wait",
            Self::ClaimDatedLate => "claim-dated-late",
        }
    }
}
