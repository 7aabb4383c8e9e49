//! The calls of one event loop that have ended. Threads of the library put outcomes here and wake
//! the loop; the loop takes all that are here at once. To wake it, a thread enters the interpreter
//! only if the loop watches no sockets, as on Windows.

#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::os::{fd::AsRawFd, unix::net::UnixStream};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

use crate::interpreter;

/// See the module. `_awaiting.py` makes one for each event loop.
#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct EndedCalls(Arc<Queue>);

pub(crate) struct Queue {
    calls: Mutex<Vec<EndedCall>>,
    waker: Waker,
}

/// Tells its outcome, on the thread of the event loop. An error is what a signal handler raised
/// meanwhile.
type EndedCall = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;

enum Waker {
    /// The loop reads a byte when there is something to tell.
    #[cfg(unix)]
    Socket { ours: UnixStream, of_the_loop: UnixStream },
    /// A function that has the loop call `tell`.
    Function(Py<PyAny>),
}

#[pymethods]
impl EndedCalls {
    /// `wake` is called on any thread when there is something to tell. Without it, `fileno` becomes
    /// readable.
    #[new]
    #[pyo3(signature = (wake=None))]
    fn new(wake: Option<Py<PyAny>>) -> PyResult<Self> {
        let waker = wake.map_or_else(Waker::socket, |wake| Ok(Waker::Function(wake)))?;
        Ok(Self(Arc::new(Queue { calls: Mutex::default(), waker })))
    }

    /// Raises `NotImplementedError` if there is none.
    fn fileno(&self) -> PyResult<i32> {
        match &self.0.waker {
            #[cfg(unix)]
            Waker::Socket { of_the_loop, .. } => Ok(of_the_loop.as_raw_fd()),
            Waker::Function(_) => Err(PyNotImplementedError::new_err("there is no socket")),
        }
    }

    /// Tells all outcomes that are there, on the thread of the event loop. Raises what ends that,
    /// such as `KeyboardInterrupt`.
    fn tell(&self, py: Python<'_>) -> PyResult<()> {
        #[cfg(unix)]
        if let Waker::Socket { of_the_loop, .. } = &self.0.waker {
            // Before the calls are taken: those that end after that wake the loop again.
            drop((&*of_the_loop).read(&mut [0; 64]));
        }
        let calls = std::mem::take(&mut *self.0.calls.lock().unwrap_or_else(PoisonError::into_inner));
        let mut outcome = Ok(());
        for tell in calls {
            // All of them are told, whatever is raised.
            outcome = outcome.and(tell(py));
        }
        outcome
    }
}

impl EndedCalls {
    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.0)
    }
}

impl Queue {
    /// Has the event loop tell an outcome. Called on any thread.
    pub(crate) fn add(&self, tell: EndedCall) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(tell);
        let is_first = calls.len() == 1;
        drop(calls);
        if is_first {
            self.waker.wake();
        }
    }
}

impl Waker {
    #[cfg(unix)]
    fn socket() -> PyResult<Self> {
        let (ours, of_the_loop) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        of_the_loop.set_nonblocking(true)?;
        Ok(Self::Socket { ours, of_the_loop })
    }

    #[cfg(not(unix))]
    fn socket() -> PyResult<Self> {
        Err(PyNotImplementedError::new_err("event loops watch no sockets here"))
    }

    fn wake(&self) {
        match self {
            // It only fails when it is full: the loop is awake then.
            #[cfg(unix)]
            Self::Socket { ours, .. } => drop((&*ours).write(&[0])),
            Self::Function(wake) => {
                interpreter::entered(|py| {
                    if let Err(raised) = wake.call0(py) {
                        raised.write_unraisable(py, Some(wake.bind(py)));
                    }
                });
            }
        }
    }
}
