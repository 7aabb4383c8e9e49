//! The small worlds, each explored to its last state.

use super::planted::Planted;
use authorization_server::Rotation;

/// What keeps two processes from refreshing at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Exclusion {
    /// The operating system's lock.
    Lock,
    /// The lock, between copies of the library in one process, all of which it lets in.
    Siblings,
    /// The lock, between copies of the library in one process, only one of which it lets in: it
    /// belongs to the open file.
    Copies,
    /// Only the claim in the record.
    Lease,
}

impl Exclusion {
    /// Whether the "processes" are copies of the library in one process.
    pub(super) fn is_one_process(self) -> bool {
        matches!(self, Self::Siblings | Self::Copies)
    }

    /// Whether only one operation can hold the lock.
    pub(super) fn is_lock(self) -> bool {
        matches!(self, Self::Lock | Self::Copies)
    }
}

/// What the server sends besides access tokens, and what is known of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum IdTokens {
    None,
    /// The keys are at hand.
    Judged,
    /// The keys are missing at first. The ID token at the start is not judged yet.
    Unjudged,
}

/// How many more events may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Calls for an access token in each process.
    pub(super) calls: [u8; 3],
    /// Calls for a forced refresh.
    pub(super) forces: u8,
    /// 401s from an API.
    pub(super) refusals: u8,
    pub(super) logins: u8,
    /// Tokens from a login elsewhere.
    pub(super) saves: u8,
    pub(super) logouts: u8,
    /// Logins that were exchanged are judged and saved.
    pub(super) completions: u8,
    pub(super) judgements: u8,
    /// Bad ID tokens.
    pub(super) bad: u8,
    /// Ends of all sessions by the server, told to one process.
    pub(super) ends: u8,
    pub(super) leaps: u8,
    /// Beats after the last leap.
    pub(super) beats: u8,
    /// How many times other operations get their permit first.
    pub(super) queues: u8,
    pub(super) faults: u8,
}

/// One world.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) name: &'static str,
    pub(super) exclusion: Exclusion,
    pub(super) rotation: Rotation,
    pub(super) processes: u8,
    /// How far the second process's wall clock is ahead, in milliseconds (I12).
    pub(super) skew: i64,
    /// At the start the token is due for a refresh, but still usable.
    pub(super) refresh_due: bool,
    /// Rarer faults happen too.
    pub(super) rare: bool,
    /// A process may log out during its own login.
    pub(super) simultaneous: bool,
    /// A logout forgets the user too.
    pub(super) forgets: bool,
    pub(super) id_tokens: IdTokens,
    /// The server names the user whose sessions end, and not a session.
    pub(super) ends_by_user: bool,
    pub(super) budget: Budget,
    pub(super) planted: Option<Planted>,
}

impl Setup {
    /// The world in which a planted mistake must be found.
    pub(super) fn with(planted: Planted) -> Self {
        let name = match planted {
            Planted::HandOutBeforeCommit => "no fault, lock",
            Planted::NoReload | Planted::DeleteOnInvalidGrant | Planted::ReplayAfterTimeout => "one fault, lease",
            Planted::LeaseByWallClock => "a clock ahead, lease",
            Planted::SwapWithoutVersion => "save, lease",
            Planted::RevokeWithoutReload => "save and logout, lease",
            Planted::ForgetUnconfirmedLogout => "two logouts, lock",
            Planted::TrustFreeLock => "rare faults, lock",
            Planted::CountOutageAsWatched => "two logouts, lease",
            Planted::ClaimDatedLate | Planted::TakeoverWithoutWait => "rare faults, lease",
            Planted::ClaimBeforePermit => "a queue at the server, lease",
            Planted::DropBadIdToken | Planted::IgnoreBadIdToken | Planted::JudgeWithoutVersion | Planted::RestoreRefused => {
                "ID tokens, lease"
            }
            Planted::StoreUnjudgedLogin | Planted::SaveTwice => "a login without keys, lease",
            Planted::EndAnySession => "sessions that end, lease",
        };
        let setup = all().into_iter().find(|setup| setup.name == name).expect("it is one of them");
        Self { planted: Some(planted), ..setup }
    }

    /// The process id that others see.
    pub(super) fn pid(&self, process: usize, incarnation: u8) -> u32 {
        let process = if self.exclusion.is_one_process() { 0 } else { process };
        1 + u32::try_from(process).expect("few processes") + 10 * u32::from(incarnation)
    }
}

/// Worlds of more than half a million states, which take minutes.
const LARGE: [&str; 6] = [
    "login and logout, lease",
    "login and logout, lock",
    "logout, lease",
    "no fault, lease",
    "save and logout, lease",
    "three processes, lease",
];

/// The worlds that take seconds.
pub(super) fn small() -> Vec<Setup> {
    all().into_iter().filter(|setup| !LARGE.contains(&setup.name)).collect()
}

/// The worlds of a full run.
pub(super) fn all() -> Vec<Setup> {
    let two = Budget { calls: [2, 1, 0], leaps: 2, ..Budget::default() };
    let brief = Budget { calls: [1, 1, 0], leaps: 1, ..Budget::default() };
    // An operation that waits for a claim gives up before the lease expires, so it takes two calls.
    let again = Budget { calls: [2, 1, 0], ..brief };
    let three = Budget { calls: [1, 1, 1], leaps: 1, ..Budget::default() };
    let strict = |name, exclusion, budget: Budget| Setup {
        name,
        exclusion,
        rotation: Rotation::Strict,
        processes: if budget.calls[2] > 0 { 3 } else { 2 },
        skew: 0,
        refresh_due: false,
        rare: false,
        simultaneous: false,
        forgets: false,
        id_tokens: IdTokens::None,
        ends_by_user: false,
        budget,
        planted: None,
    };
    let lenient = |name, exclusion, budget| Setup { rotation: Rotation::Off, ..strict(name, exclusion, budget) };
    let unjudged = |name, exclusion, budget| Setup { id_tokens: IdTokens::Unjudged, ..strict(name, exclusion, budget) };
    let ends = |name, exclusion, ends_by_user| Setup {
        id_tokens: IdTokens::Judged,
        ends_by_user,
        ..strict(name, exclusion, Budget { ends: 1, logins: 1, calls: [1, 0, 0], faults: 1, ..Budget::default() })
    };
    let id_tokens = Budget { judgements: 2, bad: 1, ..brief };
    let judged_once = Budget { judgements: 1, bad: 1, calls: [1, 1, 0], ..Budget::default() };
    let login = Budget { logins: 1, completions: 2, bad: 1, forces: 1, ..Budget::default() };
    let rare = |name, exclusion| Setup { rare: true, ..strict(name, exclusion, Budget { faults: 1, ..again }) };
    // The largest first: the others are explored beside them.
    vec![
        strict("login and logout, lock", Exclusion::Lock, Budget { faults: 1, logins: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("login and logout, lease", Exclusion::Lease, Budget { faults: 1, logins: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("no fault, lock", Exclusion::Lock, Budget { logins: 1, logouts: 1, ..brief }),
        strict("no fault, lease", Exclusion::Lease, Budget { logins: 1, logouts: 1, ..brief }),
        strict("401s, lock", Exclusion::Lock, Budget { refusals: 2, forces: 1, ..brief }),
        strict("401s, lease", Exclusion::Lease, Budget { refusals: 2, forces: 1, ..brief }),
        strict("one fault, lock", Exclusion::Lock, Budget { faults: 1, ..two }),
        strict("one fault, lease", Exclusion::Lease, Budget { faults: 1, ..two }),
        strict("login, lock", Exclusion::Lock, Budget { faults: 1, logins: 1, leaps: 0, ..brief }),
        strict("login, lease", Exclusion::Lease, Budget { faults: 1, logins: 1, leaps: 0, ..brief }),
        strict("logout, lock", Exclusion::Lock, Budget { faults: 1, logouts: 1, ..brief }),
        strict("logout, lease", Exclusion::Lease, Budget { faults: 1, logouts: 1, ..again }),
        strict("save, lock", Exclusion::Lock, Budget { faults: 1, saves: 1, calls: [1, 0, 0], ..brief }),
        strict("save, lease", Exclusion::Lease, Budget { faults: 1, saves: 1, calls: [1, 0, 0], ..brief }),
        strict("save and login, lock", Exclusion::Lock, Budget { faults: 1, saves: 1, logins: 1, leaps: 0, calls: [1, 0, 0], ..brief }),
        strict("save and login, lease", Exclusion::Lease, Budget { faults: 1, saves: 1, logins: 1, leaps: 0, calls: [1, 0, 0], ..brief }),
        strict("save and logout, lock", Exclusion::Lock, Budget { faults: 1, saves: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("save and logout, lease", Exclusion::Lease, Budget { faults: 1, saves: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("two logouts, lock", Exclusion::Lock, Budget { faults: 1, logouts: 2, calls: [1, 0, 0], ..brief }),
        strict("two logouts, lease", Exclusion::Lease, Budget { faults: 1, logouts: 2, calls: [1, 0, 0], ..brief }),
        Setup {
            forgets: true,
            ..strict("forgetting, lock", Exclusion::Lock, Budget { faults: 1, logins: 1, logouts: 1, calls: [1, 0, 0], leaps: 0, ..brief })
        },
        Setup {
            forgets: true,
            ..strict("forgetting twice, lease", Exclusion::Lease, Budget { faults: 1, logouts: 2, calls: [1, 0, 0], ..brief })
        },
        strict("three processes, lock", Exclusion::Lock, Budget { faults: 1, ..three }),
        strict("three processes, lease", Exclusion::Lease, Budget { faults: 1, calls: [2, 1, 1], ..three }),
        strict("siblings", Exclusion::Siblings, Budget { faults: 1, ..again }),
        strict("copies, lock", Exclusion::Copies, Budget { faults: 1, ..again }),
        rare("rare faults, lock", Exclusion::Lock),
        rare("rare faults, lease", Exclusion::Lease),
        rare("rare faults, copies", Exclusion::Copies),
        strict("a queue at the server, lock", Exclusion::Lock, Budget { faults: 1, queues: 1, ..again }),
        strict("a queue at the server, lease", Exclusion::Lease, Budget { faults: 1, queues: 1, ..again }),
        lenient("no rotation, two faults, lock", Exclusion::Lock, Budget { faults: 2, ..brief }),
        lenient("no rotation, two faults, lease", Exclusion::Lease, Budget { faults: 2, ..brief }),
        Setup {
            simultaneous: true,
            ..strict("at the same time, lock", Exclusion::Lock, Budget { logins: 1, saves: 1, logouts: 1, calls: [0, 0, 0], ..brief })
        },
        Setup {
            simultaneous: true,
            ..strict("at the same time, lease", Exclusion::Lease, Budget { logins: 1, saves: 1, logouts: 1, calls: [0, 0, 0], ..brief })
        },
        unjudged("ID tokens, lock", Exclusion::Lock, id_tokens),
        unjudged("ID tokens, lease", Exclusion::Lease, id_tokens),
        unjudged("ID tokens, one fault, lock", Exclusion::Lock, Budget { faults: 1, ..judged_once }),
        unjudged("ID tokens, one fault, lease", Exclusion::Lease, Budget { faults: 1, ..judged_once }),
        unjudged("a login without keys, lock", Exclusion::Lock, login),
        unjudged("a login without keys, lease", Exclusion::Lease, login),
        ends("sessions that end, lock", Exclusion::Lock, false),
        ends("sessions that end, lease", Exclusion::Lease, true),
        Setup { skew: 100_000, ..strict("a clock ahead, lease", Exclusion::Lease, Budget { faults: 1, ..again }) },
        Setup { skew: -100_000, ..strict("a clock behind, lease", Exclusion::Lease, Budget { faults: 1, ..again }) },
        Setup { refresh_due: true, ..strict("between the limits, lock", Exclusion::Lock, Budget { faults: 1, ..again }) },
        Setup { refresh_due: true, ..strict("between the limits, lease", Exclusion::Lease, Budget { faults: 1, ..again }) },
    ]
}
