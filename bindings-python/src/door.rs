//! The one door into the core: leave the interpreter, catch a panic, come back, look for signals, map the error.
//! Nothing else calls a function of the core that waits, and no lock is held while anybody waits for the interpreter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use sipgate_oauth2::{Call, CancelToken, Error, GivenUp, Result, Running};

use crate::argument::{self, Optional};
use crate::{cancel_token, errors, log};

/// How long Ctrl-C may go unseen.
const SLICE: Duration = Duration::from_millis(50);

/// What is asked of the core: converted, and not started yet.
pub(crate) trait Asked: Send {
    type Outcome: Send + 'static;

    fn start(self, call: &Call) -> Result<Running<Self::Outcome>>;

    /// Starts it and waits.
    fn complete(self, call: &Call) -> Result<Self::Outcome>;
}

impl<F, T> Asked for F
where
    F: FnOnce(&Call) -> Result<Running<T>> + Send,
    T: Send + 'static,
{
    type Outcome = T;

    fn start(self, call: &Call) -> Result<Running<T>> {
        self(call)
    }

    fn complete(self, call: &Call) -> Result<T> {
        self(call)?.wait(call)
    }
}

/// What one call may take and wants.
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    cancel: Option<CancelToken>,
    min_validity: Duration,
}

impl Limits {
    pub(crate) fn new(timeout: Optional<'_, '_>, cancel: Optional<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            timeout: timeout.map_or(Ok(Call::DEFAULT_TIMEOUT), |timeout| argument::seconds("timeout", timeout))?,
            cancel: cancel.map(cancel_token::read).transpose()?,
            min_validity: Duration::ZERO,
        })
    }

    pub(crate) fn min_validity(mut self, min_validity: Optional<'_, '_>) -> PyResult<Self> {
        if let Some(min_validity) = min_validity {
            self.min_validity = argument::seconds("min_validity", min_validity)?;
        }
        Ok(self)
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    fn call(&self) -> Call {
        let call = Call::new().timeout(self.timeout).min_validity(self.min_validity);
        match &self.cancel {
            Some(cancel) => call.cancel_token(cancel),
            None => call,
        }
    }
}

/// Work that does not wait, done without leaving the interpreter.
pub(crate) fn work<T>(py: Python<'_>, place: &'static str, work: impl FnOnce() -> Result<T>) -> PyResult<T> {
    caught(place, work).map_err(|error| errors::exception(py, &error))
}

/// Starts what is asked; its outcome is for whoever gets the handle.
pub(crate) fn start<A: Asked>(py: Python<'_>, asked: A, limits: &Limits) -> PyResult<Running<A::Outcome>> {
    log::look(py);
    outside(py, || asked.start(&limits.call()))
}

/// Starts what is asked and waits for its outcome. Python runs signal handlers on its main thread only, so that one wakes up to look; a wait on any
/// other thread is in one piece.
pub(crate) fn complete<A: Asked>(py: Python<'_>, asked: A, limits: &Limits) -> PyResult<A::Outcome> {
    if limits.is_cancelled() || !is_main_thread(py)? {
        log::look(py);
        return outside(py, || asked.complete(&limits.call()));
    }
    let deadline = Instant::now().checked_add(limits.timeout);
    let running = start(py, asked, limits)?;
    loop {
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(outcome) = outside(py, || Ok(running.wait_for(left.min(SLICE))))? {
            return outcome.map_err(|error| errors::exception(py, &error));
        }
        if let Err(raised) = py.check_signals() {
            running.give_up(GivenUp::Cancelled);
            return Err(raised);
        }
        if limits.is_cancelled() {
            running.give_up(GivenUp::Cancelled);
        } else if left.is_zero() {
            running.give_up(GivenUp::TimedOut);
        }
    }
}

/// Work that waits or takes a lock, done without the interpreter.
pub(crate) fn outside<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught("a call", work)).map_err(|error| errors::exception(py, &error))
}

fn caught<T>(place: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::caught_panic(place)))
}

/// Looked up each time: a value that is made once has a lock, and a child that is forked while another thread makes it would wait for ever.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
