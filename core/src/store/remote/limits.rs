//! How long an operation may take, and how many connections a process may have.

use std::time::{Duration, Instant};

use protocol::error::{Error, Result};

use crate::store::options::StoreOptions;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Other machines take a refresh over when its lease has ended. A claim that becomes visible later
/// than this after it was sent would leave its owner too little of the lease.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(5);

const CONNECTIONS: usize = 4;
const MOST_CONNECTIONS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) connections: usize,
}

impl Limits {
    pub(crate) fn new(options: &StoreOptions) -> Result<Self> {
        let timeout = options.timeout.unwrap_or(TIMEOUT);
        if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
            return Err(Error::invalid_argument("timeout", "must be more than 0 and at most 5 seconds"));
        }
        let connections = options.connections.unwrap_or(CONNECTIONS);
        if !(1..=MOST_CONNECTIONS).contains(&connections) {
            return Err(Error::invalid_argument("connections", format_args!("must be between 1 and {MOST_CONNECTIONS}")));
        }
        Ok(Self { timeout, connections })
    }

    /// The end of an operation that starts now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }
}

/// The deadline of the next of `parts` attempts, which share the time that is left.
pub(crate) fn share(deadline: Instant, parts: usize) -> Instant {
    let now = Instant::now();
    let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(options: &StoreOptions) -> Result<Limits> {
        Limits::new(options)
    }

    #[test]
    fn limits_have_defaults_and_bounds() {
        let defaults = Limits { timeout: Duration::from_secs(3), connections: 4 };
        assert_eq!(limits(&StoreOptions::new()).unwrap(), defaults);
        let longest = StoreOptions::new().timeout(Duration::from_secs(5)).connections(64);
        assert_eq!(limits(&longest).unwrap(), Limits { timeout: Duration::from_secs(5), connections: 64 });
        for (bad, name) in [
            (StoreOptions::new().timeout(Duration::ZERO), "timeout: "),
            (StoreOptions::new().timeout(Duration::from_millis(5001)), "timeout: "),
            (StoreOptions::new().connections(0), "connections: "),
            (StoreOptions::new().connections(65), "connections: "),
        ] {
            assert!(limits(&bad).unwrap_err().to_string().starts_with(name));
        }
    }

    #[test]
    fn attempts_share_the_time_that_is_left() {
        let now = Instant::now();
        let (one, all) = (share(now + Duration::from_secs(60), 3), share(now + Duration::from_secs(60), 1));
        assert!(one < now + Duration::from_secs(30) && one >= now + Duration::from_secs(20) && all == now + Duration::from_secs(60));
        assert!(share(now, 2) >= now);
    }
}
