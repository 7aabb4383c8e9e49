//! The operations in progress on the library's own threads. A process that exits in the middle of
//! one has lost a login, if the server takes each refresh token once.

use std::sync::Arc;
use std::time::Duration;

use crate::sys::process::PerProcess;
use crate::sys::sync::{AtomicUsize, Instant, Ordering, thread};

const POLL: Duration = Duration::from_millis(5);

/// Of this process. A forked child has its parent's memory, but none of the threads that would
/// finish.
static IN_FLIGHT: PerProcess<AtomicUsize> = PerProcess::new();

/// Counts one operation while it exists. It is made where the operation begins, so that nothing is
/// sent after the count was 0.
pub(super) struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    pub(super) fn begin() -> Self {
        let count = IN_FLIGHT.get_or_make(AtomicUsize::default);
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How many refreshes, logins and logouts are in progress: for a binding that must keep the event
/// loop of a store until they end.
pub fn in_flight() -> usize {
    IN_FLIGHT.get_or_make(AtomicUsize::default).load(Ordering::Acquire)
}

/// Waits until every refresh, login and logout that has begun is finished and stored, also those
/// that no caller waits for any more. For the end of a program: a process that exits between a
/// server's response and the store loses the login, if the server takes each refresh token once. In
/// Python, Node and C this is done at every exit, for 5 s at most.
///
/// Returns `false` if work was still pending when `timeout` elapsed.
///
/// ```
/// use std::time::Duration;
///
/// assert!(sipgate_oauth2::drain(Duration::from_secs(5)));
/// ```
pub fn drain(timeout: Duration) -> bool {
    let started = Instant::now();
    let count = IN_FLIGHT.get_or_make(AtomicUsize::default);
    loop {
        if count.load(Ordering::Acquire) == 0 {
            return true;
        }
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return false;
        }
        thread::sleep(left.min(POLL));
    }
}
