//! The trace of one account, for the report of a failure.

use std::collections::VecDeque;

const HISTORY: usize = 70;

pub(super) enum Trace {
    Off,
    Of { account: usize, lines: VecDeque<String> },
}

impl Trace {
    pub(super) fn of(account: usize) -> Self {
        Self::Of { account, lines: VecDeque::new() }
    }

    /// Notes an event of one account, or of all.
    pub(super) fn note(&mut self, account: Option<usize>, now: u64, text: impl FnOnce() -> String) {
        if let Self::Of { account: traced, lines } = self
            && account.is_none_or(|account| account == *traced)
        {
            if lines.len() == HISTORY {
                lines.pop_front();
            }
            lines.push_back(format!("{:>13} {}", clock(now), text()));
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Off => None,
            Self::Of { lines, .. } => Some(lines.iter().map(String::as_str)),
        }
        .into_iter()
        .flatten()
    }
}

fn clock(now: u64) -> String {
    let (days, rest) = (now / 86_400_000, now % 86_400_000);
    format!("{days}d{:02}:{:02}:{:02}.{:03}", rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000)
}
