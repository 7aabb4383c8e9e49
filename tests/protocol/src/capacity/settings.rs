//! The size of a fleet, and how fast its store and its login server are.

/// Times are in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) hosts: usize,
    pub(super) logins: usize,
    /// How many hosts use each login.
    pub(super) hosts_per_login: usize,
    /// The mean time between two calls for one login on one host.
    pub(super) pause: u64,
    /// The lifetime of an access token.
    pub(super) lifetime: u64,
    /// How long an entry that was read is used before it is read again.
    pub(super) recheck: u64,
    /// How long the store takes for a load, and for a swap.
    pub(super) load: u64,
    pub(super) swap: u64,
    /// The connections of one host.
    pub(super) connections: usize,
    /// How many refreshes the login server completes in a second.
    pub(super) server_rate: u64,
    /// How long it takes for each beyond that.
    pub(super) response: u64,
    /// It rejects a request with 503 that would wait longer than this.
    pub(super) longest_wait: u64,
    /// How long it runs before anything is counted, and how long it is counted.
    pub(super) settling: u64,
    pub(super) counted: u64,
}

pub(super) const SECOND: u64 = 1_000_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts: 1_000,
            logins: 100_000,
            hosts_per_login: 3,
            pause: 20 * SECOND,
            lifetime: 300 * SECOND,
            recheck: 5 * SECOND,
            load: 400,
            swap: 4_000,
            connections: 4,
            server_rate: 1_000,
            response: 50_000,
            longest_wait: 5 * SECOND,
            settling: 600 * SECOND,
            counted: 300 * SECOND,
        }
    }
}

impl Settings {
    pub(super) const USAGE: &'static str = "usage: capacity [--hosts N] [--logins N] [--hosts-per-login N] [--pause SECONDS] [--lifetime SECONDS] \
        [--recheck SECONDS] [--load MICROSECONDS] [--swap MICROSECONDS] [--connections N] [--server-rate N]";

    pub(super) fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut settings = Self::default();
        while let Some(word) = words.next() {
            let value: u64 = words.next()?.parse().ok()?;
            let count = usize::try_from(value).ok()?;
            match word.as_str() {
                "--hosts" => settings.hosts = count,
                "--logins" => settings.logins = count,
                "--hosts-per-login" => settings.hosts_per_login = count,
                "--pause" => settings.pause = value * SECOND,
                "--lifetime" => settings.lifetime = value * SECOND,
                "--recheck" => settings.recheck = value * SECOND,
                "--load" => settings.load = value,
                "--swap" => settings.swap = value,
                "--connections" => settings.connections = count,
                "--server-rate" => settings.server_rate = value,
                _ => return None,
            }
        }
        Some(settings)
    }
}
