//! Replaces the core's module: shuttle schedules the threads, and each execution has its own time,
//! processes and random numbers.

pub(crate) mod clock;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod sync;
