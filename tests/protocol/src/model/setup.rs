//! The small worlds that are explored, each to its last state.

use super::planted::Planted;
use super::server::Rotation;

/// What excludes one process from the other's refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Exclusion {
    /// The operating system's lock.
    Lock,
    /// The same, between copies of the library within one process, which the lock does not part.
    Siblings,
    /// The same, and the lock parts them: it belongs to the open file, not to the process.
    Copies,
    /// Nothing but the claim in the record.
    Lease,
}

impl Exclusion {
    /// Whether there are no two processes, but two copies of the library in one.
    pub(super) fn is_one_process(self) -> bool {
        matches!(self, Self::Siblings | Self::Copies)
    }

    /// Whether the lock keeps everybody out for as long as it is held.
    pub(super) fn is_lock(self) -> bool {
        matches!(self, Self::Lock | Self::Copies)
    }
}

/// How much may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Calls for an access token, for each process.
    pub(super) calls: [u8; 3],
    /// Calls of `refresh()`.
    pub(super) forces: u8,
    /// 401s of an API.
    pub(super) refusals: u8,
    pub(super) logins: u8,
    /// Tokens that were got elsewhere.
    pub(super) saves: u8,
    pub(super) logouts: u8,
    pub(super) leaps: u8,
    /// After the last leap.
    pub(super) beats: u8,
    /// How often others have their turn at the server first.
    pub(super) queues: u8,
    pub(super) faults: u8,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) name: &'static str,
    pub(super) exclusion: Exclusion,
    pub(super) rotation: Rotation,
    pub(super) processes: u8,
    /// By how much the second process's wall clock is ahead, in milliseconds.
    pub(super) skew: i64,
    /// At the beginning the token is still to be handed out, though it should be refreshed.
    pub(super) refresh_due: bool,
    /// Rarer faults happen, too.
    pub(super) rare: bool,
    /// A process may log out while it logs in.
    pub(super) simultaneous: bool,
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
        };
        let setup = all().into_iter().find(|setup| setup.name == name).expect("it is one of them");
        Self { planted: Some(planted), ..setup }
    }

    /// The process id that others see, in its so many-th incarnation.
    pub(super) fn pid(&self, process: usize, incarnation: u8) -> u32 {
        let process = if self.exclusion.is_one_process() { 0 } else { process };
        1 + u32::try_from(process).expect("few processes") + 10 * u32::from(incarnation)
    }
}

/// The worlds of a whole run.
pub(super) fn all() -> Vec<Setup> {
    let two = Budget { calls: [2, 1, 0], leaps: 2, ..Budget::default() };
    let brief = Budget { calls: [1, 1, 0], leaps: 1, ..Budget::default() };
    // Whoever watches a claim gives up before its lease has passed, and comes again.
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
        budget,
        planted: None,
    };
    let lenient = |name, exclusion, budget| Setup { rotation: Rotation::None, ..strict(name, exclusion, budget) };
    let rare = |name, exclusion| Setup { rare: true, ..strict(name, exclusion, Budget { faults: 1, ..again }) };
    // The largest first: the others are explored simultaneous them.
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
        Setup { skew: 100_000, ..strict("a clock ahead, lease", Exclusion::Lease, Budget { faults: 1, ..again }) },
        Setup { skew: -100_000, ..strict("a clock behind, lease", Exclusion::Lease, Budget { faults: 1, ..again }) },
        Setup { refresh_due: true, ..strict("between the limits, lock", Exclusion::Lock, Budget { faults: 1, ..again }) },
        Setup { refresh_due: true, ..strict("between the limits, lease", Exclusion::Lease, Budget { faults: 1, ..again }) },
    ]
}
