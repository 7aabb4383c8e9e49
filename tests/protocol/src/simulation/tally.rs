//! The counters.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The total lifetime of logins, in milliseconds.
    pub(super) login_time: u64,
    pub(super) steps: u64,
    pub(super) operations: u64,
    pub(super) calls: u64,
    pub(super) served: u64,
    pub(super) refreshes: u64,
    pub(super) logins: u64,
    /// The logins whose tokens were obtained elsewhere.
    pub(super) saves: u64,
    /// The revocations, and those of them that failed as far as the client knows.
    pub(super) revocations: u64,
    pub(super) unconfirmed: u64,
    pub(super) crashes: u64,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) losses: BTreeMap<&'static str, u64>,
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// Events that are no failures, but worth knowing.
    pub(super) notables: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub(super) fn notable(&mut self, kind: &'static str) {
        *self.notables.entry(kind).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.login_time += other.login_time;
        self.steps += other.steps;
        self.operations += other.operations;
        self.calls += other.calls;
        self.served += other.served;
        self.refreshes += other.refreshes;
        self.logins += other.logins;
        self.saves += other.saves;
        self.revocations += other.revocations;
        self.unconfirmed += other.unconfirmed;
        self.crashes += other.crashes;
        for (all, more) in [
            (&mut self.faults, &other.faults),
            (&mut self.losses, &other.losses),
            (&mut self.errors, &other.errors),
            (&mut self.notables, &other.notables),
        ] {
            more.iter().for_each(|(kind, count)| *all.entry(kind).or_default() += count);
        }
    }

    pub(super) fn login_years(&self) -> u64 {
        self.login_time / (365 * 86_400_000)
    }
}

/// `kind 12, other kind 3`, the most frequent first.
pub(super) fn listed(counts: &BTreeMap<&'static str, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), **kind));
    let listed: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    if listed.is_empty() { "none".into() } else { listed.join(", ") }
}
