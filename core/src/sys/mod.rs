//! What the operating system provides: clocks, randomness, processes and threads. `tests/schedules`
//! replaces these modules.

pub(crate) mod clock;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod sync;
