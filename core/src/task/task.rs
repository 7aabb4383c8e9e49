//! An operation that runs on another thread, as its caller sees it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::http::SendState;
use protocol::wait_ended::WaitEnded;

use super::call_options::{CallOptions, CancelToken};
use super::progress::Progress;
use crate::sys::sync::{Condvar, Instant, Mutex, MutexGuard};
use crate::worker::{pool, timer};

/// An operation that has started, on a thread of this library. Dropping it abandons the wait, not
/// the operation.
///
/// Each operation has two forms: `refresh` waits, and `start_refresh` returns a task. A caller that
/// must not block, such as an event loop, gives the task a completion.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) {
/// use sipgate_oauth2::CallOptions;
///
/// let task = client.start_refresh("a refresh token", &CallOptions::new());
/// task.then(|outcome| println!("{:?}", outcome.map(|tokens| tokens.expires_at())));
/// # }
/// ```
#[must_use = "its outcome is lost unless it is waited for or given a completion"]
pub struct Task<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    deadline: Option<Instant>,
    cancel: Option<CancelToken>,
}

/// How long the timer remembers a task that has a completion and a later deadline.
const TIMER_SLICE: Duration = Duration::from_secs(30);

type Completion<T> = Box<dyn FnOnce(Result<T>) + Send>;

struct Shared<T> {
    slot: Mutex<Slot<T>>,
    ready: Condvar,
    progress: Arc<Progress>,
    wait_ended: Box<dyn Fn(WaitEnded, SendState) -> Result<T> + Send + Sync>,
}

enum Slot<T> {
    Empty,
    Awaited(Completion<T>),
    Ready(Box<Result<T>>),
    Taken,
}

impl<T: Send + 'static> Task<T> {
    /// An operation that is yet to be started, and where its outcome goes. `wait_ended` says what a
    /// caller gets that stops waiting.
    pub(crate) fn new(
        options: &CallOptions,
        wait_ended: impl Fn(WaitEnded, SendState) -> Result<T> + Send + Sync + 'static,
    ) -> (Self, Completer<T>) {
        let shared = Arc::new(Shared {
            slot: Mutex::new(Slot::Empty),
            ready: Condvar::new(),
            progress: Arc::new(Progress::default()),
            wait_ended: Box::new(wait_ended),
        });
        let deadline = Instant::now().checked_add(options.timeout);
        (Self { shared: Arc::clone(&shared), deadline, cancel: options.cancel.clone() }, Completer(shared))
    }

    /// What was started, or the error that kept it from starting.
    pub(crate) fn started(started: Result<Self>) -> Self {
        started.unwrap_or_else(|error| Self::finished(Err(error)))
    }

    /// An operation that was finished at once.
    pub(crate) fn finished(outcome: Result<T>) -> Self {
        let shared = Shared {
            slot: Mutex::new(Slot::Ready(Box::new(outcome))),
            ready: Condvar::new(),
            progress: Arc::new(Progress::default()),
            // Nobody waits.
            wait_ended: Box::new(|_, _| Err(Error::caught_panic("a task"))),
        };
        Self { shared: Arc::new(shared), deadline: None, cancel: None }
    }

    /// Waits for the outcome, for as long as the call's [`CallOptions`] allow.
    ///
    /// # Errors
    ///
    /// Those of the operation. If the wait ends first, [`Timeout`](crate::ErrorCode::Timeout),
    /// [`Cancelled`](crate::ErrorCode::Cancelled), or what else that means for this operation.
    pub fn wait(self) -> Result<T> {
        self.wait_while(Duration::MAX, || true)
    }

    /// Waits as [`wait`](Self::wait) does, and calls `go_on` on this thread after each `slice` of
    /// time. Once that returns `false`, the wait ends as cancelled. For callers that have something
    /// to check in between, such as signals.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    pub fn wait_while(self, slice: Duration, mut go_on: impl FnMut() -> bool) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let _listening = self.cancel.as_ref().map(|cancel| cancel.listen(move || shared.abandon(WaitEnded::Cancelled)));
        loop {
            let left = self.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if let Some(outcome) = self.wait_for(left.min(slice)) {
                return outcome;
            }
            if left <= slice {
                self.abandon(WaitEnded::TimedOut);
            } else if !go_on() {
                self.abandon(WaitEnded::Cancelled);
            }
        }
    }

    /// Waits for at most this long, and returns `None` if the operation has not finished by then.
    /// The call's own timeout and cancel token do not count here. The outcome is returned once:
    /// later calls fail with [`InvalidArgument`](crate::ErrorCode::InvalidArgument).
    pub fn wait_for(&self, time: Duration) -> Option<Result<T>> {
        let slot = self.shared.lock();
        let (mut slot, _) =
            self.shared.ready.wait_timeout_while(slot, time, |slot| matches!(slot, Slot::Empty)).unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Ready(outcome) => Some(*outcome),
            Slot::Taken => Some(Err(taken())),
            empty => {
                *slot = empty;
                None
            }
        }
    }

    /// Calls `completion` once with the outcome: on this thread if the operation has finished, on
    /// the thread that cancels or abandons the wait, or else on a thread of this library. A panic
    /// in it is caught. The call's timeout and cancel token count.
    pub fn then(self, completion: impl FnOnce(Result<T>) + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        let listening = self.cancel.as_ref().map(|cancel| cancel.listen(move || shared.abandon(WaitEnded::Cancelled)));
        let completion = move |outcome| {
            drop(listening);
            // Others may wait for the same operation.
            let _ = catch_unwind(AssertUnwindSafe(|| completion(outcome)));
        };
        let mut slot = self.shared.lock();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Ready(outcome) => {
                drop(slot);
                completion(*outcome);
            }
            Slot::Taken => {
                drop(slot);
                completion(Err(taken()));
            }
            Slot::Empty | Slot::Awaited(_) => {
                *slot = Slot::Awaited(Box::new(completion));
                drop(slot);
                if let Some(deadline) = self.deadline {
                    Shared::end_at(&self.shared, deadline);
                }
            }
        }
    }

    /// Ends the wait, from this thread or another.
    pub fn handle(&self) -> TaskHandle {
        let shared = Arc::clone(&self.shared);
        TaskHandle(Arc::new(move |why| shared.abandon(why)))
    }

    /// Ends the wait: the outcome is now the error that says what that means. A request that was
    /// not sent yet will not be sent. Has no effect once the operation has finished.
    pub fn abandon(&self, why: WaitEnded) {
        self.shared.abandon(why);
    }
}

impl<T: Send + 'static> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("sent", &self.shared.progress.is_sent()).finish_non_exhaustive()
    }
}

/// Ends the wait for a [`Task`], from any thread, also after the task was given a completion.
///
/// ```no_run
/// use sipgate_oauth2::{CallOptions, ClientBuilder, ErrorCode, WaitEnded};
///
/// let client = ClientBuilder::sipgate("1-0-a:third-party").build()?;
/// let task = client.start_refresh("a refresh token", &CallOptions::new());
/// let handle = task.handle();
/// task.then(|outcome| assert_eq!(outcome.unwrap_err().code(), ErrorCode::Cancelled));
/// handle.abandon(WaitEnded::Cancelled);
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct TaskHandle(Arc<dyn Fn(WaitEnded) + Send + Sync>);

impl TaskHandle {
    /// As [`Task::abandon`].
    pub fn abandon(&self, why: WaitEnded) {
        (self.0)(why);
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskHandle")
    }
}

/// Where the thread that runs an operation puts its outcome. The first outcome counts: a caller may
/// have stopped waiting.
pub(crate) struct Completer<T>(Arc<Shared<T>>);

impl<T> Clone for Completer<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Completer<T> {
    pub(crate) fn progress(&self) -> &Arc<Progress> {
        &self.0.progress
    }

    pub(crate) fn complete(&self, outcome: Result<T>) {
        self.0.complete(outcome);
    }

    /// Runs `job` on a thread of the pool. If there is none, or the job panics, that is the
    /// outcome.
    pub(crate) fn run(&self, place: &'static str, job: impl FnOnce() + Send + 'static) {
        let completer = self.clone();
        let ran = pool::run(move || {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                completer.complete(Err(Error::caught_panic(place)));
            }
        });
        if let Err(error) = ran {
            self.complete(Err(error));
        }
    }

    /// Whether an outcome is there, so that nobody waits for another.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(*self.0.lock(), Slot::Ready(_) | Slot::Taken)
    }
}

impl<T: Send + 'static> Shared<T> {
    /// Ends the wait at `deadline`. A task that has finished is forgotten within `TIMER_SLICE`.
    fn end_at(shared: &Arc<Self>, deadline: Instant) {
        let weak = Arc::downgrade(shared);
        let left = deadline.saturating_duration_since(Instant::now());
        timer::after(left.min(TIMER_SLICE), move || {
            let Some(shared) = weak.upgrade() else { return };
            if left <= TIMER_SLICE {
                shared.abandon(WaitEnded::TimedOut);
            } else {
                Self::end_at(&shared, deadline);
            }
        });
    }
}

impl<T> Shared<T> {
    fn abandon(&self, why: WaitEnded) {
        let send_state = self.progress.abandon();
        self.complete((self.wait_ended)(why, send_state));
    }

    fn complete(&self, outcome: Result<T>) {
        let mut slot = self.lock();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Empty => {
                *slot = Slot::Ready(Box::new(outcome));
                drop(slot);
                self.ready.notify_all();
            }
            Slot::Awaited(completion) => {
                drop(slot);
                completion(outcome);
            }
            complete => *slot = complete,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn taken() -> Error {
    Error::new(ErrorCode::InvalidArgument, "task: its outcome was returned before; keep it from the first call")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(options: &CallOptions) -> (Task<u32>, Completer<u32>) {
        Task::new(options, |why, sent| {
            Err(Error::new(if why == WaitEnded::TimedOut { ErrorCode::Timeout } else { ErrorCode::Cancelled }, format!("{sent:?}")))
        })
    }

    fn cancelled() -> CallOptions {
        let cancel = CancelToken::new();
        cancel.cancel();
        CallOptions::new().cancel_token(&cancel)
    }

    #[test]
    fn a_wait_ends_with_the_outcome() {
        let (task, completer) = task(&CallOptions::new());
        std::thread::spawn(move || completer.complete(Ok(7)));
        assert_eq!(task.wait().unwrap(), 7);
    }

    #[test]
    fn a_wait_ends_with_its_timeout_and_the_request_is_not_sent_any_more() {
        let (task, completer) = task(&CallOptions::new().timeout(Duration::ZERO));
        let error = task.wait().unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::Timeout, "NotSent"));
        assert!(!completer.progress().may_send());
    }

    #[test]
    fn a_cancelled_wait_leaves_a_sent_request_alone() {
        let (task, completer) = task(&cancelled());
        assert!(completer.progress().may_send());
        let error = task.wait().unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::Cancelled, "Sent"));
        assert!(completer.progress().may_send());
        completer.complete(Ok(1));
    }

    #[test]
    fn a_wait_asks_after_each_slice_whether_it_goes_on() {
        let (task, completer) = task(&CallOptions::new());
        let mut asked = 0;
        let outcome = task.wait_while(Duration::from_millis(1), || {
            asked += 1;
            if asked == 3 {
                completer.complete(Ok(7));
            }
            true
        });
        assert_eq!((outcome.unwrap(), asked), (7, 3));
    }

    #[test]
    fn a_wait_that_does_not_go_on_ends_as_cancelled_and_the_request_is_not_sent_any_more() {
        let (task, completer) = task(&CallOptions::new());
        let error = task.wait_while(Duration::from_millis(1), || false).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::Cancelled, "NotSent"));
        assert!(!completer.progress().may_send());
    }

    #[test]
    fn a_wait_in_slices_ends_with_its_timeout_and_its_token() {
        let slice = Duration::from_millis(1);
        let cancel = CancelToken::new();
        let (timed, _completer) = task(&CallOptions::new().timeout(Duration::from_millis(5)));
        assert_eq!(timed.wait_while(slice, || true).unwrap_err().code(), ErrorCode::Timeout);
        let (listening, _completer) = task(&CallOptions::new().cancel_token(&cancel));
        let error = listening.wait_while(slice, || {
            cancel.cancel();
            true
        });
        assert_eq!(error.unwrap_err().code(), ErrorCode::Cancelled);
    }

    #[test]
    fn a_completion_is_called_once_with_the_first_outcome() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (task, completer) = task(&CallOptions::new());
        let handle = task.handle();
        task.then(move |result| sender.send(result).unwrap());
        handle.abandon(WaitEnded::Cancelled);
        completer.complete(Ok(1));
        assert_eq!(receiver.iter().map(|result| result.unwrap_err().code()).collect::<Vec<_>>(), [ErrorCode::Cancelled]);
    }

    #[test]
    fn a_completion_is_called_at_the_deadline_and_when_the_token_is_cancelled() {
        let cancel = CancelToken::new();
        for (options, code) in [
            (CallOptions::new().timeout(Duration::from_millis(1)), ErrorCode::Timeout),
            (CallOptions::new().cancel_token(&cancel), ErrorCode::Cancelled),
            (cancelled(), ErrorCode::Cancelled),
        ] {
            let (sender, receiver) = std::sync::mpsc::channel();
            let (task, _completer) = task(&options);
            task.then(move |result| sender.send(result).unwrap());
            if code == ErrorCode::Cancelled {
                cancel.cancel();
            }
            assert_eq!(receiver.recv().unwrap().unwrap_err().code(), code);
        }
    }

    #[test]
    fn the_outcome_is_returned_once() {
        let (task, completer) = task(&CallOptions::new());
        completer.complete(Ok(3));
        assert_eq!(task.wait_for(Duration::ZERO).unwrap().unwrap(), 3);
        let again = task.wait_for(Duration::from_secs(60)).unwrap().unwrap_err();
        assert_eq!(again.code(), ErrorCode::InvalidArgument);
        task.abandon(WaitEnded::Cancelled);
        assert_eq!(task.wait().unwrap_err().code(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn a_completion_given_after_the_outcome_was_returned_is_told_so() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (task, completer) = task(&CallOptions::new().cancel_token(&CancelToken::new()));
        completer.complete(Ok(3));
        task.wait_for(Duration::ZERO).unwrap().unwrap();
        task.then(move |result| sender.send(result).unwrap());
        assert_eq!(receiver.iter().map(|result| result.unwrap_err().code()).collect::<Vec<_>>(), [ErrorCode::InvalidArgument]);
    }

    #[test]
    fn a_completion_that_panics_does_so_alone() {
        let (late, completed) = task(&CallOptions::new());
        completed.complete(Ok(1));
        late.then(|_| panic!("planted"));

        let (task, completer) = task(&CallOptions::new());
        task.then(|_| panic!("planted"));
        completer.complete(Ok(1));
        assert!(completer.is_complete());
    }

    #[test]
    fn a_completion_given_late_is_called_at_once() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (task, completer) = task(&CallOptions::new());
        completer.complete(Ok(3));
        task.then(move |result| sender.send(result).unwrap());
        assert_eq!(receiver.recv().unwrap().unwrap(), 3);
    }

    #[test]
    fn what_could_not_start_fails_with_its_error() {
        let task = Task::<u32>::started(Err(Error::invalid_argument("code", "is empty")));
        task.abandon(WaitEnded::Cancelled);
        assert_eq!(task.wait().unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}
