//! Entering the interpreter from a thread of the library. An interpreter that shuts down must not
//! be entered: `at_exit` closes the gate before that, and waits for the threads that are inside.

use std::cell::RefCell;
use std::ffi::c_long;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PySystemExit;
use pyo3::ffi;
use pyo3::prelude::*;

/// The process id, whether the gate is closed, and the number of threads inside. A forked child
/// does not inherit those.
static GATE: AtomicU64 = AtomicU64::new(0);

const CLOSED: u64 = 1 << 31;

/// Runs `work` inside the interpreter; not at all, for `None`, when that is shutting down.
pub(crate) fn entered<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::enter()?;
    stay_known();
    Python::try_attach(work)
}

/// From now on no thread enters.
pub(crate) fn close() {
    let _ = GATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, |gate| Some(of_this_process(gate) | CLOSED));
}

/// Whether the interpreter is shutting down.
pub(crate) fn is_closed() -> bool {
    of_this_process(GATE.load(Ordering::Acquire)) & CLOSED != 0
}

/// Whether no thread of the library is inside.
pub(crate) fn is_empty() -> bool {
    of_this_process(GATE.load(Ordering::Acquire)) & (CLOSED - 1) == 0
}

struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        let one_more = |gate| Some(of_this_process(gate)).filter(|gate| gate & CLOSED == 0).map(|gate| gate + 1);
        GATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok().map(|_| Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // In a child forked by a thread that is inside, the gate may not have been touched yet.
        let one_less = |gate| Some(gate).filter(|gate| of_this_process(*gate) == *gate).map(|gate| gate - 1);
        let _ = GATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
    }
}

fn of_this_process(gate: u64) -> u64 {
    let process = u64::from(std::process::id()) << 32;
    if gate >> 32 == process >> 32 { gate } else { process }
}

/// Raises `SystemExit` in the threads of the library that are inside. A function that waits forever
/// outside Python code does not notice it, which is harmless; one that loops in Python code would
/// crash an interpreter that shuts down.
pub(crate) fn interrupt(py: Python<'_>) {
    let exit = py.get_type::<PySystemExit>();
    for thread in known_threads().iter().filter(|thread| thread.process == std::process::id()) {
        // SAFETY: this thread is attached. A thread that has ended meanwhile is not found.
        unsafe { ffi::PyThreadState_SetAsyncExc(thread.ident, exit.as_ptr()) };
    }
}

/// Python's state of a thread of the library, from its first call into Python to its end. With a
/// new state for each call, everything that the application keeps per thread would be lost, such as
/// the database connections of an ORM: each call would open one, and none would be closed.
struct ThreadState {
    state: *mut ffi::PyThreadState,
    thread: KnownThread,
}

#[derive(Clone, Copy, PartialEq)]
struct KnownThread {
    process: u32,
    ident: c_long,
}

thread_local! {
    static THREAD_STATE: RefCell<Option<ThreadState>> = const { RefCell::new(None) };
}

/// The lock is only held inside the interpreter, by a thread that does not release it meanwhile, so
/// that a child cannot be forked while it is held.
static KNOWN_THREADS: Mutex<Vec<KnownThread>> = Mutex::new(Vec::new());

fn known_threads() -> MutexGuard<'static, Vec<KnownThread>> {
    KNOWN_THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By a thread that is inside. A thread that Python knows already keeps the state that it has.
fn stay_known() {
    // While the thread ends there is nothing left to keep it in.
    let _ = THREAD_STATE.try_with(|kept| {
        // SAFETY: the interpreter is initialized, and does not shut down while this thread is
        // inside.
        unsafe {
            if ffi::PyGILState_GetThisThreadState().is_null() {
                ffi::PyGILState_Ensure();
                let thread = KnownThread { process: std::process::id(), ident: ffi::PyThread_get_thread_ident().cast_signed() };
                known_threads().push(thread);
                kept.replace(Some(ThreadState { state: ffi::PyEval_SaveThread(), thread }));
            }
        }
    });
}

impl Drop for ThreadState {
    /// Without entering an interpreter that shuts down: that has let go of the state itself.
    fn drop(&mut self) {
        let Some(_inside) = Inside::enter() else { return };
        // SAFETY: the state belongs to this thread, made by `stay_known` and not current; each
        // entry since then has given it back. The interpreter does not shut down while this thread
        // is inside.
        unsafe {
            ffi::PyEval_RestoreThread(self.state);
            known_threads().retain(|thread| *thread != self.thread);
            // Not PyGILState_Release: musl has forgotten by now what Python keeps for this thread,
            // and Python would abort the process.
            ffi::PyThreadState_Clear(self.state);
            ffi::PyThreadState_Delete(ffi::PyEval_SaveThread());
        }
    }
}
