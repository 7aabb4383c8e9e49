//! What is counted, and how it is reported.

use std::collections::BTreeMap;

use super::settings::{SECOND, Settings};

/// Bytes of PostgreSQL's write-ahead log for one swap of a 3 KB entry, and of the table for one
/// login, as measured.
const LOG_BYTES_PER_SWAP: u64 = 3_400;
const TABLE_BYTES_PER_LOGIN: u64 = 8_300;

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) handed_out: u64,
    pub(super) waited: u64,
    pub(super) refreshes: u64,
    pub(super) loads: u64,
    pub(super) swaps: u64,
    pub(super) conflicts: u64,
    pub(super) rejected: u64,
    pub(super) sessions_lost: u64,
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// How long each request waited at the login server.
    pub(super) server_waits: Vec<u64>,
    /// How long each operation of the store waited for a connection of its host, if it had to.
    pub(super) connection_waits: Vec<u64>,
    /// The time that connections were in use, summed.
    pub(super) connection_time: u64,
    /// The connections that are kept open because they were used within 30 s.
    pub(super) open_connections: usize,
}

impl Tally {
    pub(super) fn lines(&mut self, settings: &Settings) -> Vec<String> {
        let seconds = settings.counted / SECOND;
        let per_second = |count: u64| count.checked_div(seconds).unwrap_or(0);
        let log = self.swaps * LOG_BYTES_PER_SWAP;
        let errors: Vec<_> = self.errors.iter().map(|(code, count)| format!("{code} {count}")).collect();
        vec![
            format!(
                "{} hosts, {} logins on {} hosts each, {}-s tokens; a call for each every {} s: {} calls/s",
                settings.hosts,
                settings.logins,
                settings.hosts_per_login,
                settings.lifetime / SECOND,
                settings.pause / SECOND,
                per_second(self.calls),
            ),
            format!(
                "tokens handed out: {} per 1,000 calls; {} calls waited for a refresh",
                per_mille(self.handed_out, self.calls),
                self.waited
            ),
            format!(
                "login server, which completes {}/s: {} refreshes/s; wait {}",
                settings.server_rate,
                per_second(self.refreshes),
                spread(&mut self.server_waits)
            ),
            format!(
                "store: {} loads/s, {} swaps/s, {} conflicts/s; {:.1} loads, {:.2} swaps and {:.2} conflicts per refresh",
                per_second(self.loads),
                per_second(self.swaps),
                per_second(self.conflicts),
                ratio(self.loads, self.refreshes),
                ratio(self.swaps, self.refreshes),
                ratio(self.conflicts, self.refreshes),
            ),
            format!(
                "connections: {:.1} busy on average, {} open at the end; {} operations waited for one, {}",
                ratio(self.connection_time, settings.counted),
                self.open_connections,
                self.connection_waits.len(),
                spread(&mut self.connection_waits)
            ),
            format!(
                "PostgreSQL: {} MB of table, {:.1} MB/s or {} GB a day of log",
                settings.logins as u64 * TABLE_BYTES_PER_LOGIN / 1_000_000,
                ratio(log, seconds) / 1e6,
                per_second(log) * 86_400 / 1_000_000_000
            ),
            format!(
                "{} requests rejected, {} sessions lost; errors: {}",
                self.rejected,
                self.sessions_lost,
                if errors.is_empty() { "none".into() } else { errors.join(", ") }
            ),
        ]
    }
}

fn per_mille(part: u64, whole: u64) -> u64 {
    (part * 1000).checked_div(whole).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn spread(times: &mut [u64]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or(0);
    format!("p50 {:.1} ms, p99 {:.1} ms", ratio(at(50), 1000), ratio(at(99), 1000))
}
