//! What the operating system gives: clocks, randomness, processes and threads. `tests/schedules` has modules of its own here.

pub(crate) mod clock;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod sync;
