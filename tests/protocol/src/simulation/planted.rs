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
    /// A response with a bad ID token is dropped.
    DropBadIdToken,
    /// The access token beside a bad ID token is handed out.
    IgnoreBadIdToken,
    /// A judgement is stored over any record.
    JudgeWithoutVersion,
    /// A login is stored before its ID token was judged.
    StoreUnjudgedLogin,
    /// The end of a session ends whatever login there is.
    EndAnySession,
}

impl Planted {
    pub(super) const ALL: [Self; 16] = [
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
        Self::DropBadIdToken,
        Self::IgnoreBadIdToken,
        Self::JudgeWithoutVersion,
        Self::StoreUnjudgedLogin,
        Self::EndAnySession,
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
            Self::DropBadIdToken => "drop-bad-id-token",
            Self::IgnoreBadIdToken => "ignore-bad-id-token",
            Self::JudgeWithoutVersion => "judge-without-version",
            Self::StoreUnjudgedLogin => "store-unjudged-login",
            Self::EndAnySession => "end-any-session",
        }
    }
}
