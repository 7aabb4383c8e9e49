//! What must hold in every state, and what may end a login unavoidably.

/// The invariants of `docs/refresh-protocol.md`, as far as a small world can break them.
///
/// I12 is covered by the worlds in which a clock is ahead or behind: the others must hold there
/// too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Invariant {
    SentUnderOwnClaim,
    DurableBeforeHandedOut,
    GenerationsGoUp,
    OnlySuccessorsReplace,
    CredentialsKept,
    RejectedOnlyByServer,
    OneRequestPerClaim,
    OneRequestPerGeneration,
    NextProcessSucceeds,
    NoTokenOfEndedLogin,
    NoExpiredToken,
    NoNeedlessWait,
    LogoutEndsSession,
    OnlyTombstoneRevoked,
    NoRefusedIdToken,
    OnlyJudgedLogins,
    OnlyEndedSessions,
}

impl Invariant {
    pub(super) const ALL: [Self; 17] = [
        Self::SentUnderOwnClaim,
        Self::DurableBeforeHandedOut,
        Self::GenerationsGoUp,
        Self::OnlySuccessorsReplace,
        Self::CredentialsKept,
        Self::RejectedOnlyByServer,
        Self::OneRequestPerClaim,
        Self::OneRequestPerGeneration,
        Self::NextProcessSucceeds,
        Self::NoTokenOfEndedLogin,
        Self::NoExpiredToken,
        Self::NoNeedlessWait,
        Self::LogoutEndsSession,
        Self::OnlyTombstoneRevoked,
        Self::NoRefusedIdToken,
        Self::OnlyJudgedLogins,
        Self::OnlyEndedSessions,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SentUnderOwnClaim => "I1: a refresh token is sent only under the sender's claim",
            Self::DurableBeforeHandedOut => "I2: no token is handed out, and no login reported, before it is stored",
            Self::GenerationsGoUp => "I3: the generation never goes down, and goes up with the tokens",
            Self::OnlySuccessorsReplace => "I3: a token set is replaced only by its successor or by a login",
            Self::CredentialsKept => "I5: only a completed logout removes credentials",
            Self::RejectedOnlyByServer => "I6: only what the server did not accept is marked as rejected",
            Self::OneRequestPerClaim => "I7: at most one request is in flight for a claim",
            Self::OneRequestPerGeneration => "I10: without a fault, each refresh token is sent once",
            Self::NextProcessSucceeds => "I4, I5, I8: the next process gets a token",
            Self::NoTokenOfEndedLogin => "I9: no token of a login that has ended is handed out",
            Self::NoExpiredToken => "I11: no expired token is handed out",
            Self::NoNeedlessWait => "I13: no caller waits for a refresh while the current token will do",
            Self::LogoutEndsSession => "I14: a completed logout has ended the session",
            Self::OnlyTombstoneRevoked => "I15: a logout revokes only its tombstone's token, and not during a refresh",
            Self::NoRefusedIdToken => "I16: no access token is stored or handed out beside an ID token that was refused",
            Self::OnlyJudgedLogins => "I17: no login is stored before its ID token was judged",
            Self::OnlyEndedSessions => "I18: the end of a session ends only its logins",
        }
    }
}

/// Why a server with strict rotation may end a login, whatever the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum UnavoidableLoss {
    Killed,
    ResponseLost,
    ProcessedLate,
    Stopped,
    WriteLost,
    RacedLogout,
    SeveralFaults,
}

impl UnavoidableLoss {
    pub(super) const ALL: [Self; 7] =
        [Self::Killed, Self::ResponseLost, Self::ProcessedLate, Self::Stopped, Self::WriteLost, Self::RacedLogout, Self::SeveralFaults];

    /// The name on the page.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed between request and commit",
            Self::ResponseLost => "response lost",
            Self::ProcessedLate => "request processed late",
            Self::Stopped => "owner stopped past its lease",
            Self::WriteLost => "store lost a write",
            Self::RacedLogout => "logout raced a login",
            Self::SeveralFaults => "several faults",
        }
    }
}
