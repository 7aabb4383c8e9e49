//! The small worlds that are explored, each to its last state.

use super::planted::Planted;
use authorization_server::Rotation;

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
pub(super) struct Left {
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
    /// At the beginning the token is still to be handed out, though it should be renewed.
    pub(super) aging: bool,
    /// Rarer faults happen, too.
    pub(super) rare: bool,
    /// A process may log out while it logs in.
    pub(super) beside: bool,
    pub(super) left: Left,
    pub(super) planted: Option<Planted>,
}

impl Setup {
    /// The process id that others see, in its so many-th life.
    pub(super) fn pid(&self, process: usize, life: u8) -> u32 {
        let process = if self.exclusion.is_one_process() { 0 } else { process };
        1 + u32::try_from(process).expect("few processes") + 10 * u32::from(life)
    }
}

/// The worlds of a whole run.
pub(super) fn all() -> Vec<Setup> {
    let two = Left { calls: [2, 1, 0], leaps: 2, ..Left::default() };
    let brief = Left { calls: [1, 1, 0], leaps: 1, ..Left::default() };
    // Whoever watches a claim gives up before its lease has passed, and comes again.
    let again = Left { calls: [2, 1, 0], ..brief };
    let three = Left { calls: [1, 1, 1], leaps: 1, ..Left::default() };
    let strict = |name, exclusion, left: Left| Setup {
        name,
        exclusion,
        rotation: Rotation::Strict,
        processes: if left.calls[2] > 0 { 3 } else { 2 },
        skew: 0,
        aging: false,
        rare: false,
        beside: false,
        left,
        planted: None,
    };
    let lenient = |name, exclusion, left| Setup { rotation: Rotation::Off, ..strict(name, exclusion, left) };
    let rare = |name, exclusion| Setup { rare: true, ..strict(name, exclusion, Left { faults: 1, ..again }) };
    // The largest first: the others are explored beside them.
    vec![
        strict("login and logout, lock", Exclusion::Lock, Left { faults: 1, logins: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("login and logout, lease", Exclusion::Lease, Left { faults: 1, logins: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("no fault, lock", Exclusion::Lock, Left { logins: 1, logouts: 1, ..brief }),
        strict("no fault, lease", Exclusion::Lease, Left { logins: 1, logouts: 1, ..brief }),
        strict("401s, lock", Exclusion::Lock, Left { refusals: 2, forces: 1, ..brief }),
        strict("401s, lease", Exclusion::Lease, Left { refusals: 2, forces: 1, ..brief }),
        strict("one fault, lock", Exclusion::Lock, Left { faults: 1, ..two }),
        strict("one fault, lease", Exclusion::Lease, Left { faults: 1, ..two }),
        strict("login, lock", Exclusion::Lock, Left { faults: 1, logins: 1, leaps: 0, ..brief }),
        strict("login, lease", Exclusion::Lease, Left { faults: 1, logins: 1, leaps: 0, ..brief }),
        strict("logout, lock", Exclusion::Lock, Left { faults: 1, logouts: 1, ..brief }),
        strict("logout, lease", Exclusion::Lease, Left { faults: 1, logouts: 1, ..again }),
        strict("save, lock", Exclusion::Lock, Left { faults: 1, saves: 1, calls: [1, 0, 0], ..brief }),
        strict("save, lease", Exclusion::Lease, Left { faults: 1, saves: 1, calls: [1, 0, 0], ..brief }),
        strict("save and login, lock", Exclusion::Lock, Left { faults: 1, saves: 1, logins: 1, leaps: 0, calls: [1, 0, 0], ..brief }),
        strict("save and login, lease", Exclusion::Lease, Left { faults: 1, saves: 1, logins: 1, leaps: 0, calls: [1, 0, 0], ..brief }),
        strict("save and logout, lock", Exclusion::Lock, Left { faults: 1, saves: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("save and logout, lease", Exclusion::Lease, Left { faults: 1, saves: 1, logouts: 1, calls: [1, 0, 0], ..brief }),
        strict("two logouts, lock", Exclusion::Lock, Left { faults: 1, logouts: 2, calls: [1, 0, 0], ..brief }),
        strict("two logouts, lease", Exclusion::Lease, Left { faults: 1, logouts: 2, calls: [1, 0, 0], ..brief }),
        strict("three processes, lock", Exclusion::Lock, Left { faults: 1, ..three }),
        strict("three processes, lease", Exclusion::Lease, Left { faults: 1, calls: [2, 1, 1], ..three }),
        strict("siblings", Exclusion::Siblings, Left { faults: 1, ..again }),
        strict("copies, lock", Exclusion::Copies, Left { faults: 1, ..again }),
        rare("rare faults, lock", Exclusion::Lock),
        rare("rare faults, lease", Exclusion::Lease),
        rare("rare faults, copies", Exclusion::Copies),
        strict("a queue at the server, lock", Exclusion::Lock, Left { faults: 1, queues: 1, ..again }),
        strict("a queue at the server, lease", Exclusion::Lease, Left { faults: 1, queues: 1, ..again }),
        lenient("no rotation, two faults, lock", Exclusion::Lock, Left { faults: 2, ..brief }),
        lenient("no rotation, two faults, lease", Exclusion::Lease, Left { faults: 2, ..brief }),
        Setup {
            beside: true,
            ..strict("at the same time, lock", Exclusion::Lock, Left { logins: 1, saves: 1, logouts: 1, calls: [0, 0, 0], ..brief })
        },
        Setup {
            beside: true,
            ..strict("at the same time, lease", Exclusion::Lease, Left { logins: 1, saves: 1, logouts: 1, calls: [0, 0, 0], ..brief })
        },
        Setup { skew: 100_000, ..strict("a clock ahead, lease", Exclusion::Lease, Left { faults: 1, ..again }) },
        Setup { skew: -100_000, ..strict("a clock behind, lease", Exclusion::Lease, Left { faults: 1, ..again }) },
        Setup { aging: true, ..strict("between the limits, lock", Exclusion::Lock, Left { faults: 1, ..again }) },
        Setup { aging: true, ..strict("between the limits, lease", Exclusion::Lease, Left { faults: 1, ..again }) },
    ]
}
