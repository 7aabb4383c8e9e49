//! The kinds of worlds.

use authorization_server::Rotation;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: &'static str,
    pub(super) rotation: Rotation,
    /// Whether the store has locks. Then all processes share one machine.
    pub(super) locks: bool,
    pub(super) machines: usize,
    pub(super) processes: usize,
    pub(super) accounts: usize,
    /// The request timeout, in milliseconds.
    pub(super) deadline: u64,
    /// The lifetime of an access token, in seconds.
    pub(super) lifetime: u64,
    /// The mean time between two bursts of calls for one account, in milliseconds.
    pub(super) mean_pause: u64,
    /// The server sends ID tokens.
    pub(super) id_tokens: bool,
    /// Every process has the process id 1, as in containers.
    pub(super) same_number: bool,
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

const fn one_machine(name: &'static str, rotation: Rotation, lifetime: u64) -> Settings {
    Settings {
        name,
        rotation,
        locks: true,
        machines: 1,
        processes: 5,
        accounts: 8,
        deadline: 30_000,
        lifetime,
        mean_pause: 12 * HOUR,
        id_tokens: true,
        same_number: false,
    }
}

const fn fleet(name: &'static str, rotation: Rotation, lifetime: u64) -> Settings {
    Settings { machines: 3, processes: 6, locks: false, same_number: lifetime < 600, ..one_machine(name, rotation, lifetime) }
}

pub(super) static ALL: [Settings; 10] = [
    one_machine("locks, no rotation", Rotation::Off, 300),
    one_machine("locks, strict rotation", Rotation::Strict, 300),
    one_machine("locks, strict rotation, long tokens", Rotation::Strict, 8 * 3600),
    one_machine("locks, grace of 2 min", Rotation::Grace(2 * MINUTE), 60),
    Settings { id_tokens: false, ..one_machine("locks, spent tokens refused", Rotation::Once, 300) },
    fleet("lease, no rotation", Rotation::Off, 300),
    fleet("lease, strict rotation", Rotation::Strict, 300),
    Settings { deadline: 10_000, ..fleet("lease, strict rotation, hourly tokens, short requests", Rotation::Strict, 3600) },
    fleet("lease, grace of 2 min", Rotation::Grace(2 * MINUTE), 60),
    Settings { id_tokens: false, ..fleet("lease, spent tokens refused", Rotation::Once, 300) },
];
