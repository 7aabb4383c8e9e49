//! What the library is about on its own threads: a process that ends in the midst of it has lost a login where the server spends each refresh token
//! once.

use std::sync::Arc;
use std::time::Duration;

use crate::sys::process::PerProcess;
use crate::sys::sync::{AtomicUsize, Instant, Ordering, thread};

const POLL: Duration = Duration::from_millis(5);

/// Of this process: a forked child has its parent's memory, and none of the threads that would come to an end.
static IN_FLIGHT: PerProcess<AtomicUsize> = PerProcess::new();

/// Counts while it lives: from where something is begun, so that nothing is sent after it seemed that nothing would be.
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

/// How many refreshes, logins and logouts are under way: for a binding whose event loop a store needs until they are over.
#[doc(hidden)]
pub fn in_flight() -> usize {
    IN_FLIGHT.get_or_make(AtomicUsize::default).load(Ordering::Acquire)
}

/// Waits until every refresh, login and logout that has begun is over and stored, also one that nobody waits for any more. For the end of a program: a
/// process that ends between a server's answer and the store loses the login where each refresh token may be used once. In Python, Node and C it is
/// done at every exit, for 5 s at most.
///
/// `false`: something was still under way after `timeout`.
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
