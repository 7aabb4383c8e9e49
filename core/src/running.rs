//! A request under way on a thread of the library's: to be waited for, or given a completion.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::call::Call;
use crate::error::Result;
use crate::oauth::grant::GivenUp;
use crate::oauth::message::Reached;
use crate::sync::{AtomicU8, Condvar, Instant, Mutex, MutexGuard, Ordering};

/// A request that runs on a thread of the library's. Dropping it abandons the wait, not the request.
///
/// The blocking functions of [`Client`](crate::Client) wait for one. Whoever must not block, as an event loop, takes the `start_…` form and
/// gives it a completion.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// let running = client.start_refresh("a refresh token")?;
/// running.then(|outcome| println!("{:?}", outcome.map(|tokens| tokens.expires_at())));
/// # Ok(()) }
/// ```
#[must_use = "its outcome is lost unless it is waited for or given a completion"]
pub struct Running<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

type Completion<T> = Box<dyn FnOnce(Result<T>) + Send>;

struct Shared<T> {
    slot: Mutex<Slot<T>>,
    ready: Condvar,
    progress: Arc<Progress>,
    given_up: Box<dyn Fn(GivenUp, Reached) -> Result<T> + Send + Sync>,
}

enum Slot<T> {
    Empty,
    Awaited(Completion<T>),
    Ready(Box<Result<T>>),
    Taken,
}

impl<T: Send + 'static> Running<T> {
    /// A request yet to be started, and where its outcome goes. `given_up` says what a caller that stops waiting gets.
    pub(crate) fn new(given_up: impl Fn(GivenUp, Reached) -> Result<T> + Send + Sync + 'static) -> (Self, Outcome<T>) {
        let shared = Arc::new(Shared {
            slot: Mutex::new(Slot::Empty),
            ready: Condvar::new(),
            progress: Arc::new(Progress::default()),
            given_up: Box::new(given_up),
        });
        (Self { shared: Arc::clone(&shared) }, Outcome(shared))
    }

    /// Waits for the outcome, as long as `call` allows.
    ///
    /// # Errors
    ///
    /// Those of the request; and when the wait ended first, the one that says what that means for this request.
    pub fn wait(self, call: &Call) -> Result<T> {
        let deadline = Instant::now().checked_add(call.timeout);
        let shared = Arc::clone(&self.shared);
        let _listening = call.cancel.as_ref().map(|cancel| cancel.listen(move || shared.give_up(GivenUp::Cancelled)));
        loop {
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if let Some(outcome) = self.wait_for(left) {
                return outcome;
            }
            self.give_up(GivenUp::TimedOut);
        }
    }

    /// Waits for at most this long; `None` when the outcome is not there yet. For callers that must look up in between, as Python for signals.
    pub fn wait_for(&self, time: Duration) -> Option<Result<T>> {
        let slot = self.shared.lock();
        let (mut slot, _) =
            self.shared.ready.wait_timeout_while(slot, time, |slot| matches!(slot, Slot::Empty)).unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Ready(outcome) => Some(*outcome),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Has `completion` called with the outcome, once: on a thread of the library's, or on this one when the outcome is there already.
    pub fn then(self, completion: impl FnOnce(Result<T>) + Send + 'static) {
        let mut slot = self.shared.lock();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Ready(outcome) => {
                drop(slot);
                completion(*outcome);
            }
            _ => *slot = Slot::Awaited(Box::new(completion)),
        }
    }

    /// A handle that ends the wait from elsewhere.
    pub fn handle(&self) -> RunningHandle {
        let shared = Arc::clone(&self.shared);
        RunningHandle(Arc::new(move |why| shared.give_up(why)))
    }

    /// Ends the wait: the outcome is now an error that says what that means. A request that has not left is not sent any more.
    pub fn give_up(&self, why: GivenUp) {
        self.shared.give_up(why);
    }
}

impl<T: Send + 'static> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("reached", &self.shared.progress.reached()).finish_non_exhaustive()
    }
}

/// Ends the wait for a [`Running`] request, from any thread, also after it was given a completion.
///
/// ```no_run
/// use sipgate_oauth2::{Client, ErrorCode, GivenUp};
///
/// let running = Client::sipgate("1-0-a:third-party").build()?.start_refresh("a refresh token")?;
/// let handle = running.handle();
/// running.then(|outcome| assert_eq!(outcome.unwrap_err().code(), ErrorCode::Cancelled));
/// handle.give_up(GivenUp::Cancelled);
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct RunningHandle(Arc<dyn Fn(GivenUp) + Send + Sync>);

impl RunningHandle {
    /// As [`Running::give_up`]. Without effect once the outcome is there.
    pub fn give_up(&self, why: GivenUp) {
        (self.0)(why);
    }
}

impl fmt::Debug for RunningHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunningHandle")
    }
}

/// Where the thread that runs a request puts its outcome. The first outcome counts: a caller may have given up before.
pub(crate) struct Outcome<T>(Arc<Shared<T>>);

impl<T> Clone for Outcome<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Outcome<T> {
    pub(crate) fn progress(&self) -> &Arc<Progress> {
        &self.0.progress
    }

    pub(crate) fn put(&self, outcome: Result<T>) {
        self.0.put(outcome);
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(*self.0.lock(), Slot::Ready(_) | Slot::Taken)
    }
}

impl<T> Shared<T> {
    fn give_up(&self, why: GivenUp) {
        let reached = self.progress.abandon();
        self.put((self.given_up)(why, reached));
    }

    fn put(&self, outcome: Result<T>) {
        let mut slot = self.lock();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Empty => {
                *slot = Slot::Ready(Box::new(outcome));
                drop(slot);
                self.ready.notify_all();
            }
            Slot::Awaited(completion) => {
                drop(slot);
                // Others may wait for the same.
                let _ = catch_unwind(AssertUnwindSafe(|| completion(outcome)));
            }
            settled => *slot = settled,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a request has got. Whether it leaves or is abandoned is decided once, between the thread that sends and the one that gives up.
#[derive(Default)]
pub(crate) struct Progress(AtomicU8);

const WAITING: u8 = 0;
const SENT: u8 = 1;
const ABANDONED: u8 = 2;

impl Progress {
    /// Called with the first byte of the request in hand. `false`: it was abandoned and must not leave.
    pub(crate) fn may_send(&self) -> bool {
        match self.0.compare_exchange(WAITING, SENT, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(now) => now == SENT,
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABANDONED
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.reached() == Reached::Sent
    }

    pub(crate) fn reached(&self) -> Reached {
        if self.0.load(Ordering::Acquire) == SENT { Reached::Sent } else { Reached::NotSent }
    }

    fn abandon(&self) -> Reached {
        match self.0.compare_exchange(WAITING, ABANDONED, Ordering::AcqRel, Ordering::Acquire) {
            Err(SENT) => Reached::Sent,
            _ => Reached::NotSent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::CancelToken;
    use crate::error::{Error, ErrorCode};

    fn running() -> (Running<u32>, Outcome<u32>) {
        Running::new(|why, reached| {
            Err(Error::new(if why == GivenUp::TimedOut { ErrorCode::Timeout } else { ErrorCode::Cancelled }, format!("{reached:?}")))
        })
    }

    #[test]
    fn a_wait_ends_with_the_outcome() {
        let (running, outcome) = running();
        std::thread::spawn(move || outcome.put(Ok(7)));
        assert_eq!(running.wait(&Call::new()).unwrap(), 7);
    }

    #[test]
    fn a_wait_ends_with_its_timeout_and_the_request_is_not_sent_any_more() {
        let (running, outcome) = running();
        let error = running.wait(&Call::new().timeout(Duration::ZERO)).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::Timeout, "NotSent"));
        assert!(!outcome.progress().may_send());
    }

    #[test]
    fn a_cancelled_wait_leaves_a_sent_request_alone() {
        let (running, outcome) = running();
        assert!(outcome.progress().may_send());
        let cancel = CancelToken::new();
        cancel.cancel();
        let error = running.wait(&Call::new().cancel_token(&cancel)).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::Cancelled, "Sent"));
        assert!(outcome.progress().may_send());
        outcome.put(Ok(1));
    }

    #[test]
    fn a_completion_is_called_once_with_the_first_outcome() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (running, outcome) = running();
        let handle = running.handle();
        running.then(move |result| sender.send(result).unwrap());
        handle.give_up(GivenUp::Cancelled);
        outcome.put(Ok(1));
        assert_eq!(receiver.iter().map(|result| result.unwrap_err().code()).collect::<Vec<_>>(), [ErrorCode::Cancelled]);
    }

    #[test]
    fn a_completion_that_panics_does_so_alone() {
        let (running, outcome) = running();
        running.then(|_| panic!("planted"));
        outcome.put(Ok(1));
        assert!(outcome.is_settled());
    }

    #[test]
    fn a_completion_given_late_is_called_at_once() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (running, outcome) = running();
        outcome.put(Ok(3));
        running.then(move |result| sender.send(result).unwrap());
        assert_eq!(receiver.recv().unwrap().unwrap(), 3);
    }
}
