//! Entering the interpreter from a thread of the library's. An interpreter that shuts down must not be entered: the gate is closed before that, by
//! `atexit`, and closing waits for who is inside.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

/// The process id, whether the gate is closed, and how many are inside. A forked child does not inherit who was inside.
static GATE: AtomicU64 = AtomicU64::new(0);

const CLOSED: u64 = 1 << 31;

/// To be called once before the first `entered`, from Python's side.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if REGISTERED.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let close = pyo3::wrap_pyfunction!(close, py)?;
    py.import("atexit")?.call_method1("register", (close,)).map(drop)
}

/// Runs `work` inside the interpreter; not at all, for `None`, when that is shutting down.
pub(crate) fn entered<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::enter()?;
    Python::try_attach(work)
}

/// Whether the interpreter is shutting down.
pub(crate) fn is_closed() -> bool {
    of_this_process(GATE.load(Ordering::Acquire)) & CLOSED != 0
}

#[pyfunction]
fn close(py: Python<'_>) {
    let _ = GATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, |gate| Some(of_this_process(gate) | CLOSED));
    py.detach(|| {
        while GATE.load(Ordering::Acquire) & (CLOSED - 1) != 0 {
            thread::sleep(Duration::from_millis(1));
        }
    });
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
        // In a child forked by whoever is inside, the gate may not have been touched yet.
        let one_less = |gate| Some(gate).filter(|gate| of_this_process(*gate) == *gate).map(|gate| gate - 1);
        let _ = GATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
    }
}

fn of_this_process(gate: u64) -> u64 {
    let process = u64::from(std::process::id()) << 32;
    if gate >> 32 == process >> 32 { gate } else { process }
}
