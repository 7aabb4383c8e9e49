//! Deadlines, as ureq's connectors take them.

use std::time::Instant;

use ureq::Timeout;
use ureq::unversioned::transport::{NextTimeout, time};

/// The time that is left until a deadline, and what to name if it elapses.
pub(super) fn left(deadline: Instant, now: Instant, reason: Timeout) -> NextTimeout {
    let left = time::Duration::Exact(deadline.saturating_duration_since(now));
    NextTimeout { after: left, reason, ..NextTimeout::default() }
}
