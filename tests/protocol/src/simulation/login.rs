//! The login that a user believes to have, and why one may be lost.

#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) grant_id: String,
    pub(super) session: usize,
    pub(super) since: u64,
    /// Whether the store has ever held it.
    pub(super) stored: bool,
}

/// Why a login was lost although the library made no mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnavoidableLoss {
    EndedByServer,
    UserDisabled,
    Killed,
    KilledAndProcessedLate,
    KilledUnsaved,
    ResponseLost,
    ProcessedLate,
    StoppedBeforeSending,
    Stopped,
    SlowOwner,
    WriteLost,
    RacedLogout,
}

impl UnavoidableLoss {
    pub(super) const ALL: [Self; 12] = [
        Self::EndedByServer,
        Self::UserDisabled,
        Self::Killed,
        Self::KilledAndProcessedLate,
        Self::KilledUnsaved,
        Self::ResponseLost,
        Self::ProcessedLate,
        Self::StoppedBeforeSending,
        Self::Stopped,
        Self::SlowOwner,
        Self::WriteLost,
        Self::RacedLogout,
    ];

    /// The name on the page.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EndedByServer => "session ended by the server",
            Self::UserDisabled => "user disabled",
            Self::Killed => "killed between request and commit",
            Self::KilledAndProcessedLate => "killed, and the request processed late",
            Self::KilledUnsaved => "killed with unsaved tokens",
            Self::ResponseLost => "response lost",
            Self::ProcessedLate => "request processed late",
            Self::StoppedBeforeSending => "stopped before sending",
            Self::Stopped => "owner stopped past its lease",
            Self::SlowOwner => "owner's store slow past its lease",
            Self::WriteLost => "store lost a write",
            Self::RacedLogout => "logout raced a login",
        }
    }
}
