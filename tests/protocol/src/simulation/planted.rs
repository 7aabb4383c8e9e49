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
    /// Whoever gets the lock takes the owner of what was claimed under it for dead.
    TrustFreeLock,
    /// A claim counts as watched while the store did not answer, and who takes it over does not
    /// wait for what its owner may hold.
    TakeoverWithoutWait,
    /// A claim is as old as the store's answer to it.
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
